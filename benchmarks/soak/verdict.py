"""Whether a soak was passed: pure, from what was sampled, logged and seen."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Quantity = Literal["resident_mib", "threads", "descriptors"]

_BAD_LINE = re.compile(r"\[(warning|error|critical)\s*\]|Traceback \(most recent call last\)")
SHOWN_LINES = 10


@dataclass(frozen=True)
class Sample:
    """The runtime and all its children at one moment: ``at`` is seconds since the soak began, ``viewers`` those connected."""

    at: float
    viewers: int
    resident_mib: float
    threads: int
    descriptors: int


@dataclass(frozen=True)
class Stay:
    """One viewer's visit: which of them it was, how long it stayed (s), what it saw, and what went wrong."""

    viewer: int
    seconds: float
    frames: int
    problem: str | None = None


@dataclass(frozen=True)
class Limits:
    """How much more there may be: memory per minute while viewers come and go, and each quantity at rest, after and before.

    Memory at rest is allowed what pools and caches take that fill once; whether it goes on growing the minutes tell.
    """

    mib_per_minute: float = 1.0
    rest_mib: float = 250.0
    rest_threads: int = 2
    rest_descriptors: int = 4


@dataclass(frozen=True)
class Record:
    """All that a soak has brought. ``before`` and ``after`` were taken at rest: nobody connected."""

    before: Sample
    after: Sample
    samples: Sequence[Sample]
    stays: Sequence[Stay]
    log: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, what is allowed, and whether it is."""

    what: str
    found: str
    allowed: str
    passed: bool


def growth_per_minute(samples: Sequence[Sample], quantity: Quantity) -> float:
    """By how much a quantity grows in a minute, apart from what each connected viewer adds.

    The first third of the samples, in which caches and pools fill, does not count.
    """
    counted = samples[len(samples) // 3 :]
    if len(counted) < 4:
        return 0.0
    minutes = np.array([sample.at / 60 for sample in counted])
    viewers = np.array([float(sample.viewers) for sample in counted])
    values = np.array([float(getattr(sample, quantity)) for sample in counted])
    slope, *_ = np.linalg.lstsq(np.stack([minutes, viewers, np.ones_like(minutes)], axis=1), values, rcond=None)[0]
    return float(slope)


def bad_lines(log: Sequence[str]) -> list[str]:
    """The lines of a log that warn, tell of an error, or begin a traceback."""
    return [line.strip() for line in log if _BAD_LINE.search(line)]


def judge(record: Record, limits: Limits, viewers: int) -> list[Finding]:
    """What was found; the soak is passed if all of it is."""
    before, after = record.before, record.after
    slope = growth_per_minute(record.samples, "resident_mib")
    rests = (
        ("memory at rest", after.resident_mib - before.resident_mib, limits.rest_mib, "MiB"),
        ("threads at rest", after.threads - before.threads, limits.rest_threads, ""),
        ("descriptors at rest", after.descriptors - before.descriptors, limits.rest_descriptors, ""),
    )
    return [
        Finding("memory", f"{slope:+.2f} MiB/min", f"{limits.mib_per_minute:+g} MiB/min", slope <= limits.mib_per_minute),
        *(
            Finding(what, f"{more:+.0f} {unit}".strip(), f"{most:+g} {unit}".strip(), more <= most)
            for what, more, most, unit in rests
        ),
        _of_log(record.log),
        *_of_stays(record.stays, viewers),
    ]


def _of_log(log: Sequence[str]) -> Finding:
    bad = bad_lines(log)
    found = "none" if not bad else f"{len(bad)}: " + " | ".join(bad[:SHOWN_LINES])
    return Finding("warnings and errors in the log", found, "none", not bad)


def _of_stays(stays: Sequence[Stay], viewers: int) -> list[Finding]:
    problems = [f"viewer {stay.viewer}: {stay.problem}" for stay in stays if stay.problem is not None]
    blind = [stay for stay in stays if stay.problem is None and stay.frames == 0]
    seen = {stay.viewer for stay in stays if stay.frames > 0}
    said = "none" if not problems else f"{len(problems)}: " + " | ".join(problems[:SHOWN_LINES])
    return [
        Finding("viewers that saw frames", f"{len(seen)} of {viewers}", f"{viewers}", len(seen) == viewers),
        Finding("visits without a frame", f"{len(blind)} of {len(stays)}", "none", bool(stays) and not blind),
        Finding("visits that went wrong", said, "none", not problems),
    ]
