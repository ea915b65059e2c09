"""Playout: sends what the model made, each bundle at its time, and remembers the newest picture of each track."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reactor_rtc.frames import VideoFrame
from reactor_runtime.emission import Bundle
from reactor_runtime.pacer import Plan


class Playout:
    """The bundles that are due later. Bounded: the model is held back until a batch has nearly played out."""

    def __init__(self, deliver: Callable[[Bundle], None]) -> None:
        self._deliver = deliver
        self._timers: set[asyncio.TimerHandle] = set()
        self.newest: dict[str, VideoFrame] = {}

    def play(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        """Sends the first bundle at ``plan.start`` and the others every ``plan.period``."""
        loop = asyncio.get_running_loop()
        for index, bundle in enumerate(bundles):
            due = plan.start + index * plan.period
            if due <= loop.time():
                self._send(bundle)
            else:
                self._later(loop, due, bundle)

    def _later(self, loop: asyncio.AbstractEventLoop, due: float, bundle: Bundle) -> None:
        def fire() -> None:
            self._timers.discard(timer)
            self._send(bundle)

        timer = loop.call_at(due, fire)
        self._timers.add(timer)

    def _send(self, bundle: Bundle) -> None:
        for name, media in bundle.items():
            if isinstance(media, VideoFrame):
                self.newest[name] = media
        self._deliver(bundle)

    def flush(self) -> None:
        """Drops what is still to come."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def clear(self) -> None:
        """Drops what is still to come, and forgets what was sent: the next session must not see it."""
        self.flush()
        self.newest.clear()
