"""The figure of a session."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from reactor_sdk import MissingExtraError, Reactor, StatsSample, plot_stats
from reactor_sdk.notebook.stats_figure import gaps

SAMPLES = (
    StatsSample(100.0, rtt=0.020, frames_per_second=30.0, bitrate=3e6, command_rtt=0.025),
    StatsSample(101.0, rtt=0.030, frames_per_second=29.0, bitrate=4e6),
    StatsSample(101.5, connected=False),
    StatsSample(110.0, rtt=0.020),
    StatsSample(111.0, connected=False),
)


def test_latency_frames_and_bitrate_have_their_units_and_breaks() -> None:
    figure = plot_stats(SAMPLES)
    latency, frames, bitrate = figure.axes
    assert [axes.get_ylabel() for axes in figure.axes] == ["round trip, ms", "frames/s", "Mbit/s"]
    assert [line.get_label() for line in latency.lines] == ["network", "commands"]
    assert str(latency.lines[0].get_ydata()) == "[20. 30. nan 20. nan]"
    assert str(latency.lines[1].get_ydata()) == "[25. nan nan nan nan]"
    assert str(frames.lines[0].get_ydata()) == "[30. 29. nan nan nan]"
    assert str(bitrate.lines[0].get_ydata()) == "[ 3.  4. nan nan nan]"
    assert str(latency.lines[0].get_xdata()) == "[ 0.   1.   1.5 10.  11. ]"


def test_times_without_a_connection_are_marked() -> None:
    assert gaps(SAMPLES) == [(101.5, 110.0), (111.0, 111.0)]
    assert [len(axes.patches) for axes in plot_stats(SAMPLES).axes] == [2, 2, 2]


def test_a_figure_shows_itself_and_has_no_background() -> None:
    figure: Any = plot_stats(SAMPLES)
    assert figure._repr_png_()[:8] == b"\x89PNG\r\n\x1a\n"
    assert figure.get_facecolor()[3] == 0.0


def test_a_client_that_has_seen_nothing_has_a_figure_that_says_so() -> None:
    assert "no figures yet" in str(plot_stats(Reactor("helios", local=True)).get_suptitle())


def test_without_matplotlib_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "matplotlib")
    monkeypatch.delitem(sys.modules, "reactor_sdk.notebook.stats_figure")
    with pytest.raises(MissingExtraError) as raised:
        plot_stats(SAMPLES)
    assert str(raised.value) == "plot_stats() needs the package matplotlib: pip install 'openreactor[notebook]'"
    assert isinstance(raised.value, ImportError)


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """That package cannot be imported."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
