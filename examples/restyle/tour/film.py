"""Writes what was received as an MP4, each picture at the time it came."""

from __future__ import annotations

import os
import queue
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from raster import Rgb

_CLOCK: Final = 90_000
_WAITING: Final = 25  # pictures; one second of a film at 720p holds 70 MB


class Film:
    """Encodes on a thread of its own, at ``size`` (height, width).

    Pictures that it has no time for are left out, and counted in ``missed``.
    """

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path, self._size = path, size
        self._queue: queue.Queue[tuple[Rgb, float] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, name="film")
        self._failure: Exception | None = None
        self.missed = 0

    def __enter__(self) -> Film:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def add(self, rgb: Rgb, at: float) -> None:
        """Adds a picture of any size; ``at`` is in seconds of any clock."""
        try:
            self._queue.put_nowait((rgb, at))
        except queue.Full:
            self.missed += 1

    def _write(self) -> None:
        if sys.platform == "linux":
            os.nice(10)  # this thread alone: the film must not take time from what it shows
        try:
            self._encode()
        except Exception as error:  # noqa: BLE001 - raised where the film is closed
            self._failure = error
            while self._queue.get() is not None:
                self.missed += 1

    def _encode(self) -> None:
        with av.open(str(self._path), "w", format="mp4", options={"movflags": "faststart"}) as container:
            options = {"preset": "superfast", "crf": "21", "tune": "zerolatency"}
            stream = container.add_stream("libx264", rate=25, options=options)
            stream.height, stream.width = height, width = self._size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            stream.time_base = stream.codec_context.time_base = Fraction(1, _CLOCK)
            start: float | None = None
            last = -1
            while (item := self._queue.get()) is not None:
                rgb, at = item
                start = at if start is None else start
                last = max(last + 1, round((at - start) * _CLOCK))
                frame = av.VideoFrame.from_numpy_buffer(rgb, format="rgb24").reformat(width, height, "yuv420p")
                frame.pts, frame.time_base = last, Fraction(1, _CLOCK)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
