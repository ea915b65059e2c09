"""Which way up a frame is shown, and its pixels turned that way."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

_MATRIX: Final = struct.Struct("=9i")


@dataclass(frozen=True, slots=True)
class Orientation:
    """How stored pixels become what is shown: rows and columns are exchanged first, then their order is reversed."""

    transposed: bool = False
    rows_reversed: bool = False
    columns_reversed: bool = False

    @classmethod
    def clockwise(cls, degrees: int) -> Orientation:
        """A rotation, to the nearest quarter of a turn."""
        return (cls(), cls(True, False, True), cls(False, True, True), cls(True, True, False))[round(degrees / 90) % 4]

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """What the display matrix of a frame says: phones store what they film as the sensor lies, and mark it."""
        side_data: Any = frame.side_data
        matrix = side_data.get(Type.DISPLAYMATRIX)
        if matrix is None:
            return UPRIGHT
        a, b, _, c, d, *_ = _MATRIX.unpack_from(bytes(matrix))
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, d < 0, a < 0)
        return cls(True, b < 0, c < 0)

    def turned(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A view of rows of pixels, shape (H, W) or (H, W, channels), as they are shown."""
        shown = plane.swapaxes(0, 1) if self.transposed else plane
        return shown[:: -1 if self.rows_reversed else 1, :: -1 if self.columns_reversed else 1]

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as shown."""
        return (height, width) if self.transposed else (width, height)

    def packed(self, planes: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Planes of (H, W) as they are shown, one after the other in one dimension."""
        return np.concatenate([self.turned(plane).reshape(-1) for plane in planes])


UPRIGHT: Final = Orientation()
