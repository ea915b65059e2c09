"""Fitter: pictures of any size in one of a fixed size, each in its own shape, with black bars where it does not fill it."""

from __future__ import annotations

from typing import Final, cast

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

_BLACK: Final = (16, 128, 128)


class Fitter:
    """Scales to ``size`` (width and height, both even). Not safe for several threads."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._scaler = VideoReformatter()

    def fit(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The picture in yuv420p; a frame of its own, or itself where it is that already."""
        inner = self._inner(picture.width, picture.height)
        fitted = self._scaler.reformat(picture, *inner, format="yuv420p", interpolation=Interpolation.FAST_BILINEAR, threads=1)
        return fitted if inner == self._size else self._framed(fitted)

    def _inner(self, width: int, height: int) -> tuple[int, int]:
        """The largest even size of that shape that fits; all of it where only rounding to even numbers makes a difference."""
        wide, high = self._size
        scale = min(wide / width, high / height)
        if abs(width * scale - wide) < 2 and abs(height * scale - high) < 2:
            return self._size
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)

    def _framed(self, fitted: av.VideoFrame) -> av.VideoFrame:
        frame = av.VideoFrame(*self._size, "yuv420p")
        # Chroma has half the size: the place is even, so that it falls on whole samples.
        left, top = (self._size[0] - fitted.width) // 4 * 2, (self._size[1] - fitted.height) // 4 * 2
        for index, (target, source) in enumerate(zip(frame.planes, fitted.planes, strict=True)):
            half = 1 if index == 0 else 2
            x, y = left // half, top // half
            rows = _rows(target)
            rows[:] = _BLACK[index]
            rows[y : y + source.height, x : x + source.width] = _rows(source)[: source.height, : source.width]
        return frame


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    return np.frombuffer(cast(memoryview, plane), np.uint8).reshape(-1, plane.line_size)
