"""The media of a :class:`reactor_testing.fake_peer.FakePeer`: what flows on a section, and who reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from reactor_protocol.resources import TrackKind
from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_rtc.port import Direction, StreamTotals, TrackStats

AUDIO_BUFFER_S: Final = 0.2
_ROUNDING_S: Final = 1e-9


class Reader:
    """What waits for one reader: the newest picture, or the last 0.2 s of sound."""

    def __init__(self) -> None:
        self._waiting: deque[Media] = deque()
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, media: Media) -> None:
        """Adds to what waits; the oldest gives way."""
        if isinstance(media, VideoFrame):
            self._waiting.clear()
        self._waiting.append(media)
        while len(self._waiting) > 1 and sum(map(seconds, self._waiting)) > AUDIO_BUFFER_S + _ROUNDING_S:
            self._waiting.popleft()
        self._wake.set()

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True
        self._wake.set()

    async def next(self) -> Media | None:
        """What came next, or None at the end."""
        while not self._waiting:
            if self._ended:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()


@dataclass(slots=True, eq=False)
class Flow:
    """A media section of one peer."""

    kind: TrackKind
    direction: Direction
    active: bool = True
    readers: set[Reader] = field(default_factory=set)
    _newest: Media | None = None
    _frames: int = 0
    _octets: int = 0
    _reading: tuple[float, int, int] | None = None

    def count(self, media: Media) -> None:
        """Notes what has passed, for the statistics."""
        self._newest = media
        self._frames += 1
        self._octets += media.data.nbytes if isinstance(media, VideoFrame) else media.samples.nbytes

    def stats(self, now: float, *, remember: bool = True) -> TrackStats:
        """Figures of the section; rates are since the last reading that was remembered."""
        before = self._reading
        if remember:
            self._reading = (now, self._frames, self._octets)
        at, frames, octets = before or (now, self._frames, self._octets)
        elapsed = now - at
        picture = self._newest if isinstance(self._newest, VideoFrame) else None
        return TrackStats(
            kind=self.kind,
            direction=self.direction,
            fps=(self._frames - frames) / elapsed if picture and elapsed > 0 else 0.0,
            bitrate=(self._octets - octets) * 8 / elapsed if elapsed > 0 else 0.0,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            frames=self._frames if picture else 0,
            totals=StreamTotals(octets=self._octets, frames=self._frames if picture else 0),
        )


def seconds(media: Media) -> float:
    """How long a stretch of sound is; a picture has no length."""
    return media.samples.shape[1] / media.rate if isinstance(media, AudioBlock) else 0.0


def is_empty(media: Media) -> bool:
    """Whether there is nothing to send."""
    return isinstance(media, AudioBlock) and media.samples.size == 0
