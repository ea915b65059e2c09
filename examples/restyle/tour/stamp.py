"""A number written into a picture, so that it is known again after two encoders and a restyling model.

It stands in a strip above the picture as 12 bits and 4 check bits. Each bit is two blocks, white and black or black and white,
and is read by comparing the two: whatever an effect does to a place, it keeps white brighter than the black beside it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from raster import Plane, Rgb

BLOCK: Final = 16  # pixels of a block's side, as much as encoders take together
STRIP: Final = BLOCK + 8  # rows of the strip; the last 8 keep the picture's own edge away from the blocks
NUMBERS: Final = 4096
_BITS: Final = 16
_WIDTH: Final = 2 * _BITS * BLOCK
_BLACK, _WHITE = 16, 235  # luma, BT.601 limited range
_CONTRAST: Final = 6.0


def _check(number: int) -> int:
    return (number ^ number >> 4 ^ number >> 8 ^ 0b1010) & 0b1111


def write_stamp(luma: Plane, number: int) -> None:
    """Writes ``number`` (0 to NUMBERS - 1) into the top left of a luma plane, at least 512 wide; in place."""
    word = number << 4 | _check(number)
    bits = np.array([word >> (_BITS - 1 - i) & 1 for i in range(_BITS)], dtype=np.uint8)
    blocks = np.stack([bits, 1 - bits], axis=1).reshape(-1)
    luma[:BLOCK, :_WIDTH] = (blocks * (_WHITE - _BLACK) + _BLACK).repeat(BLOCK)


def read_stamp(rgb: Rgb) -> int | None:
    """The number in the strip of a picture, or None where there is none to be read."""
    if rgb.shape[0] < BLOCK or rgb.shape[1] < _WIDTH:
        return None
    middle = slice(BLOCK // 2 - 3, BLOCK // 2 + 3)
    blocks = rgb[middle, :_WIDTH].reshape(6, _BITS, 2, BLOCK, 3)[:, :, :, middle]
    # The darkest channel, because coloured light that spills over a black block counts for nothing there.
    levels = blocks.astype(np.float32).mean(axis=(0, 3)).min(axis=2)
    brighter = levels[:, 0] - levels[:, 1]
    if np.abs(brighter).min() < _CONTRAST:
        return None
    word = int("".join("1" if each > 0 else "0" for each in brighter), 2)
    number, check = word >> 4, word & 0b1111
    return number if check == _check(number) else None
