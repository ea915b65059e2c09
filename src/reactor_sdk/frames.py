"""RGB pictures for the application: the frame callback, and streams of the newest frame. They outlive a connection."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Self, TypeVar

from reactor_rtc.frames import RgbArray, VideoFrame
from reactor_rtc.scope import TaskScope
from reactor_sdk.home_loop import HomeLoop
from reactor_sdk.types import FrameCallback, FrameInfo

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LOG_INTERVAL_S: Final = 5.0


class Outlet(Generic[T]):
    """Where one reader takes what another puts in. Holds ``capacity`` items; the oldest gives way."""

    def __init__(self, capacity: int = 1) -> None:
        self._items: deque[T] = deque(maxlen=capacity)
        self._changed = asyncio.Event()
        self._ended = False

    def put(self, item: T) -> None:
        """Adds an item; never waits."""
        self._items.append(item)
        self._changed.set()

    def end(self) -> None:
        """No item will follow; what is there is dropped."""
        self._ended = True
        self._items.clear()
        self._changed.set()

    def forsake(self) -> None:
        """As :meth:`end`, where nobody can be woken any more."""
        self._ended = True
        self._items.clear()

    async def get(self) -> T | None:
        """The oldest item held, as soon as there is one; None at the end."""
        while not self._items:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._items.popleft()


class FrameFeed:
    """Gives each decoded frame to the frame callback and to the streams. Converts only what somebody asked for."""

    def __init__(self, home: HomeLoop | None = None) -> None:
        self.home = home or HomeLoop()
        self.callback: FrameCallback | None = None
        self._outlets: dict[str, weakref.WeakSet[Outlet[VideoFrame]]] = {}
        self._newest: dict[str, VideoFrame] = {}
        self._scope = TaskScope("reactor.frames")
        self._awaited = False
        self._missed: VideoFrame | None = None
        self._failures = 0
        self._logged_at = -_LOG_INTERVAL_S

    def subscribe(self, name: str, capacity: int = 1) -> Outlet[VideoFrame]:
        """The newest ``capacity`` frames of that track, now and from now on, for as long as somebody holds the outlet."""
        outlet: Outlet[VideoFrame] = Outlet(capacity)
        if name in self._newest:
            # A model that stands still sends one picture, which may well have come before its reader.
            outlet.put(self._newest[name])
        self._outlets.setdefault(name, weakref.WeakSet()).add(outlet)
        return outlet

    def newest(self, name: str) -> VideoFrame | None:
        """The newest frame of that track, if one has come."""
        return self._newest.get(name)

    def deliver(self, name: str, frame: VideoFrame, *, is_main: bool) -> None:
        """A frame has come. The callback is called before this returns, if the track is the main one.

        One that is a coroutine function is called again when it is through, with the newest frame.
        """
        self._newest[name] = frame
        for outlet in self._outlets.get(name, ()):
            outlet.put(frame)
        if not is_main or self.callback is None:
            return
        if self._awaited:
            self._missed = frame
        elif (work := self._call(self.callback, frame.to_rgb())) is not None:
            self._awaited = True
            self._scope.start(self._go_on(work), "callback")

    def _call(self, callback: FrameCallback, picture: RgbArray) -> Awaitable[None] | None:
        """Calls the callback; what is left to await, if there is any."""
        work = None
        with self._reported():
            work = callback(picture)
        return work if inspect.isawaitable(work) else None

    async def _go_on(self, begun: Awaitable[None]) -> None:
        """Awaits what the callback has begun, and has it begin anew for as long as frames have come meanwhile."""
        work: Awaitable[None] | None = begun
        try:
            while work is not None:
                with self._reported():
                    await work
                frame, self._missed = self._missed, None
                work = self._call(self.callback, frame.to_rgb()) if frame is not None and self.callback is not None else None
        finally:
            self._awaited, self._missed = False, None

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            # A callback that fails does so with every frame: one report now and then is enough.
            self._failures += 1
            now = time.monotonic()
            if now - self._logged_at >= _LOG_INTERVAL_S:
                logger.exception("the frame callback raised (%d times since the last report)", self._failures)
                self._logged_at, self._failures = now, 0

    async def settle(self, limit_s: float) -> None:
        """Lets a callback that is under way come to its end, for ``limit_s`` seconds; then ends it."""
        await self._scope.settle(limit_s)

    def grow_stale(self) -> None:
        """The connection is gone: what was seen over it is not what the model shows when there is another one."""
        self._newest.clear()

    def forsake(self) -> None:
        """The event loop is closed, and who waited on it has gone with it."""
        for outlets in self._outlets.values():
            for outlet in outlets:
                outlet.forsake()
        self._outlets.clear()
        self._newest.clear()
        self._scope = TaskScope("reactor.frames")
        self._awaited, self._missed = False, None

    def end(self) -> None:
        """The session is over: every stream ends."""
        for outlets in self._outlets.values():
            for outlet in outlets:
                outlet.end()
        self._outlets.clear()
        self._newest.clear()
        self._missed = None


class _Frames:
    """Frames of one video track, the newest one where the reader is slow."""

    def __init__(self, name: str, feed: FrameFeed, check: Callable[[str], Awaitable[None]]) -> None:
        self._name = name
        self._feed = feed
        self._check = check
        self._outlet: Outlet[VideoFrame] | None = None

    def open(self) -> Outlet[VideoFrame]:
        """Frames are kept from now on."""
        if self._outlet is None:
            self._outlet = self._feed.subscribe(self._name)
        return self._outlet

    def __aiter__(self) -> Self:
        return self

    async def _next(self) -> VideoFrame:
        self._feed.home.check("frames()")
        if self._outlet is None:
            await self._check(self._name)
        frame = await self.open().get()
        if frame is None:
            raise StopAsyncIteration
        return frame


class FrameStream(_Frames):
    """Frames of one video track: ``async for frame in reactor.frames()``.

    Each is a (H, W, 3) uint8 RGB array of its own. Who reads slowly gets the newest frame and misses those between. The stream
    waits through a lost connection and ends when the session does.
    """

    async def __anext__(self) -> RgbArray:
        return (await self._next()).to_rgb()


class FrameInfoStream(_Frames):
    """As :class:`FrameStream`, with what is told of each: ``async for frame, info in reactor.frames(with_info=True)``."""

    async def __anext__(self) -> tuple[RgbArray, FrameInfo]:
        frame = await self._next()
        return frame.to_rgb(), FrameInfo(frame.number, frame.metadata)
