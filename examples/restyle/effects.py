"""The effects: pure functions from a picture to a picture of the same size, (H, W, 3) uint8 RGB, never in place.

What is soft by nature (flat colours, glow) is made at half the size and scaled up once: that is what keeps 720p within a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from raster import Plane, Rgb, blend, gray_to_rgb, like, luma, paint, palette, scale, screen, shrink, vignette

EffectName: TypeAlias = Literal["none", "noir", "sepia", "comic", "thermal", "neon", "pixelate", "dream", "vhs"]
Effect: TypeAlias = Callable[[Rgb], Rgb]

NAMES: Final[tuple[EffectName, ...]] = get_args(EffectName)


def apply_effect(rgb: Rgb, name: EffectName, strength: float = 1.0) -> Rgb:
    """The picture restyled. ``strength`` is 0 (the picture itself) to 1 (the effect alone)."""
    if name == "none" or strength <= 0.0:
        return rgb
    return blend(rgb, EFFECTS[name](rgb), strength)


def _table(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A table of 256 values from a curve over 0 to 1."""
    return np.asarray(np.clip(values, 0.0, 1.0) * 255.0 + 0.5, dtype=np.uint8)


_RAMP: Final = np.linspace(0.0, 1.0, 256)


# ------------------------------------------------------------------------------------------------------ tone

_NOIR: Final = _table(1.0 / (1.0 + np.exp(-9.0 * (_RAMP - 0.46))) * 1.06 - 0.03)
_SEPIA: Final = palette([(24, 12, 6), (98, 62, 34), (176, 132, 86), (232, 202, 156), (255, 244, 218)])
_THERMAL: Final = palette(
    [(4, 2, 28), (36, 6, 96), (112, 10, 130), (190, 34, 98), (236, 86, 32), (252, 156, 16), (255, 220, 70), (255, 255, 232)]
)


def noir(rgb: Rgb) -> Rgb:
    """Hard black and white, dark in the corners."""
    height, width = rgb.shape[:2]
    return gray_to_rgb(scale(_NOIR.take(luma(rgb)), vignette(height, width, 0.85)))


def sepia(rgb: Rgb) -> Rgb:
    """An old print."""
    height, width = rgb.shape[:2]
    return paint(scale(luma(rgb), vignette(height, width, 0.45)), _SEPIA)


def thermal(rgb: Rgb) -> Rgb:
    """Brightness as heat, seen through a camera that is a little out of focus."""
    return paint(like(shrink(luma(rgb), 4), rgb), _THERMAL)


# ---------------------------------------------------------------------------------------------------- drawing


def _edges(gray: Plane) -> Plane:
    """How steep the brightness is at each pixel: the sum of both central differences, clipped to 255."""
    wide = gray.astype(np.int16)
    steep = np.zeros_like(wide)
    steep[:, 1:-1] = np.abs(wide[:, 2:] - wide[:, :-2])
    steep[1:-1] += np.abs(wide[2:] - wide[:-2])
    return np.minimum(steep, 255, out=steep).astype(np.uint8)


_STEP: Final = _RAMP * 4.0
_TONES: Final = (np.floor(_STEP) + np.clip((_STEP % 1.0 - 0.44) / 0.12, 0.0, 1.0)) / 4.0 * 0.92 + 0.06
_GAIN: Final = np.asarray(np.clip(_TONES / np.maximum(_RAMP, 0.02), 0.0, 1.99) * 128.0, dtype=np.uint8)
_INK: Final = _table(1.1 - np.clip((_RAMP - 0.14) / 0.14, 0.0, 1.0))


@lru_cache(maxsize=4)
def _dots(height: int, width: int) -> NDArray[np.int16]:
    """A printer's screen at 45 degrees, -64 to 64: positive where a dot is."""
    down, across = np.mgrid[0:height, 0:width].astype(np.float32) * (np.pi / 4.0)
    return np.asarray(32.0 * (np.cos(down + across) + np.cos(down - across)), dtype=np.int16)


