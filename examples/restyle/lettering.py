"""Text as pictures: draws the ways of :mod:`glyphs` with a round pen, smooth at any size."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from glyphs import GLYPHS, MISSING
from numpy.typing import NDArray
from raster import Plane

PEN: Final = 0.98  # width of the pen, in units of which a capital is 7 high
DOT: Final = 0.14  # how much further than the pen a dot reaches
GAP: Final = 1.75  # from one letter's last point to the next one's first
BLANK: Final = 2.2  # width of a space
ASCENT: Final = 8.6  # from the baseline to the top of a line's picture
DESCENT: Final = 2.6
_ROUND: Final = 2.0
_ARC: Final = np.linspace(0.0, 1.0, 7)[:, np.newaxis]

_Points: TypeAlias = NDArray[np.float64]


def line(text: str, size: float) -> Plane:
    """One line of text: how much ink each pixel has, shape (rows, columns). ``size`` is the height of a capital in pixels."""
    unit = size / 7.0
    letters = [_letter(character, size) for character in plain(text)]
    width = sum(advance for advance, _ in letters) + PEN * unit + 2
    ink = np.zeros((round((ASCENT + DESCENT) * unit), max(1, round(width))), np.uint8)
    x = 0.0
    for advance, mask in letters:
        left = round(x)
        place = ink[:, left : left + mask.shape[1]]
        np.maximum(place, mask[:, : place.shape[1]], out=place)
        x += advance
    return ink


def plain(text: str) -> str:
    """The text with accents taken off and any white space as blanks: what the pen can write."""
    bare = unicodedata.normalize("NFKD", text)
    return "".join(" " if character.isspace() else character for character in bare if not unicodedata.combining(character))


@lru_cache(maxsize=512)
def _letter(character: str, size: float) -> tuple[float, Plane]:
    """How far the pen moves on, in pixels, and the letter's ink."""
    unit = size / 7.0
    ways = [_way(text) for text in GLYPHS.get(character, MISSING).split("|") if text]
    reach = max((float(way[:, 0].max()) for way in ways), default=BLANK - GAP)
    rows, columns = round((ASCENT + DESCENT) * unit), max(1, int(np.ceil((reach + PEN) * unit)) + 2)
    # Centres of the pixels in units: the first column is half a pen left of x = 0.
    x: _Points = (np.arange(columns, dtype=np.float64) + 0.5)[np.newaxis, :] / unit - PEN / 2
    y: _Points = ASCENT - (np.arange(rows, dtype=np.float64) + 0.5)[:, np.newaxis] / unit
    far = np.full((rows, columns), np.inf)
    for way in ways:
        if len(way) == 1:
            np.minimum(far, _distance(x, y, way[0], way[0]) - DOT, out=far)
        for start, end in pairwise(way):
            np.minimum(far, _distance(x, y, start, end), out=far)
    ink = np.clip((PEN / 2 - far) * unit + 0.5, 0.0, 1.0)
    return (reach + GAP) * unit, np.asarray(ink * 255.0 + 0.5, dtype=np.uint8)


def _distance(x: _Points, y: _Points, start: _Points, end: _Points) -> _Points:
    """How far each pixel is from the line between two points."""
    along = end - start
    length = float(along @ along)
    share = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    if length > 0.0:
        share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length, 0.0, 1.0)
    return np.asarray(np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1]))


def _way(text: str) -> _Points:
    """The points of a way, shape (n, 2), its rounded corners as short steps."""
    closed, marks = text.startswith("@"), text.lstrip("@").split()
    corners = [np.array([float(number) for number in mark.rstrip("o").split(",")]) for mark in marks]
    is_round = [mark.endswith("o") for mark in marks]
    count = len(corners)
    points: list[_Points] = []
    for i, corner in enumerate(corners):
        if not is_round[i]:
            points.append(corner[np.newaxis])
            continue
        before, after = corners[i - 1], corners[(i + 1) % count]
        # Two rounded corners share the side between them; a sharp one leaves it all.
        room = min(
            float(np.hypot(*(before - corner))) * (0.5 if is_round[i - 1] else 1.0),
            float(np.hypot(*(after - corner))) * (0.5 if is_round[(i + 1) % count] else 1.0),
            _ROUND,
        )
        first = corner + (before - corner) * room / np.hypot(*(before - corner))
        last = corner + (after - corner) * room / np.hypot(*(after - corner))
        # A cubic whose handles are 0.55 of the way to the corner is a quarter of a circle to within a hair.
        out, back = first + (corner - first) * 0.55, last + (corner - last) * 0.55
        t = _ARC
        points.append((1 - t) ** 3 * first + 3 * (1 - t) ** 2 * t * out + 3 * (1 - t) * t**2 * back + t**3 * last)
    if closed:
        points.append(points[0][:1])
    return np.concatenate(points)
