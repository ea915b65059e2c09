"""Video files as cameras, phones and editors write them, in memory, and the frames that a player gives of them."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

IDENTITY = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@dataclass(frozen=True)
class Colour:
    """What a file says of its colour, in the numbers of ISO/IEC 23091-2; 2 is "unspecified". ``span`` is 1 limited, 2 full."""

    matrix: int = 2
    span: int = 0
    transfer: int = 2
    primaries: int = 2


def clip(pictures: list[av.VideoFrame], colour: Colour | None = None) -> bytes:
    """An MP4 file of frames that are in the file's own format already."""
    out = io.BytesIO()
    told = colour or Colour()
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, pictures[0].format.name
        context = stream.codec_context
        context.colorspace, context.color_range = told.matrix, told.span
        context.color_trc, context.color_primaries = told.transfer, told.primaries
        context.options = {"crf": "1"}
        for picture in pictures:
            picture.colorspace, picture.color_range = told.matrix, told.span
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return out.getvalue()


def turned(file: bytes, matrix: tuple[int, ...]) -> bytes:
    """The file with another display matrix (ISO/IEC 14496-12, 8.3.2), nine numbers in fixed point."""
    at = file.index(struct.pack(">9i", *IDENTITY), file.index(b"tkhd"))
    return file[:at] + struct.pack(">9i", *matrix) + file[at + 36 :]


def first_frame(file: bytes) -> av.VideoFrame:
    """The first frame that a player decodes."""
    with av.open(io.BytesIO(file), "r") as container:
        return next(container.decode(video=0))


def planes(yuv: tuple[int, int, int], size: tuple[int, int], pixels: str = "yuv420p") -> av.VideoFrame:
    """A frame of one colour whose three planes hold these numbers."""
    frame = av.VideoFrame(*size, pixels)
    for plane, value in zip(frame.planes, yuv, strict=True):
        kind = np.dtype("<u2" if pixels.endswith("le") else np.uint8)
        plane.update(np.full(plane.buffer_size // kind.itemsize, value, kind).tobytes())
    return frame


def middle(rgb: NDArray[np.uint8]) -> tuple[int, int, int]:
    red, green, blue = rgb[rgb.shape[0] // 2, rgb.shape[1] // 2].tolist()
    return red, green, blue
