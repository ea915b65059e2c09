"""The clip as a camera: an aiortc track that plays a file in a loop, in real time, each picture stamped as it leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Set
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.video.plane import VideoPlane
from raster import Plane, Rgb

from tour.stamp import NUMBERS, STRIP, write_stamp

_CLOCK: Final = 90_000


def pictures(path: Path) -> Iterator[av.VideoFrame]:
    """The pictures of a clip, in order, once."""
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def camera_pictures(path: Path, height: int, numbers: Set[int]) -> dict[int, Rgb]:
    """The pictures that a camera of that height sent under these numbers, with their strip but without the stamp in it."""
    with av.open(str(path)) as container:
        count = container.streams.video[0].frames
    wanted = {number % count for number in numbers}
    found = {
        index: np.asarray(with_strip(frame, height).to_ndarray(format="rgb24"), dtype=np.uint8)
        for index, frame in enumerate(pictures(path))
        if index in wanted
    }
    return {number: found[number % count] for number in numbers}


def with_strip(frame: av.VideoFrame, height: int) -> av.VideoFrame:
    """The picture at that height, in yuv420p, below a strip that repeats its first row."""
    if frame.height != height or frame.format.name != "yuv420p":
        frame = frame.reformat(_width(frame.width, frame.height, height), height, "yuv420p", interpolation="AREA", threads=1)
    taller = av.VideoFrame(frame.width, frame.height + STRIP, "yuv420p")
    for target, source, strip in zip(taller.planes, frame.planes, (STRIP, STRIP // 2, STRIP // 2), strict=True):
        rows = _rows(source)
        _rows(target)[strip:] = rows
        _rows(target)[:strip] = rows[0]
    return taller


def _width(width: int, height: int, wanted: int) -> int:
    """The width, even, that goes with another height."""
    return round(width * wanted / height / 2) * 2


def _rows(plane: VideoPlane) -> Plane:
    return np.frombuffer(cast(memoryview, plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


class ClipTrack(MediaStreamTrack):
    """The camera: ``height`` is of the picture, ``size`` (height, width) of what is sent, the strip included.

    ``sent_at[n]`` is when picture ``n`` left, in seconds of ``time.perf_counter``.
    """

    kind = "video"

    def __init__(self, path: Path, height: int) -> None:
        super().__init__()
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            self.fps = float(stream.average_rate or 25)
            self.size = (height + STRIP, _width(stream.width, stream.height, height))
        self._pictures = _forever(path, height)
        self._due: float | None = None
        self.sent_at: list[float] = []

    async def recv(self) -> av.VideoFrame:
        """The next picture (yuv420p), at its time."""
        if self.readyState != "live":
            raise MediaStreamError
        frame = await asyncio.to_thread(next, self._pictures)
        now = time.perf_counter()
        period = 1.0 / self.fps
        # A camera that was held up goes on from there: it sends nothing in a hurry to catch up.
        self._due = now if self._due is None or now - self._due > 2 * period else self._due + period
        await asyncio.sleep(self._due - now)
        number = len(self.sent_at)
        self.sent_at.append(time.perf_counter())
        write_stamp(_rows(frame.planes[0]), number % NUMBERS)
        for chroma in frame.planes[1:]:
            _rows(chroma)[: STRIP // 2] = 128
        frame.pts, frame.time_base = round(number * _CLOCK / self.fps), Fraction(1, _CLOCK)
        return frame


def _forever(path: Path, height: int) -> Iterator[av.VideoFrame]:
    while True:
        for frame in pictures(path):
            yield with_strip(frame, height)
