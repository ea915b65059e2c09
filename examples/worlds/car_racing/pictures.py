"""Pictures in and out: what was uploaded, as small as the dream sees it; what was dreamed, as large as people look at it."""

from __future__ import annotations

import threading
from typing import Final, Literal, TypeAlias, cast

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

Rgb: TypeAlias = NDArray[np.uint8]
"""Shape (..., H, W, 3), dtype uint8."""
_Planes: TypeAlias = NDArray[np.uint8]
"""Shape (3, H, W), dtype uint8."""

SIDE: Final = 64
"""Rows and columns of a dreamed picture."""
LARGE: Final = 512
"""Rows and columns of a picture on the screen."""

_Filter: TypeAlias = Literal["AREA", "BILINEAR", "BICUBIC"]
_MAX_PIXELS: Final = 16_000_000
_DECODERS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "mjpeg"), (b"RIFF", "webp"))
_BAR: Final = 56
"""The first row of the black bar with the dials: nothing of the world reaches into it."""
_TIMES: Final = 4
"""How much a picture is enlarged while its edges are sharpened; from there on smooth enlarging does."""


class BadImage(ValueError):
    """The bytes are not a picture that can be read; the message says why."""


def read_image(data: bytes) -> Rgb:
    """A PNG, JPEG or WebP picture: (H, W, 3). Raises :class:`BadImage`."""
    # Decoded without a demuxer: a file that pretends to be a playlist must not make the runtime open others.
    codec = next((name for magic, name in _DECODERS if data.startswith(magic)), None)
    if codec is None:
        raise BadImage("the file is not a PNG, JPEG or WebP picture")
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(codec, "r"))
    decoder.options = {"max_pixels": str(_MAX_PIXELS)}
    try:
        frame = next(iter([*decoder.decode(av.Packet(data)), *decoder.decode(None)]), None)
        if frame is None:
            raise BadImage("the file holds no picture")
        return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    except (av.error.FFmpegError, ValueError) as error:
        raise BadImage(f"the picture cannot be decoded, or has more than {_MAX_PIXELS} pixels") from error


def fit(picture: Rgb) -> Rgb:
    """The square in the middle of a picture (H, W, 3), as small as the dream sees it: (64, 64, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    if side == SIDE:
        return square.copy()
    small = _resized(square.transpose(2, 0, 1), SIDE, SIDE, "AREA" if side > SIDE else "BICUBIC")
    return np.ascontiguousarray(small.transpose(1, 2, 0))


def enlarge(picture: Rgb) -> Rgb:
    """A picture (64, 64, 3) at (512, 512, 3), its edges nearly as sharp as if it had been drawn at that size.

    World and dials are enlarged each for itself, so that neither blurs into the other.
    """
    planes = picture.transpose(2, 0, 1)
    crisp = np.concatenate([_crisp(planes[:, :_BAR]), _crisp(planes[:, _BAR:])], axis=1)
    large = np.empty((LARGE, LARGE, 3), np.uint8)
    for channel, plane in enumerate(_resized(crisp, LARGE, LARGE, "BILINEAR")):
        large[..., channel] = plane
    return large


def _crisp(planes: _Planes) -> _Planes:
    """Four times as large. Where two colours meet the slope between them is made twice as steep, and stays between them."""
    height, width = (_TIMES * size for size in planes.shape[1:])
    smooth = _resized(planes, height, width, "BICUBIC")
    low, high = (_resized(bound, height, width, "BILINEAR") for bound in _bounds(planes))
    middle = np.add(low, high, dtype=np.int16)
    middle >>= 1
    steep = np.left_shift(smooth, 1, dtype=np.int16)
    steep -= middle
    np.maximum(steep, low, out=steep)
    np.minimum(steep, high, out=steep)
    return steep.astype(np.uint8)


def _bounds(planes: _Planes) -> tuple[_Planes, _Planes]:
    """The least and the most of each channel among a pixel and its eight neighbours."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), "edge")
    found = []
    for choose in (np.minimum, np.maximum):
        rows = choose(choose(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
        found.append(choose(choose(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:]))
    return found[0], found[1]


class _Scalers(threading.local):
    """Scaling contexts of one thread by what they scale: making one costs more than using it."""

    def __init__(self) -> None:
        self.by_job: dict[tuple[int, int, int, int, str], VideoReformatter] = {}


_scalers = _Scalers()


def _resized(planes: _Planes, height: int, width: int, how: _Filter) -> _Planes:
    # Declared as YUV: of RGB the scaler would make YUV with half the colours, and RGB again. To scale, a plane is a plane.
    source = av.VideoFrame(planes.shape[2], planes.shape[1], "yuv444p")
    for row, plane in zip(_rows(source), planes, strict=True):
        row[...] = plane
    job = (source.height, source.width, height, width, how)
    if job not in _scalers.by_job:
        if len(_scalers.by_job) >= 16:  # uploads of ever other sizes must not fill the memory
            _scalers.by_job.clear()
        _scalers.by_job[job] = VideoReformatter()
    return np.stack(_rows(_scalers.by_job[job].reformat(source, width, height, interpolation=how, threads=1)))


def _rows(frame: av.VideoFrame) -> list[NDArray[np.uint8]]:
    """The three planes of a frame, each (H, W), without the padding of their lines."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(frame.height, plane.line_size)[:, : frame.width]
        for plane in frame.planes
    ]
