"""The figure of a session's samples, drawn by matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reactor_sdk.history import StatsSample

INK: Final = "#7d7d7d"
"""A grey that has a contrast of more than 4 both on white and on near black."""
GRID: Final = "#8a8a8a40"
NETWORK: Final = "#3b82f6"
COMMANDS: Final = "#e8590c"
FRAMES: Final = "#12a150"
BITRATE: Final = "#a855f7"
GAP: Final = "#ef444438"
DPI: Final = 110

Reading = Callable[[StatsSample], float | None]


class StatsFigure(Figure):
    """A figure that shows itself in a notebook, whether pyplot is used there or not."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def gaps(samples: Sequence[StatsSample]) -> list[tuple[float, float]]:
    """When there was no connection: from the end of one to the first sample of the next, or to the last sample there is."""
    found: list[tuple[float, float]] = []
    began: float | None = None
    for sample in samples:
        if not sample.connected and began is None:
            began = sample.at
        elif sample.connected and began is not None:
            found.append((began, sample.at))
            began = None
    return found if began is None else [*found, (began, samples[-1].at)]


def figure_of(samples: Sequence[StatsSample]) -> StatsFigure:
    """Three panels over one time axis; see :func:`reactor_sdk.plot_stats`."""
    figure = StatsFigure(figsize=(8.5, 5.2), dpi=DPI, layout="constrained", facecolor="none")
    latency, frames, bitrate = figure.subplots(3, 1, sharex=True)
    if not samples:
        samples = (StatsSample(at=0.0, connected=False),)
        figure.suptitle("no figures yet: connect, and wait a second", color=INK, fontsize=10)
    _line(latency, samples, lambda sample: _times(sample.rtt, 1e3), "network", NETWORK)
    _line(latency, samples, lambda sample: _times(sample.command_rtt, 1e3), "commands", COMMANDS, dots=True)
    _line(frames, samples, lambda sample: sample.frames_per_second, "main video", FRAMES)
    _line(bitrate, samples, lambda sample: _times(sample.bitrate, 1e-6), "main video", BITRATE)
    for axes, name in ((latency, "round trip, ms"), (frames, "frames/s"), (bitrate, "Mbit/s")):
        _dress(axes, name, samples)
    _legend(latency)
    bitrate.set_xlabel(f"minutes:seconds since {_moment(samples[0].at)}", color=INK)
    return figure


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _line(axes: Axes, samples: Sequence[StatsSample], reading: Reading, name: str, colour: str, *, dots: bool = False) -> None:
    values = [reading(sample) for sample in samples]
    if dots and not any(value is not None for value in values):
        return
    times = [sample.at - samples[0].at for sample in samples]
    shown = [math.nan if value is None else value for value in values]
    style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.5} if dots else {"linewidth": 1.6}
    axes.plot(times, shown, color=colour, label=name, **style)


def _dress(axes: Axes, name: str, samples: Sequence[StatsSample]) -> None:
    origin = samples[0].at
    for number, (began, ended) in enumerate(gaps(samples)):
        # A gap of no length would not be seen.
        axes.axvspan(began - origin, max(ended, began + 0.3) - origin, color=GAP, lw=0, label="" if number else "no connection")
    axes.set_facecolor("none")
    axes.set_ylabel(name, color=INK)
    axes.margins(x=0.01, y=0.12)
    axes.set_ylim(bottom=0)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=GRID, linewidth=0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{int(seconds) // 60}:{int(seconds) % 60:02d}"))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False, labelcolor=INK, fontsize=9)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S UTC")
