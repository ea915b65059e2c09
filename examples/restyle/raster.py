"""Fast arithmetic on pictures: what effects, captions and overlays are made of. NumPy and PyAV's scaler, nothing else."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Literal, TypeAlias

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

Rgb: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), dtype uint8, channels red, green, blue."""

Plane: TypeAlias = NDArray[np.uint8]
"""Shape (H, W), dtype uint8."""

Filter: TypeAlias = Literal["AREA", "FAST_BILINEAR", "POINT"]

_BAND = 48  # rows that are worked on together, so that the wide intermediate values stay in the cache


class _Scalers(threading.local):
    """Scaling contexts of one thread by what they scale: making one costs more than using it."""

    def __init__(self) -> None:
        self.by_job: dict[tuple[int, int, int, int, str, str], VideoReformatter] = {}


_scalers = _Scalers()


def _reformat(picture: NDArray[np.uint8], width: int, height: int, formats: tuple[str, str], how: Filter) -> NDArray[np.uint8]:
    source = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format=formats[0])
    job = (source.width, source.height, width, height, formats[1], how)
    if job not in _scalers.by_job:
        if len(_scalers.by_job) >= 32:  # a client that keeps changing its size must not fill the memory
            _scalers.by_job.clear()
        _scalers.by_job[job] = VideoReformatter()
    scaler = _scalers.by_job[job]
    scaled = scaler.reformat(source, width=width, height=height, format=formats[1], interpolation=how, threads=1)
    return np.asarray(scaled.to_ndarray(), dtype=np.uint8)


def resize(picture: NDArray[np.uint8], width: int, height: int, how: Filter = "FAST_BILINEAR") -> NDArray[np.uint8]:
    """The picture at another size. Takes and gives (H, W), (H, W, 3) or (H, W, 4)."""
    kind = "gray" if picture.ndim == 2 else {3: "rgb24", 4: "rgba"}[picture.shape[2]]
    return _reformat(picture, max(1, width), max(1, height), (kind, kind), how)


def shrink(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The picture at 1/factor of its size, each pixel the mean of those it stands for."""
    height, width = picture.shape[:2]
    return resize(picture, width // factor, height // factor, "AREA")


def like(picture: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture at the size of another."""
    return resize(picture, other.shape[1], other.shape[0])


def luma(rgb: Rgb) -> Plane:
    """Brightness by BT.601, full range."""
    weighted = np.multiply(rgb[..., 0], 77, dtype=np.uint16)
    weighted += np.multiply(rgb[..., 1], 150, dtype=np.uint16)
    weighted += np.multiply(rgb[..., 2], 29, dtype=np.uint16)
    weighted >>= 8
    return weighted.astype(np.uint8)


def gray_to_rgb(plane: Plane) -> Rgb:
    """The plane in all three channels."""
    return _reformat(plane, plane.shape[1], plane.shape[0], ("gray", "rgb24"), "POINT")


def palette(colours: list[tuple[int, int, int]]) -> NDArray[np.uint32]:
    """256 colours, evenly between the given ones, each packed into a word for :func:`paint`."""
    stops = np.linspace(0, 255, len(colours))
    channels = [np.interp(np.arange(256), stops, [colour[i] for colour in colours]) for i in range(3)]
    rgba = np.stack([*channels, np.full(256, 255.0)], axis=1).astype(np.uint8)
    return rgba.view(np.uint32)[:, 0]


def paint(plane: Plane, colours: NDArray[np.uint32]) -> Rgb:
    """Each value of the plane in its colour of the palette."""
    height, width = plane.shape
    packed = colours.take(plane).view(np.uint8).reshape(height, width, 4)
    return _reformat(packed, width, height, ("rgba", "rgb24"), "POINT")


def blend(below: Rgb, above: Rgb, opacity: float) -> Rgb:
    """``above`` over ``below``; ``opacity`` is 0 to 1."""
    share = round(opacity * 256)
    if share <= 0:
        return below
    if share >= 256:
        return above
    mixed = np.empty_like(below)
    for top in range(0, below.shape[0], _BAND):
        rows = slice(top, top + _BAND)
        band = np.multiply(below[rows], 256 - share, dtype=np.uint16)
        band += np.multiply(above[rows], share, dtype=np.uint16)
        band >>= 8
        mixed[rows] = band
    return mixed


def scale(picture: NDArray[np.uint8], factor: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture dimmed: a factor of 255 keeps a pixel as it is, 0 makes it black. The two must broadcast."""
    scaled = np.empty_like(picture)
    whole = factor.shape[0] == 1
    for top in range(0, picture.shape[0], _BAND):
        rows = slice(top, top + _BAND)
        band = np.multiply(picture[rows], factor if whole else factor[rows], dtype=np.uint16)
        band += 255
        band >>= 8
        scaled[rows] = band
    return scaled


def screen(below: Rgb, light: Rgb) -> Rgb:
    """Light added to a picture, never beyond white."""
    lit = np.minimum(light, ~below)
    lit += below
    return lit


@lru_cache(maxsize=8)
def vignette(height: int, width: int, depth: float) -> Plane:
    """Factors for :func:`scale`, shape (H, W): 255 in the middle, darker by ``depth`` (0 to 1) in the corners."""
    down = np.linspace(-1.0, 1.0, height)[:, np.newaxis] ** 2
    across = np.linspace(-1.0, 1.0, width)[np.newaxis, :] ** 2
    far = np.clip((down + across) / 2.0, 0.0, 1.0)
    return np.asarray(255.0 * (1.0 - depth * far**1.2), dtype=np.uint8)
