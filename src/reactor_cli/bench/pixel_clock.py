"""A clock drawn into a picture as black and white blocks, and read back after lossy video compression.

Two rows of 32 blocks along the upper edge: the upper row is the time in binary, the lower row its complement. A block
counts only when it and its complement differ clearly, so a damaged picture reads as nothing and never as a wrong time.
The clock is CLOCK_MONOTONIC, which all processes of one machine share.
"""

import time

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

BITS = 32
ROW_SHARE = 18
"""A row of blocks is this fraction of the picture's height: 40 of 720 pixels."""
TICK_NS = 100_000
"""One unit of the drawn number, in nanoseconds: 32 bits of 0.1 ms wrap after five days."""
CONTRAST = 80.0
"""A bit and its complement differ by at least this much, of 255, in a picture that can be trusted."""

_WEIGHTS = (1 << np.arange(BITS - 1, -1, -1, dtype=np.uint64)).astype(np.uint64)


def draw(picture: Picture) -> None:
    """Write the present moment into an (H, W, 3) picture, in place. W is a multiple of 32."""
    height, width = picture.shape[:2]
    row = height // ROW_SHARE
    ticks = np.uint64((time.monotonic_ns() // TICK_NS) % (1 << BITS))
    bits = ((ticks & _WEIGHTS) != 0).astype(np.uint8) * np.uint8(255)
    line = np.repeat(bits, width // BITS)[:, None]
    picture[:row] = line
    picture[row : 2 * row] = 255 - line


def age_ms(picture: Picture, now_ns: int) -> float | None:
    """Milliseconds between the drawing of a picture and `now_ns` (monotonic), or None when no clock can be read.

    The picture may have been scaled on its way.
    """
    height, width = picture.shape[:2]
    row = height // ROW_SHARE
    if row < 4 or width < 4 * BITS:
        return None
    difference = _block_means(picture[:row]) - _block_means(picture[row : 2 * row])
    if float(np.abs(difference).min()) < CONTRAST:
        return None
    drawn = int(_WEIGHTS[difference > 0].sum())
    ticks = (now_ns // TICK_NS - drawn) % (1 << BITS)
    if ticks >= 1 << (BITS - 1):
        ticks -= 1 << BITS
    return ticks * TICK_NS / 1e6


def _block_means(row: Picture) -> npt.NDArray[np.float64]:
    """The mean of the middle of each block of one row, green channel only: edges smear in compression."""
    height, width = row.shape[:2]
    block = width // BITS
    middle = row[height // 4 : -(height // 4), : block * BITS, 1]
    blocks = middle.reshape(middle.shape[0], BITS, block)[:, :, block // 4 : -(block // 4)]
    return np.asarray(blocks.mean(axis=(0, 2)), dtype=np.float64)
