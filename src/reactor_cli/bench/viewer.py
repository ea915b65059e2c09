"""One run: connects, watches, commands, and goes."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from yarl import URL

from reactor_cli.bench import procfs
from reactor_cli.bench.figures import Run
from reactor_cli.bench.pixel_clock import age_ms
from reactor_cli.bench.runtime import Running
from reactor_protocol.errors import CommandRejected, RequestTimeoutError
from reactor_rtc.frames import RgbArray
from reactor_sdk import Reactor
from reactor_sdk.config import ENV_LOCAL_URL

FIRST_FRAME_S: Final = 20.0
_WARM_UP_S: Final = 1.0
_COMMANDS: Final = 100
"""At most, and for no longer than the pictures were watched."""
_GAP_S: Final = (0.004, 0.03)
"""Pauses between commands, drawn at random, so that they meet the model at every point of its step."""
_MARK: Final = "mark"
_UNKNOWN: Final = "reactor_bench"
"""A command that no model has: its refusal has gone all the way to the model, and changes nothing there."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is measured: for how long, and whether the pictures carry the time of this machine's clock."""

    runtime: Running
    seconds: float
    ours: bool


class Watcher:
    """Looks at pictures as they arrive."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()
        self.first_at = 0.0
        self.frames = 0
        self.size = (0, 0)
        self.ages_ms: list[float] = []

    def look(self, picture: RgbArray) -> None:
        """Takes a picture: its age is read, if the time is in it."""
        now_ns = time.monotonic_ns()
        self.frames += 1
        self.size = (picture.shape[1], picture.shape[0])
        age = age_ms(picture, now_ns)
        if age is not None:
            self.ages_ms.append(age)
        if not self.seen.is_set():
            self.first_at = time.perf_counter()
            self.seen.set()

    def restart(self) -> None:
        """Forgets what was counted."""
        self.frames, self.ages_ms = 0, []


async def measure(wish: Wish, tell: Tell) -> Run:
    """Raises what connecting raises, and :class:`RequestTimeoutError` where the model shows nothing."""
    os.environ[ENV_LOCAL_URL] = wish.runtime.url
    watcher = Watcher()
    reactor = Reactor("bench", local=True)
    reactor.set_frame_callback(watcher.look)
    async with reactor:
        tell("connecting")
        began = time.perf_counter()
        await reactor.connect()
        ready_ms = (time.perf_counter() - began) * 1e3
        try:
            async with asyncio.timeout(FIRST_FRAME_S):
                await watcher.seen.wait()
        except TimeoutError as error:
            why = f"the model shows no picture within {FIRST_FRAME_S:g} s: it may wait for a command or an input"
            raise RequestTimeoutError(why) from error
        first_ms = (watcher.first_at - began) * 1e3
        tell(f"watching for {wish.seconds:g} s")
        await asyncio.sleep(_WARM_UP_S)
        watched = await _watch(reactor, watcher, wish)
        tell("commands")
        answers = await _command(reactor, _MARK if wish.ours else _UNKNOWN, wish.seconds)
    return Run(ready_ms, first_ms, answers_ms=answers, **watched)


async def _watch(reactor: Reactor, watcher: Watcher, wish: Wish) -> dict[str, Any]:
    pid = wish.runtime.pid if procfs.PROC.is_dir() else None
    await reactor.get_stats()  # rates are counted from one reading to the next
    watcher.restart()
    began, cpu = time.monotonic(), procfs.cpu_seconds(pid) if pid else 0.0
    await asyncio.sleep(wish.seconds)
    took = time.monotonic() - began
    stats = await reactor.get_stats()
    same_clock = URL(wish.runtime.url).host in ("127.0.0.1", "localhost", "::1")
    return {
        "frames": watcher.frames,
        "seconds": took,
        "width": watcher.size[0],
        "height": watcher.size[1],
        "ages_ms": list(watcher.ages_ms) if same_clock else [],
        "bitrate": stats.bitrate,
        "rtt_ms": None if stats.rtt is None else stats.rtt * 1e3,
        "cpu": (procfs.cpu_seconds(pid) - cpu) / took if pid else None,
        "memory_mib": procfs.resident_mib(pid) if pid else None,
    }


async def _command(reactor: Reactor, name: str, limit_s: float) -> list[float]:
    """Times from a command to its answer, in milliseconds; none where the runtime does not answer commands."""
    capabilities = reactor.get_capabilities()
    if capabilities is None or not capabilities.get("extensions", {}).get("acks"):
        return []
    gaps = random.Random(7)
    took: list[float] = []
    until = time.monotonic() + limit_s
    for number in range(_COMMANDS):
        if took and time.monotonic() > until:
            break
        await asyncio.sleep(gaps.uniform(*_GAP_S))
        began = time.perf_counter()
        try:
            await reactor.send_command(name, {"n": number} if name == _MARK else {})
        except CommandRejected as error:
            if error.code != "invalid_command":
                raise
        took.append((time.perf_counter() - began) * 1e3)
    return took
