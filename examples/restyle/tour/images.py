"""Pictures that the demo makes: the badge that it uploads, and PNG files."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import av
import numpy as np
from lettering import line
from numpy.typing import NDArray
from raster import paint, palette

_SIDE: Final = 400
_RING: Final = palette([(255, 94, 98), (255, 170, 70), (70, 214, 190), (90, 120, 255), (200, 90, 255), (255, 94, 98)])


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A picture, (H, W, 3) RGB or (H, W, 4) RGBA, as the bytes of a PNG file."""
    kind = "rgba" if pixels.shape[2] == 4 else "rgb24"
    encoder = av.CodecContext.create("png", "w")
    encoder.height, encoder.width = pixels.shape[:2]
    encoder.pix_fmt, encoder.time_base = kind, Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def badge() -> NDArray[np.uint8]:
    """A round badge with a ring of colours and a translucent middle: (400, 400, 4) RGBA."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] - (_SIDE - 1) / 2
    far = np.hypot(x, y)
    angle = (np.arctan2(y, x) / (2 * np.pi) + 0.5) * 255
    rgba = np.zeros((_SIDE, _SIDE, 4), np.uint8)
    ring = np.clip(8.5 - np.abs(far - 178), 0.0, 1.0)
    inside = np.clip(170.5 - far, 0.0, 1.0)
    rgba[..., :3] = paint(angle.astype(np.uint8), _RING)
    rgba[..., :3][ring == 0.0] = (14, 14, 26)
    rgba[..., 3] = np.maximum(ring * 255, inside * 150).astype(np.uint8)
    for text, size, middle in (("LIVE", 76.0, 176), ("openreactor", 34.0, 262)):
        ink = line(text, size)
        top, left = middle - ink.shape[0] // 2, (_SIDE - ink.shape[1]) // 2
        place = rgba[top : top + ink.shape[0], left : left + ink.shape[1]]
        place[ink > 0, :3] = 255
        place[..., 3] = np.maximum(place[..., 3], ink)
    return rgba
