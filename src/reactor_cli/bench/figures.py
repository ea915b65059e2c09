"""From samples of several runs to figures. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Run:
    """What one run has measured. What could not be is None or empty.

    ``ages_ms`` are those of pictures when they arrived, ``answers_ms`` the times from commands to answers; ``bitrate`` is in
    bit/s, ``cpu`` in cores, ``memory_mib`` the runtime's.
    """

    ready_ms: float
    first_frame_ms: float
    frames: int = 0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    ages_ms: Sequence[float] = field(default=(), repr=False)
    answers_ms: Sequence[float] = field(default=(), repr=False)
    bitrate: float | None = None
    rtt_ms: float | None = None
    cpu: float | None = None
    memory_mib: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table: the median of the runs, and what each of them says; None where it could not be measured."""

    key: str
    title: str
    unit: str
    digits: int
    median: float | None
    runs: tuple[float | None, ...]


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest of ``values`` that at least ``percent`` of them do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def figures_of(runs: Sequence[Run]) -> list[Figure]:
    """All figures of some runs."""
    return [_figure(row, runs) for row in _ROWS]


def document(source: str, runs: Sequence[Run]) -> dict[str, Any]:
    """The figures as a document, in the units that their names say."""
    last = runs[-1] if runs else None
    return {
        "source": source,
        "runs": len(runs),
        "picture": None if last is None else {"width": last.width, "height": last.height},
        "figures": {
            each.key: {"unit": each.unit, "median": _rounded(each.median), "runs": [_rounded(value) for value in each.runs]}
            for each in figures_of(runs)
        },
    }


def shown(figure: Figure, value: float | None) -> str:
    """A value of a figure for people."""
    return "-" if value is None else f"{value:.{figure.digits}f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _figure(row: _Row, runs: Sequence[Run]) -> Figure:
    key, title, unit, digits, read = row
    values = tuple(read(run) for run in runs)
    known = [value for value in values if value is not None]
    return Figure(key, title, unit, digits, statistics.median(known) if known else None, values)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


_Row = tuple[str, str, str, int, Callable[[Run], float | None]]

_ROWS: Final[tuple[_Row, ...]] = (
    ("ready_ms", "connect() to READY", "ms", 0, lambda run: run.ready_ms),
    ("first_frame_ms", "connect() to first frame", "ms", 0, lambda run: run.first_frame_ms),
    ("fps", "frames delivered", "fps", 1, lambda run: run.frames / run.seconds if run.seconds > 0 else None),
    ("glass_p50_ms", "glass to glass, p50", "ms", 1, lambda run: percentile(run.ages_ms, 50)),
    ("glass_p95_ms", "  p95", "ms", 1, lambda run: percentile(run.ages_ms, 95)),
    ("glass_p99_ms", "  p99", "ms", 1, lambda run: percentile(run.ages_ms, 99)),
    ("command_p50_ms", "command to answer, p50", "ms", 2, lambda run: percentile(run.answers_ms, 50)),
    ("command_p95_ms", "  p95", "ms", 2, lambda run: percentile(run.answers_ms, 95)),
    ("mbit_s", "bitrate", "Mbit/s", 2, lambda run: _scaled(run.bitrate, 1e-6)),
    ("rtt_ms", "round trip of the path", "ms", 1, lambda run: run.rtt_ms),
    ("cpu_cores", "runtime CPU", "cores", 2, lambda run: run.cpu),
    ("memory_mib", "runtime memory", "MiB", 0, lambda run: run.memory_mib),
)
