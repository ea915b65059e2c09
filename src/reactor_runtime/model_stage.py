"""The stage of a running model: paces what it emits, on its own thread, and hands it over to the loop of its owner."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import numpy as np

from reactor_protocol.messages import ApplicationMessage
from reactor_rtc.frames import VideoFrame
from reactor_runtime.emission import Bundle, chunk_of
from reactor_runtime.fields import ModelMessage
from reactor_runtime.pacer import Pacer, Plan
from reactor_runtime.tracks import Output

_TURNS = 4  # of the loop: a command is posted, its dispatcher wakes, takes its turn, and the handler runs


class StageEvents(Protocol):
    """What a stage tells its owner, on the owner's loop."""

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None: ...

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None) -> None: ...


class ModelStage:
    """What the model reaches the world through. ``frame`` counts what it has made."""

    def __init__(self, owner: asyncio.AbstractEventLoop, events: StageEvents) -> None:
        self._owner = owner
        self._events = events
        self._pacer = Pacer()
        self._flushed = asyncio.Event()
        self._sizes: dict[str, tuple[int, int]] = {}
        self.frame = 0

    async def emit(self, output: Output, fps: float, drop: bool) -> None:
        now = asyncio.get_running_loop().time
        if drop and self._pacer.is_early(now()):
            await asyncio.sleep(0)
            return
        chunk = chunk_of(output, fps, now())
        plan = self._pacer.plan(len(chunk.bundles), fps, now())
        self.frame += len(chunk.bundles)
        self._sizes = {name: (m.width, m.height) for name, m in chunk.bundles[-1].items() if isinstance(m, VideoFrame)}
        self._owner.call_soon_threadsafe(self._events.frames_ready, chunk.bundles, plan)
        if not drop:
            await self._hold(plan.resume - now())
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        self._pacer.resumed(now())

    async def _hold(self, seconds: float) -> None:
        """Holds the model back, unless what it waits for is flushed."""
        self._flushed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._flushed.wait()

    def flush(self, hold: bool) -> None:
        """Drops what is still to be played, and cuts to black unless the last picture is to stay."""
        self._pacer.reset()
        self._flushed.set()
        self._owner.call_soon_threadsafe(self._events.frames_flushed)
        if not hold and self._sizes:
            black: Bundle = {name: _black(*size, self._owner.time()) for name, size in self._sizes.items()}
            self._owner.call_soon_threadsafe(self._events.frames_ready, (black,), Plan(0.0, 0.0, 0.0))

    async def send(self, message: ModelMessage) -> None:
        self._owner.call_soon_threadsafe(self._events.message_sent, message.encode(), None)


def _black(width: int, height: int, now: float) -> VideoFrame:
    return VideoFrame.from_rgb(np.zeros((height, width, 3), np.uint8), round(now * 1_000_000))
