"""What is measured, leg by leg, and how each figure comes out of its samples."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import procfs
from benchmarks.child import LegFailed
from benchmarks.figures import Reading, distribution, percentile
from benchmarks.samples import Commanded, Connected, Gathered, Streamed
from benchmarks.stage import Scene, Stage

CONNECT_S = 40.0
"""How long one viewer may take to see its first frame, in seconds."""
SLOW_READER_MS = 100
"""What the callback of the slow reader takes for each frame, in milliseconds."""
AUDIENCE = 8
"""How many viewers look at once in the leg of several."""
IDLE_S = 1.0
"""Rest after loading, before the memory is read, in seconds."""


@dataclass(frozen=True)
class Effort:
    """How much is sampled: seconds of each stream, and how many connects and commands."""

    seconds: float
    connects: int
    silent_connects: int
    commands: int


Readings = dict[str, Reading]


@dataclass(frozen=True)
class Leg:
    """One thing that is measured on a stage; a leg fails or succeeds as a whole."""

    name: str
    title: str
    measure: Callable[[Stage, Effort], Readings]
    figures: tuple[str, ...]


def idle_memory(stage: Stage, effort: Effort) -> Readings:
    """Resident memory of the runtime with its model loaded and nobody connected."""
    time.sleep(IDLE_S)
    return {"runtime_rss": Reading(procfs.resident_mib(stage.runtime.pid), 1)}


def connecting(stage: Stage, effort: Effort) -> Readings:
    """Medians over clients that connect once each, in a process of their own."""
    seen = [Connected(**stage.view("connect", deadline_s=CONNECT_S)) for _ in range(effort.connects)]
    return {
        "ready": Reading(percentile([one.ready_ms for one in seen], 0.5), len(seen)),
        "first_frame": Reading(percentile([one.first_frame_ms for one in seen], 0.5), len(seen)),
    }


def connecting_with_silent_stun(stage: Stage, effort: Effort) -> Readings:
    """The same with a STUN server that does not answer."""
    seen = [Connected(**stage.view("connect", deadline_s=CONNECT_S)) for _ in range(effort.silent_connects)]
    return {"ready_silent_stun": Reading(percentile([one.ready_ms for one in seen], 0.5), len(seen))}


def streaming_fast(stage: Stage, effort: Effort) -> Readings:
    """Latency with a model that outruns its rate, and what one viewer costs either side."""
    seen = _watch(stage, effort.seconds)
    frames = len(seen.ages_ms)
    return distribution("fast", seen.ages_ms) | {
        "fast_fps": Reading(frames / seen.window_s, frames),
        "runtime_cpu": Reading(seen.runtime_cpu_s / seen.window_s, frames),
        "client_cpu": Reading(seen.client_cpu_s * 1000 / frames, frames),
    }


def streaming_slow(stage: Stage, effort: Effort) -> Readings:
    """Latency with a model that is a little slower than its rate."""
    seen = _watch(stage, effort.seconds)
    frames = len(seen.ages_ms)
    return distribution("slow", seen.ages_ms) | {"slow_fps": Reading(frames / seen.window_s, frames)}


def commanding(stage: Stage, effort: Effort) -> Readings:
    """Commands one by one while the model streams and its step blocks the model's loop."""
    seen = Commanded(
        **stage.view("command", deadline_s=CONNECT_S + effort.commands * 0.5, count=effort.commands),
    )
    return distribution("command", seen.round_trips_ms, shares=(50, 95))


def reading_slowly(stage: Stage, effort: Effort) -> Readings:
    """What a reader sees that needs three times as long for a frame as the stream leaves it."""
    ages = _watch(stage, effort.seconds, block_ms=SLOW_READER_MS).ages_ms
    third = max(1, len(ages) // 3)
    growth = percentile(ages[-third:], 0.5) - percentile(ages[:third], 0.5)
    return {
        "slow_reader_p50": Reading(percentile(ages, 0.5), len(ages)),
        "slow_reader_growth": Reading(growth, len(ages)),
    }


def gathering(stage: Stage, effort: Effort) -> Readings:
    """One viewer, then several at once, that decode and never convert: what the runtime spends on each crowd."""
    alone, crowd = (
        Gathered(**stage.gather(viewers, effort.seconds, deadline_s=CONNECT_S + 3 * effort.seconds)) for viewers in (1, AUDIENCE)
    )
    if not (alone.ages_ms and crowd.ages_ms):
        raise LegFailed("no frame with a legible clock")
    costs = [seen.runtime_cpu_s / seen.window_s for seen in (alone, crowd)]
    return {
        "alone_cpu": Reading(costs[0], len(alone.ages_ms)),
        "alone_p50": Reading(percentile(alone.ages_ms, 0.5), len(alone.ages_ms)),
        "audience_cpu": Reading(costs[1], len(crowd.ages_ms)),
        "audience_ratio": Reading(costs[1] / costs[0], len(crowd.fps)),
        "audience_fps": Reading(min(crowd.fps), len(crowd.fps)),
        "audience_p50": Reading(percentile(crowd.ages_ms, 0.5), len(crowd.ages_ms)),
    }


def _watch(stage: Stage, seconds: float, **options: float) -> Streamed:
    seen = Streamed(**stage.view("watch", deadline_s=CONNECT_S + 3 * seconds, seconds=seconds, **options))
    if not seen.ages_ms:
        raise LegFailed(f"no frame with a legible clock in {seconds:.0f} s ({seen.unreadable} others)")
    return seen


SCENES: tuple[tuple[Scene, tuple[Leg, ...]], ...] = (
    (
        Scene("fast", compute_ms=5),
        (
            Leg("memory", "memory while idle", idle_memory, ("runtime_rss",)),
            Leg("connect", "connecting", connecting, ("ready", "first_frame")),
            Leg(
                "fast",
                "streaming from a model that outruns its rate",
                streaming_fast,
                ("fast_p50", "fast_p95", "fast_p99", "fast_fps", "runtime_cpu", "client_cpu"),
            ),
            Leg("command", "commands", commanding, ("command_p50", "command_p95")),
            Leg(
                "audience",
                f"1 viewer, then {AUDIENCE} at once",
                gathering,
                ("alone_cpu", "alone_p50", "audience_cpu", "audience_ratio", "audience_fps", "audience_p50"),
            ),
            Leg("slow-reader", "a slow reader", reading_slowly, ("slow_reader_p50", "slow_reader_growth")),
        ),
    ),
    (
        Scene("slow", compute_ms=36),
        (
            Leg(
                "slow",
                "streaming from a model slower than its rate",
                streaming_slow,
                ("slow_p50", "slow_p95", "slow_p99", "slow_fps"),
            ),
        ),
    ),
    (
        Scene("silent-stun", compute_ms=5, silent_stun=True),
        (
            Leg(
                "silent-stun",
                "connecting with a STUN server that does not answer",
                connecting_with_silent_stun,
                ("ready_silent_stun",),
            ),
        ),
    ),
)
"""Every runtime that is started, and the legs that are measured on it, in this order."""
