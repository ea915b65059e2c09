"""Pictures as the bytes of a file: PNG for what is kept, JPEG for what is shown live."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

import av
import numpy as np

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.frames import MAX_SIDE, RgbArray, VideoFrame

JPEG_QUALITY: Final = 5
"""The encoder's own scale: 2 is best, 31 worst."""


class Picture:
    """A frame that shows itself in a notebook.

    ``Picture(frame)`` as the last line of a cell, or ``display(Picture(frame))``. ``frame`` is what ``reactor.frames()`` and
    frame callbacks give: (H, W, 3) uint8 RGB; it is copied. Raises :class:`InvalidArgumentError` for any other array.
    """

    def __init__(self, frame: RgbArray) -> None:
        if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            told = f"shape {frame.shape}, dtype {frame.dtype}" if isinstance(frame, np.ndarray) else type(frame).__name__
            raise InvalidArgumentError(f"a picture is (H, W, 3) uint8 RGB, got {told}")
        height, width = frame.shape[:2]
        if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
            raise InvalidArgumentError(f"a picture is 1 to {MAX_SIDE} pixels on each side, got {width}x{height}")
        self._rgb: RgbArray = np.array(frame, order="C")

    def __repr__(self) -> str:
        height, width = self._rgb.shape[:2]
        return f"<{type(self).__name__} {width}x{height}>"

    def _repr_png_(self) -> bytes:
        return png(self._rgb)


def png(rgb: RgbArray) -> bytes:
    """The PNG file of a (H, W, 3) uint8 RGB picture."""
    return _encoded("png", av.VideoFrame.from_ndarray(rgb, format="rgb24"))


def jpeg(frame: VideoFrame, max_width: int) -> bytes:
    """The JPEG file of a frame, made smaller where it is wider than ``max_width`` pixels."""
    width = min(frame.width, max_width)
    height = max(1, round(frame.height * width / frame.width))
    # The engine's pictures are of limited range (BT.601), a JPEG's of full range.
    picture = frame.to_av().reformat(width, height, "yuvj420p", src_color_range="MPEG", dst_color_range="JPEG", threads=1)
    return _encoded("mjpeg", picture)


def _encoded(codec: Literal["png", "mjpeg"], frame: av.VideoFrame) -> bytes:
    context = av.CodecContext.create(codec, "w")
    context.width, context.height = frame.width, frame.height
    context.pix_fmt = frame.format.name
    context.time_base = frame.time_base = Fraction(1, 1)
    context.thread_count = 1
    if codec == "mjpeg":
        context.qmin = context.qmax = JPEG_QUALITY
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
