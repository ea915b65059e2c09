"""Who comes when, for how long and with which key: the population of a simulated day, drawn once from a seed.

Arrivals follow the hours of the day. API keys and models have a heavy tail. Session lengths are log-normal, cut at a maximum.
One key brings all its sessions within a minute, at the busiest hour.
"""

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400.0
LONGEST_S = 4 * 3600.0
FOREVER = float("inf")


@dataclass(frozen=True)
class Scale:
    """How large the day is. ``load`` is the work that arrives, as a share of what the workers could do in a day."""

    sessions: int
    workers: int
    keys: int
    models: int
    load: float = 0.7
    tick_s: float = 1.0
    seed: int = 1


QUICK = Scale(sessions=4_000, workers=200, keys=300, models=4)
MEDIUM = Scale(sessions=100_000, workers=5_000, keys=4_000, models=10)
FULL = Scale(sessions=1_000_000, workers=50_000, keys=20_000, models=20)


@dataclass(frozen=True)
class Habits:
    """What is assumed of people and machines. Times in seconds.

    ``swing``: how far the arrivals of the busiest hour are above the mean. ``patient``: the share of clients that wait for as
    long as it takes; the others leave the queue after ``patience_s`` on average. ``burst``: the share of all sessions that one
    key brings at once. ``misjudged``: how far the workers of a model may be off what the model needs. ``spread``: sigma of the
    logarithm of the lengths.
    """

    swing: float = 0.6
    patient: float = 0.4
    patience_s: float = 1800.0
    burst: float = 0.02
    misjudged: float = 0.15
    spread: float = 1.0
    worker_life_s: float = 14 * DAY_S
    load_s: float = 120.0
    priorities: tuple[tuple[int, float], ...] = ((0, 0.85), (1, 0.12), (5, 0.03))


@dataclass(frozen=True)
class World:
    """The day. The arrays have one entry a session, in order of arrival; ``priority`` has one a key, ``workers`` one a model."""

    scale: Scale
    habits: Habits
    arrives: "array[float]"
    lasts: "array[float]"
    leaves: "array[float]"
    key: "array[int]"
    model: "array[int]"
    priority: list[int]
    workers: list[int]
    burst_key: int


def make_world(scale: Scale, habits: Habits) -> World:
    """The world of a seed: always the same one."""
    random = np.random.default_rng(scale.seed)
    popularity = _heavy_tail(scale.models, 0.8)
    burst_key = scale.keys - 1
    key = random.choice(scale.keys - 1, scale.sessions, p=_heavy_tail(scale.keys - 1, 1.0))
    arrives = _arrivals(random, scale.sessions, habits.swing)
    model = random.choice(scale.models, scale.sessions, p=popularity)
    crowd = random.choice(scale.sessions, int(scale.sessions * habits.burst), replace=False)
    key[crowd] = burst_key
    arrives[crowd] = DAY_S / 2 + random.random(len(crowd)) * 60
    model[crowd] = 0
    order = np.argsort(arrives, kind="stable")
    impatient = random.random(scale.sessions) >= habits.patient
    leaves = np.where(impatient, random.exponential(habits.patience_s, scale.sessions), np.inf)
    levels, shares = zip(*habits.priorities, strict=True)
    priority = random.choice(levels, scale.keys, p=shares)
    priority[burst_key] = 0
    return World(
        scale=scale,
        habits=habits,
        arrives=array("d", arrives[order].tolist()),
        lasts=array("d", _lengths(random, scale, habits.spread).tolist()),
        leaves=array("d", leaves.tolist()),
        key=array("l", key[order].tolist()),
        model=array("l", model[order].tolist()),
        priority=priority.tolist(),
        workers=_apportioned(random, scale.workers, popularity, habits.misjudged),
        burst_key=burst_key,
    )


def _heavy_tail(count: int, exponent: float) -> NDArray[np.float64]:
    """Shares of 1 that fall with the rank."""
    weights = 1.0 / np.arange(1, count + 1) ** exponent
    return np.asarray(weights / weights.sum())


def _arrivals(random: np.random.Generator, count: int, swing: float) -> NDArray[np.float64]:
    """Times of a day that begins at its quietest hour and is busiest in its middle."""
    grid = np.linspace(0.0, DAY_S, 1441)
    until = grid / DAY_S - swing * np.sin(2 * np.pi * grid / DAY_S) / (2 * np.pi)
    return np.asarray(np.interp(random.random(count), until, grid))


def _lengths(random: np.random.Generator, scale: Scale, spread: float) -> NDArray[np.float64]:
    """Lengths in seconds whose sum is the load."""
    lengths = random.lognormal(0.0, spread, scale.sessions)
    mean = scale.load * scale.workers * DAY_S / scale.sessions
    for _ in range(8):
        lengths = np.minimum(lengths * (mean / lengths.mean()), LONGEST_S)
    return np.asarray(lengths)


def _apportioned(random: np.random.Generator, workers: int, popularity: NDArray[np.float64], misjudged: float) -> list[int]:
    """Workers by model, as popular as it is but for the misjudgement; at least one each."""
    wanted = popularity * random.uniform(1 - misjudged, 1 + misjudged, len(popularity))
    each = np.maximum(1, np.floor(workers * wanted / wanted.sum())).astype(int)
    each[0] += workers - each.sum()
    return [int(number) for number in each]
