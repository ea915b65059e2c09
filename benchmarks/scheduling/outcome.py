"""The figures that come out of a day. Waits and lengths in seconds, decisions in milliseconds, shares between 0 and 1."""

import resource
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.scheduling.tally import Tally
from benchmarks.scheduling.world import DAY_S, World

_ENOUGH = 20
"""A key with fewer sessions than this in a day is a light one, and has too few to speak of its mean wait."""


@dataclass(frozen=True)
class Wait:
    """How long a group of sessions waited. ``unserved`` is the share that left the queue, or was in it when the day ended."""

    group: str
    sessions: int
    unserved: float
    p50: float
    p95: float
    p99: float
    workers: int | None = None
    utilisation: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The day in figures.

    ``by_keys`` are sessions of priority 0 alone. ``longest_lead``: by how many running sessions a key that had just been served
    was ahead of one that went on waiting with the same priority. ``key_mean_wait``: the mean wait of each key of priority 0 with
    20 sessions or more, as median, p99 and maximum over the keys. ``promise``: what was said of the wait over what it was, for
    waits of a minute or more, as p10, p50 and p90. ``whole_ms``: a decision over the whole snapshot.
    """

    by_model: list[Wait]
    by_priority: list[Wait]
    by_keys: list[Wait]
    resumed_p99: float
    longest_lead: int
    key_mean_wait: tuple[float, float, float]
    promise: tuple[float, float, float]
    utilisation: float
    utilisation_peak: float
    most_waiting: int
    left: int
    died: int
    ticks: int
    tick_ms_p50: float
    tick_ms_p99: float
    tick_ms_max: float
    whole_ms_p50: float
    whole_ms_max: float
    whole_waiting_max: int
    seconds: float
    memory_mib: float

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def outcome_of(world: World, tally: Tally, seconds: float) -> Outcome:
    """Sums up a day that took ``seconds`` to simulate."""
    waited = np.asarray(tally.waited)
    model, key = np.asarray(world.model), np.asarray(world.key)
    priority = np.asarray(world.priority)[key]
    scale = world.scale
    ticks = np.asarray([each for each in tally.decisions if each > 0] or [0.0]) * 1000
    whole = np.asarray([each.seconds for each in tally.looks] or [0.0]) * 1000
    return Outcome(
        by_model=[
            _wait(f"m{number}", waited[model == number], world.workers[number], tally.busy_s[number])
            for number in range(scale.models)
        ],
        by_priority=[_wait(f"priority {level}", waited[priority == level]) for level, _ in reversed(world.habits.priorities)],
        by_keys=_by_keys(world, waited, key, priority),
        resumed_p99=_percentiles(np.asarray(tally.resumed), 99)[0],
        longest_lead=tally.longest_lead,
        key_mean_wait=_key_means(waited, key, priority, scale.keys),
        promise=_promise(world, tally),
        utilisation=sum(tally.busy_s) / (scale.workers * DAY_S),
        utilisation_peak=max((each.busy for each in tally.looks), default=0) / scale.workers,
        most_waiting=tally.most_waiting,
        left=tally.left,
        died=tally.died,
        ticks=len(ticks),
        tick_ms_p50=_percentiles(ticks, 50)[0],
        tick_ms_p99=_percentiles(ticks, 99)[0],
        tick_ms_max=float(ticks.max()),
        whole_ms_p50=_percentiles(whole, 50)[0],
        whole_ms_max=float(whole.max()),
        whole_waiting_max=max((each.waiting for each in tally.looks), default=0),
        seconds=seconds,
        memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _wait(group: str, waited: NDArray[np.float64], workers: int | None = None, busy_s: float = 0.0) -> Wait:
    served = waited[waited >= 0]
    p50, p95, p99 = _percentiles(served, 50, 95, 99)
    unserved = 1 - len(served) / len(waited) if len(waited) else 0.0
    utilisation = None if workers is None else busy_s / (workers * DAY_S)
    return Wait(group, len(waited), unserved, p50, p95, p99, workers, utilisation)


def _by_keys(world: World, waited: NDArray[np.float64], key: NDArray[np.int_], priority: NDArray[np.int_]) -> list[Wait]:
    """Light keys, the heaviest hundredth of the keys, the key that brings everything at once, and the others."""
    counts = np.bincount(key, minlength=world.scale.keys)
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")[key]
    burst = key == world.burst_key
    heavy = (rank < world.scale.keys // 100) & ~burst
    light = (counts[key] < _ENOUGH) & ~burst
    ordinary = priority == 0
    return [
        _wait(f"keys with under {_ENOUGH} sessions", waited[light & ordinary]),
        _wait("keys in between", waited[ordinary & ~light & ~heavy & ~burst]),
        _wait("the heaviest 1 % of keys", waited[heavy & ordinary]),
        _wait("the key that brings all at once", waited[burst]),
    ]


def _key_means(
    waited: NDArray[np.float64], key: NDArray[np.int_], priority: NDArray[np.int_], keys: int
) -> tuple[float, float, float]:
    chosen = (waited >= 0) & (priority == 0)
    counts = np.bincount(key[chosen], minlength=keys)
    means = np.bincount(key[chosen], waited[chosen], minlength=keys)[counts >= _ENOUGH] / counts[counts >= _ENOUGH]
    return _three(means, 50, 99, 100)


def _promise(world: World, tally: Tally) -> tuple[float, float, float]:
    said: list[float] = []
    for look in tally.looks:
        for number, promised in look.promised.items():
            remaining = world.arrives[number] + tally.waited[number] - look.now
            if tally.waited[number] >= 0 and remaining >= 60:
                said.append(promised / remaining)
    return _three(np.asarray(said), 10, 50, 90)


def _three(values: NDArray[np.float64], low: float, middle: float, high: float) -> tuple[float, float, float]:
    first, second, third = _percentiles(values, low, middle, high)
    return first, second, third


def _percentiles(values: NDArray[np.float64], *shares: float) -> list[float]:
    """Zeros where there are no values."""
    if not len(values):
        return [0.0] * len(shares)
    return [float(each) for each in np.percentile(values, _list(shares))]


def _list(shares: Iterable[float]) -> list[float]:
    return list(shares)