def comic(rgb: Rgb) -> Rgb:
    """Few tones of strong colours, ink along the edges and a printer's dots in the shadows."""
    half = shrink(rgb, 2)
    soft = like(shrink(half, 2), half)
    gray = luma(soft)
    shadow = np.clip((gray.astype(np.int16) - _dots(*gray.shape)) * 6 - 104, 120, 255).astype(np.uint8)
    ink = np.minimum(_INK.take(_edges(gray)), shadow)
    tone = scale(_GAIN.take(gray), ink)
    # Colours half as far again from gray, (3 * soft - gray) / 2, then times a tone of which 128 is 1.
    rich = np.maximum(np.multiply(soft, 3, dtype=np.int16) - gray_to_rgb(gray), 0) >> 1
    flat = np.minimum(rich, 255).astype(np.uint16)
    flat *= gray_to_rgb(tone)
    flat >>= 7
    return like(np.minimum(flat, 255).astype(np.uint8), rgb)


_LIT: Final = _table(np.clip((_RAMP - 0.05) * 7.0, 0.0, 1.0))
_NIGHT: Final = _table(_RAMP * 0.2)


@lru_cache(maxsize=4)
def _tubes(height: int, width: int) -> Rgb:
    """The colour of the light at each place: magenta through blue to green, along the diagonal."""
    along = (np.linspace(0.0, 1.0, width)[np.newaxis, :] + np.linspace(0.0, 1.0, height)[:, np.newaxis]) * 127.5
    colours = palette([(255, 30, 160), (190, 60, 255), (70, 110, 255), (20, 230, 255), (60, 255, 170)])
    return paint(along.astype(np.uint8), colours)


def neon(rgb: Rgb) -> Rgb:
    """Edges as tubes of light that glow in the dark."""
    half = shrink(rgb, 2)
    light = _LIT.take(_edges(like(shrink(luma(half), 2), half[..., 0])))
    tubes = scale(_tubes(*light.shape), gray_to_rgb(light))
    glow = like(shrink(shrink(tubes, 2), 3), tubes)
    return like(screen(_NIGHT.take(half), screen(tubes, glow)), rgb)


# ---------------------------------------------------------------------------------------------------- texture

_LEVELS: Final = _table(np.round(_RAMP * 15.0) / 15.0)
PIXEL: Final = 16


def pixelate(rgb: Rgb) -> Rgb:
    """Squares of 16 x 16 pixels, in 16 levels of each colour."""
    height, width = rgb.shape[:2]
    if height % PIXEL or width % PIXEL:
        rgb = np.pad(rgb, ((0, -height % PIXEL), (0, -width % PIXEL), (0, 0)), mode="edge")
    coarse = _LEVELS.take(shrink(rgb, PIXEL))
    return np.ascontiguousarray(coarse.repeat(PIXEL, axis=0).repeat(PIXEL, axis=1)[:height, :width])


_LIGHTS: Final = _table(np.clip((_RAMP - 0.42) / 0.58, 0.0, 1.0) ** 1.4 * 0.55)
_ROSE: Final = np.array([[[255, 214, 240]]], np.uint8)


def dream(rgb: Rgb) -> Rgb:
    """Highlights that bloom, over a picture that is a little soft."""
    small = shrink(rgb, 4)
    light = like(shrink(scale(_LIGHTS.take(small), _ROSE), 5), small)
    return blend(rgb, like(screen(small, light), rgb), 0.7)


@lru_cache(maxsize=4)
def _scanlines(height: int) -> Plane:
    """Factors for :func:`raster.scale`, shape (H, 1): every fourth line is dim."""
    lines = np.full((height, 1), 255, np.uint8)
    lines[1::4] = lines[3::4] = 205
    lines[2::4] = 170
    return lines


def vhs(rgb: Rgb) -> Rgb:
    """A worn tape: colours that do not meet, and the lines of the tube."""
    height, width = rgb.shape[:2]
    shift = max(1, width // 160)
    worn = np.maximum(rgb, 22)
    worn[:, shift:, 0] = rgb[:, :-shift, 0]
    worn[:, :-shift, 2] = rgb[:, shift:, 2]
    return scale(worn.reshape(height, width * 3), _scanlines(height)).reshape(rgb.shape)


EFFECTS: Final[Mapping[EffectName, Effect]] = {
    "none": lambda rgb: rgb,
    "noir": noir,
    "sepia": sepia,
    "comic": comic,
    "thermal": thermal,
    "neon": neon,
    "pixelate": pixelate,
    "dream": dream,
    "vhs": vhs,
}
