"""InputBuffer: what clients sent on one track, waiting for the model to read it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactor_rtc.frames import AudioBlock, Media, VideoFrame

CAPACITY = 128


class ReadMode(Enum):
    """Which frames a read takes: the newest ones, dropping the rest, or the oldest ones."""

    LATEST = "latest"
    FIFO = "fifo"


class BufferClosed(Exception):
    """The buffer was closed, and holds fewer frames than were asked for."""


class InputFrame:
    """One picture, (H, W, 3) uint8 RGB, or one stretch of mono sound, (1, n) int16.

    Made of what arrived, or in a test of the array that a model is to read.
    """

    def __init__(
        self,
        data: Media | NDArray[Any],
        pts: int | None = None,
        metadata: bytes | None = None,
        capture_time_us: int | None = None,
    ) -> None:
        self._media = data
        self.pts = data.timestamp_us if pts is None and isinstance(data, VideoFrame | AudioBlock) else pts
        told = data if isinstance(data, VideoFrame) else None
        self.metadata = told.metadata if metadata is None and told is not None else metadata
        self.capture_time_us = told.capture_time_us if capture_time_us is None and told is not None else capture_time_us

    @cached_property
    def data(self) -> NDArray[Any]:
        """The array. It is made when it is first asked for, so that frames which nobody looks at cost nothing."""
        if isinstance(self._media, np.ndarray):
            return self._media
        return self._media.to_rgb() if isinstance(self._media, VideoFrame) else self._media.to_mono().samples

    @property
    def rate(self) -> int:
        """Samples per second of sound, 0 for pictures."""
        return self._media.rate if isinstance(self._media, AudioBlock) else 0

    @property
    def samples(self) -> int:
        """How many samples of sound it holds, 0 for pictures."""
        if isinstance(self._media, np.ndarray):
            return self._media.shape[-1] if self._media.ndim < 3 else 0
        return self._media.samples.shape[1] if isinstance(self._media, AudioBlock) else 0


class InputBuffer:
    """The frames of one input track. Holds the ``maxlen`` newest, and of sound at most ``max_samples``; read it from the model's
    loop.

    Frames arrive from another thread, so that a model which computes without pause still finds the newest one. The next read
    tells ``on_missed`` how many samples of sound have been dropped unread.
    """

    def __init__(
        self,
        maxlen: int = CAPACITY,
        *,
        max_samples: int | None = None,
        on_missed: Callable[[int], None] | None = None,
    ) -> None:
        self._on_missed = on_missed
        self._missed = 0
        self._frames: deque[InputFrame] = deque(maxlen=maxlen)
        self._max_samples = max_samples
        self._lock = threading.Lock()
        self._arrived = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._total = 0
        self._closed = False

    @property
    def available(self) -> int:
        """How many frames can be read now."""
        return len(self._frames)

    @property
    def total_received(self) -> int:
        """How many frames have ever arrived."""
        return self._total

    @property
    def closed(self) -> bool:
        return self._closed

    def push(self, frame: InputFrame) -> None:
        """Adds a frame; the oldest one makes room. May be called from any thread."""
        with self._lock:
            if self._closed:
                return
            if len(self._frames) == self._frames.maxlen:
                self._missed += self._frames[0].samples
            self._frames.append(frame)
            self._total += 1
            self._trim()
            loop = self._loop
        self._wake(loop)

    def _trim(self) -> None:
        """Drops the oldest sound above the bound; the newest stays, however long it is."""
        if self._max_samples is None:
            return
        kept = sum(frame.samples for frame in self._frames)
        while kept > self._max_samples and len(self._frames) > 1:
            dropped = self._frames.popleft().samples
            self._missed += dropped
            kept -= dropped

    def try_read(self, n: int = 1, mode: ReadMode = ReadMode.LATEST) -> list[InputFrame] | None:
        """Exactly ``n`` frames, oldest first, or None when there are fewer. Raises ValueError above the capacity."""
        self._check(n)
        with self._lock:
            frames = self._taken(n, mode)
            missed = 0
            if frames is not None:
                missed, self._missed = self._missed, 0
        if missed and self._on_missed is not None:
            self._on_missed(missed)
        return frames

    def _taken(self, n: int, mode: ReadMode) -> list[InputFrame] | None:
        if len(self._frames) < n:
            return None
        if mode is ReadMode.LATEST:
            newest = list(self._frames)[-n:]
            self._frames.clear()
            return newest
        return [self._frames.popleft() for _ in range(n)]

    async def read(self, n: int = 1, timeout: float | None = None, mode: ReadMode = ReadMode.LATEST) -> list[InputFrame]:
        """Exactly ``n`` frames, oldest first, as soon as there are enough.

        Raises TimeoutError after ``timeout`` seconds, :class:`BufferClosed` when no more will come, ValueError above capacity.
        """
        self._check(n)
        async with asyncio.timeout(timeout):
            while True:
                with self._lock:
                    self._loop = asyncio.get_running_loop()
                self._arrived.clear()
                frames = self.try_read(n, mode)
                if frames is not None:
                    return frames
                if self._closed:
                    raise BufferClosed(f"the buffer is closed with {self.available} of {n} frames")
                await self._arrived.wait()

    def _check(self, n: int) -> None:
        if not 1 <= n <= (self._frames.maxlen or 0):
            raise ValueError(f"1 to {self._frames.maxlen} frames can be read at once, not {n}")

    def clear(self) -> None:
        """Drops what is waiting."""
        with self._lock:
            self._frames.clear()
            self._missed = 0

    def reset(self) -> None:
        """Drops what is waiting, and opens the buffer again."""
        with self._lock:
            self._frames.clear()
            self._missed = 0
            self._closed = False

    def close(self) -> None:
        """No more frames will come; pending reads raise :class:`BufferClosed`."""
        with self._lock:
            self._closed = True
            loop = self._loop
        self._wake(loop)

    def _wake(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the reader's loop is closed: nobody is left to read
                loop.call_soon_threadsafe(self._arrived.set)
