"""The rows of the table: what each figure is called, its unit, and its budget where the design names one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row. ``budget`` is in ``unit``; smaller is better but for ``more_is_better``."""

    key: str
    title: str
    unit: str
    budget: float | None = None
    digits: int = 1
    more_is_better: bool = False

    def within_budget(self, value: float) -> bool:
        """Whether a value keeps the budget; anything does where there is none."""
        if self.budget is None:
            return True
        return value >= self.budget if self.more_is_better else value <= self.budget


@dataclass(frozen=True)
class Reading:
    """The value of one figure, in the figure's unit, and how many samples it comes from."""

    value: float
    samples: int


FIGURES: tuple[Figure, ...] = (
    Figure("fast_p50", "glass to glass, model outruns its rate, p50", "ms", 25.0),
    Figure("fast_p95", "  p95", "ms"),
    Figure("fast_p99", "  p99", "ms", 50.0),
    Figure("fast_fps", "  frames delivered", "fps", more_is_better=True),
    Figure("slow_p50", "glass to glass, model slower than its rate, p50", "ms", 25.0),
    Figure("slow_p95", "  p95", "ms"),
    Figure("slow_p99", "  p99", "ms", 50.0),
    Figure("slow_fps", "  frames delivered", "fps", more_is_better=True),
    Figure("ready", "connect() to READY", "ms", 150.0, digits=0),
    Figure("first_frame", "connect() to first frame", "ms", 300.0, digits=0),
    Figure("ready_silent_stun", "connect() to READY, STUN does not answer", "ms", 500.0, digits=0),
    Figure("command_p50", "command to answer, p50", "ms", 1.5, digits=2),
    Figure("command_p95", "  p95", "ms", digits=2),
    Figure("slow_reader_p50", "age seen by a reader that takes 100 ms, p50", "ms"),
    Figure("slow_reader_growth", "  growth from first to last third", "ms"),
    Figure("runtime_cpu", "runtime CPU, one viewer", "core", digits=2),
    Figure("client_cpu", "client CPU per frame", "ms"),
    Figure("alone_cpu", "runtime CPU, 1 viewer that only counts", "core", digits=2),
    Figure("alone_p50", "  age of its pictures, p50", "ms"),
    Figure("audience_cpu", "runtime CPU, 8 viewers that only count", "core", digits=2),
    Figure("audience_ratio", "  times that of 1", "", 1.5, digits=2),
    Figure("audience_fps", "  frames delivered to the one that got fewest", "fps", 29.0, more_is_better=True),
    Figure("audience_p50", "  age of their pictures, p50", "ms"),
    Figure("runtime_rss", "runtime memory, model loaded, idle", "MiB", 124.0, digits=0),
)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` (0 to 1) of them do not exceed. `values` is not empty."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def distribution(key: str, values: Sequence[float], *, shares: Sequence[int] = (50, 95, 99)) -> dict[str, Reading]:
    """Readings ``KEY_p50``, ``KEY_p95``, ... of one set of samples."""
    return {f"{key}_p{share}": Reading(percentile(values, share / 100), len(values)) for share in shares}
