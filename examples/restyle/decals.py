"""What is drawn over a picture: the caption, the overlay image and the title card."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias, cast

import av
import numpy as np
from lettering import line, plain
from numpy.typing import NDArray
from raster import Filter, Plane, Rgb, gray_to_rgb, paint, palette, resize, scale

Rgba: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 4), dtype uint8, alpha not multiplied in."""

MAX_PIXELS: Final = 16_000_000
_DECODERS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "mjpeg"), (b"RIFF", "webp"))


class BadImage(ValueError):
    """The bytes are not a picture that can be drawn; the message says why."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """A picture that was uploaded. Compared by identity: it is the key of what is made of it."""

    pixels: Rgba


@dataclass(frozen=True, eq=False)
class Decal:
    """Something to draw: ``light`` is added where ``keep`` has dimmed the picture. Both are (h, w, 3)."""

    top: int
    left: int
    light: Rgb
    keep: Rgb


def draw(rgb: Rgb, decal: Decal) -> None:
    """Draws a decal into the picture, in place."""
    height, width = decal.light.shape[:2]
    place = rgb[decal.top : decal.top + height, decal.left : decal.left + width]
    place[...] = scale(place, decal.keep)
    place += decal.light


def _decal(top: int, left: int, colour: Rgb, alpha: Plane) -> Decal:
    opacity = gray_to_rgb(alpha)
    # The light is at most the alpha, so that light and what is kept never pass 255 together.
    return Decal(top, left, np.asarray(np.multiply(colour, opacity, dtype=np.uint16) // 255, dtype=np.uint8), ~opacity)


# ---------------------------------------------------------------------------------------------------- caption

_BAR: Final = 150  # alpha of the bar behind a caption


@lru_cache(maxsize=8)
def caption_decal(text: str, height: int, width: int) -> Decal | None:
    """The caption of a picture of that size: white on a translucent bar, low in the middle. None where there is no room."""
    lines = _fit(plain(text).split(), height / 20.0, width * 0.86)
    if not lines:
        return None
    pad = max(4, height // 48)
    ink = _stack(lines)
    rows, columns = min(height, ink.shape[0] + pad), min(width, ink.shape[1] + 4 * pad)
    if ink.shape[0] > rows or ink.shape[1] > columns:
        return None
    text_alpha = np.zeros((rows, columns), np.uint8)
    top, left = (rows - ink.shape[0]) // 2, (columns - ink.shape[1]) // 2
    text_alpha[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    bar = np.asarray(_rounded(rows, columns, pad * 1.2) * _BAR, dtype=np.uint8)
    colour = gray_to_rgb(np.asarray(12 + (text_alpha.astype(np.uint16) * 243 >> 8), dtype=np.uint8))
    bottom = max(0, height - rows - height // 18)
    return _decal(bottom, (width - columns) // 2, colour, np.maximum(bar, text_alpha))


def _fit(words: list[str], size: float, room: float) -> list[Plane]:
    """The words in one line, in two where one is too long, and smaller where two are."""
    if not words:
        return []
    whole = line(" ".join(words), size)
    if whole.shape[1] <= room:
        return [whole]
    halves = min(
        ([line(" ".join(part), size) for part in (words[:cut], words[cut:]) if part] for cut in range(1, len(words) + 1)),
        key=lambda pair: max(part.shape[1] for part in pair),
    )
    widest = max(part.shape[1] for part in halves)
    if widest <= room:
        return halves
    return _fit(words, size * room / widest * 0.98, room) if size > 5.0 else []


def _stack(lines: list[Plane]) -> Plane:
    """Lines below each other, centred."""
    width = max(each.shape[1] for each in lines)
    rows = [np.pad(each, ((0, 0), ((width - each.shape[1]) // 2, (width - each.shape[1] + 1) // 2))) for each in lines]
    return np.concatenate(rows)


def _rounded(rows: int, columns: int, radius: float) -> NDArray[np.float64]:
    """A rectangle with round corners, 0 to 1, smooth at its edge; shape (rows, columns)."""
    y = np.abs(np.arange(rows) + 0.5 - rows / 2)[:, np.newaxis] - (rows / 2 - radius)
    x = np.abs(np.arange(columns) + 0.5 - columns / 2)[np.newaxis, :] - (columns / 2 - radius)
    far = np.hypot(np.maximum(x, 0.0), np.maximum(y, 0.0)) - radius
    return np.asarray(np.clip(0.5 - far, 0.0, 1.0))


# ---------------------------------------------------------------------------------------------------- overlay


def read_image(data: bytes) -> Overlay:
    """Decodes a PNG, JPEG or WebP picture. Raises :class:`BadImage`."""
    # Decoded without a demuxer: a file that pretends to be a playlist must not make the runtime open others.
    codec = next((name for magic, name in _DECODERS if data.startswith(magic)), None)
    if codec is None:
        raise BadImage("the file is not a PNG, JPEG or WebP picture")
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(codec, "r"))
    decoder.options = {"max_pixels": str(MAX_PIXELS)}
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
        if frames:
            return Overlay(np.asarray(frames[0].to_ndarray(format="rgba"), dtype=np.uint8))
    except (av.error.FFmpegError, ValueError) as error:
        raise BadImage(f"the picture cannot be decoded, or has more than {MAX_PIXELS} pixels") from error
    raise BadImage("the file holds no picture")


@lru_cache(maxsize=4)
def overlay_decal(overlay: Overlay, height: int, width: int) -> Decal:
    """The overlay for a picture of that size: in the top right corner, a quarter of its width, at most half its height."""
    pixels = overlay.pixels
    rows = pixels.shape[0] * (width / 4) / pixels.shape[1]
    fit = min(1.0, height / 2 / rows)
    columns, rows = max(1, round(width / 4 * fit)), max(1, round(rows * fit))
    # Colours are weighed by their alpha before they are mixed, so that what is transparent does not bleed in.
    alpha = pixels[..., 3].copy()
    weighed = np.asarray(np.multiply(pixels[..., :3], alpha[..., np.newaxis], dtype=np.uint16) // 255, dtype=np.uint8)
    how: Filter = "AREA" if columns < pixels.shape[1] else "FAST_BILINEAR"
    opacity = gray_to_rgb(resize(alpha, columns, rows, how))
    light = np.minimum(resize(weighed, columns, rows, how), opacity)
    margin = width // 32
    left = max(0, width - columns - margin)
    return Decal(min(margin, height - rows), left, light, ~opacity)


# ------------------------------------------------------------------------------------------------- title card

_DUSK: Final = palette([(10, 12, 26), (26, 26, 56), (52, 34, 78)])
BEATS: Final = 4


@lru_cache(maxsize=BEATS)
def title_card(title: str, height: int, width: int, beat: int) -> Rgb:
    """A dark picture with the title and a row of dots, of which ``beat`` (0 to BEATS - 1) says which is lit."""
    shade = np.linspace(0.0, 255.0, height)[:, np.newaxis] * np.linspace(1.0, 0.8, width)[np.newaxis, :]
    card = paint(shade.astype(np.uint8), _DUSK)
    lines = _fit(plain(title).split(), height / 18.0, width * 0.86)
    white = np.uint8(235)
    if lines:
        ink = _stack(lines)[:height, :width]
        top, left = (height - ink.shape[0]) // 2, (width - ink.shape[1]) // 2
        draw(card, _decal(top, left, np.full((*ink.shape, 3), white), ink))
    side = max(2, height // 60)
    for i in range(BEATS):
        left, top = width // 2 + (2 * i - BEATS) * 2 * side + side, height * 2 // 3
        dot = np.asarray(_rounded(side, side, side / 2) * (255 if i == beat else 90), dtype=np.uint8)
        if 0 <= left <= width - side:
            draw(card, _decal(top, left, np.full((side, side, 3), white), dot))
    return card
