"""Looks at what comes back: which camera picture it was, how long it took, and what it looked like."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from raster import Rgb

from tour.clip import ClipTrack
from tour.film import Film
from tour.stamp import STRIP, read_stamp


@dataclass(frozen=True)
class Seen:
    """A picture that came back: ``rgb`` with its strip, the camera's ``number`` for it, and when it came (perf_counter)."""

    rgb: Rgb
    number: int
    at: float


class Watch:
    """Reads the stream until it is cancelled. Times are in seconds."""

    def __init__(self, camera: ClipTrack, film: Film) -> None:
        self._camera, self._film = camera, film
        self._changed = asyncio.Condition()
        self.first_frame_at: float | None = None
        self.latest: Seen | None = None
        self.arrivals: list[float] = []
        self.latencies: list[float] = []
        self.unreadable = 0

    async def look(self, frames: AsyncIterator[Rgb]) -> None:
        """Looks at every picture until there are no more."""
        async for rgb in frames:
            at = time.perf_counter()
            self.first_frame_at = self.first_frame_at or at
            if rgb.shape[:2] != self._camera.size:
                continue  # a title card: the model has no picture of the camera yet
            self.arrivals.append(at)
            self._film.add(rgb[STRIP:], at)
            number = read_stamp(rgb)
            if number is None or number >= len(self._camera.sent_at):
                self.unreadable += 1
                continue
            self.latencies.append(at - self._camera.sent_at[number])
            async with self._changed:
                self.latest = Seen(rgb, number, at)
                self._changed.notify_all()

    async def after(self, number: int) -> Seen:
        """The first picture to come that the camera took after ``number``."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.latest is not None and self.latest.number > number)
        assert self.latest is not None
        return self.latest
