"""Playout: sends what the model made, each bundle at its time, and remembers the newest picture of each track."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reactor_rtc.frames import VideoFrame
from reactor_runtime.broadcast import Broadcast
from reactor_runtime.emission import Bundle
from reactor_runtime.pacer import Plan


def _nothing(_bundle: Bundle, _waited: float) -> None:
    """Nobody wants to know."""


class Playout:
    """The bundles that are due later. Bounded: the model is held back until a batch has nearly played out.

    ``on_sent`` is told of each bundle after it has been delivered, and for how many seconds it waited here.
    """

    def __init__(self, deliver: Callable[[Bundle], None], on_sent: Callable[[Bundle, float], None] = _nothing) -> None:
        self._deliver = deliver
        self._on_sent = on_sent
        self._timers: dict[asyncio.TimerHandle, Bundle] = {}
        self.newest: dict[str, VideoFrame] = {}
        self.broadcast = Broadcast(self.newest.get)

    def play(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        """Sends the first bundle at ``plan.start`` and the others every ``plan.period``."""
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        for index, bundle in enumerate(bundles):
            due = plan.start + index * plan.period
            if due <= loop.time():
                self._send(bundle, 0.0)
            else:
                self._later(loop, due, bundle, arrived)

    def _later(self, loop: asyncio.AbstractEventLoop, due: float, bundle: Bundle, arrived: float) -> None:
        def fire() -> None:
            self._timers.pop(timer, None)
            self._send(bundle, loop.time() - arrived)

        timer = loop.call_at(due, fire)
        self._timers[timer] = bundle

    def _send(self, bundle: Bundle, waited: float) -> None:
        for name, media in bundle.items():
            if isinstance(media, VideoFrame):
                self.newest[name] = media
        self._deliver(bundle)
        for name, media in bundle.items():
            if isinstance(media, VideoFrame):
                self.broadcast.sent(name)
        self._on_sent(bundle, waited)

    def flush(self) -> tuple[Bundle, ...]:
        """Drops what is still to come, and returns it."""
        dropped = tuple(self._timers.values())
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        return dropped

    def clear(self) -> None:
        """Drops what is still to come, and forgets what was sent: the next session must not see it."""
        self.flush()
        self.newest.clear()
