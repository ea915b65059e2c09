"""Counters, levels and histograms, cheap enough for every frame: no locks, since one loop does it all.

What a label may say is laid down beforehand (:meth:`Family.open`): a value that nobody has opened has no series, and gets none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Final, Generic, Protocol, TypeAlias, TypeVar

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

Sample: TypeAlias = tuple[str, Mapping[str, str], float]
"""A suffix of the metric's name, labels beside those of the metric, and a figure."""
_PLAIN: Final[Mapping[str, str]] = {}


class Cell(Protocol):
    """The figures of one metric for one set of labels. ``kind`` is Prometheus' word for it."""

    kind: ClassVar[str]

    def samples(self) -> Iterable[Sample]: ...


class Count:
    """What only grows."""

    __slots__ = ("value",)
    kind: ClassVar[str] = "counter"

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """So much more."""
        self.value += amount

    def samples(self) -> Iterable[Sample]:
        return [("_total", _PLAIN, self.value)]


class Level:
    """What goes up and down."""

    __slots__ = ("value",)
    kind: ClassVar[str] = "gauge"

    def __init__(self) -> None:
        self.value = 0.0

    def set(self, value: float) -> None:
        """So much now."""
        self.value = value

    def samples(self) -> Iterable[Sample]:
        return [("", _PLAIN, self.value)]


class Spread:
    """How often a figure was in which range. ``bounds`` are the upper ends of the ranges, in order."""

    __slots__ = ("bounds", "counts", "total")
    kind: ClassVar[str] = "histogram"

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, figure: float, times: int = 1) -> None:
        """It was measured, so many times."""
        self.counts[bisect_left(self.bounds, figure)] += times
        self.total += figure * times

    def samples(self) -> Iterable[Sample]:
        ends = [*(repr(float(bound)) for bound in self.bounds), "+Inf"]
        samples: list[Sample] = []
        total = 0
        for end, count in zip(ends, self.counts, strict=True):
            total += count
            samples.append(("_bucket", {"le": end}, total))
        return [*samples, ("_count", _PLAIN, total), ("_sum", _PLAIN, self.total)]


CellT = TypeVar("CellT", bound=Cell)


class Family(Generic[CellT]):
    """One metric: a cell for each of the values that its labels may have."""

    def __init__(self, name: str, text: str, kind: str, make: Callable[[], CellT], labels: Sequence[str] = ()) -> None:
        self._metric = (name, text, kind)
        self._labels = labels
        self._make = make
        self._cells: dict[tuple[str, ...], CellT] = {}
        if not labels:
            self.open()

    def open(self, *values: str) -> CellT:
        """The cell of these values, made where there is none. Only for what this program or the model has named."""
        cell = self._cells.get(values)
        if cell is None:
            cell = self._cells[values] = self._make()
        return cell

    def find(self, *values: str) -> CellT | None:
        """The cell of these values, or None where they were never opened."""
        return self._cells.get(values)

    @property
    def only(self) -> CellT:
        """The cell of a metric without labels."""
        return self._cells[()]

    def collect(self) -> Metric:
        """The metric as Prometheus has it."""
        name, text, kind = self._metric
        metric = Metric(name, text, kind)
        for values, cell in self._cells.items():
            labels = dict(zip(self._labels, values, strict=True))
            for suffix, more, figure in cell.samples():
                metric.add_sample(name + suffix, {**labels, **more}, figure)
        return metric


class Instruments(Collector):
    """All metrics, in the order in which they were made. Names of counters are given without ``_total``."""

    def __init__(self) -> None:
        self._collect: list[Callable[[], Metric]] = []

    def count(self, name: str, text: str, *labels: str) -> Family[Count]:
        """A counter."""
        return self._added(Family(name, text, Count.kind, Count, labels))

    def level(self, name: str, text: str, *labels: str) -> Family[Level]:
        """A gauge."""
        return self._added(Family(name, text, Level.kind, Level, labels))

    def spread(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> Family[Spread]:
        """A histogram."""
        return self._added(Family(name, text, Spread.kind, lambda: Spread(bounds), labels))

    def _added(self, family: Family[CellT]) -> Family[CellT]:
        self._collect.append(family.collect)
        return family

    def collect(self) -> Iterable[Metric]:
        return [collect() for collect in self._collect]
