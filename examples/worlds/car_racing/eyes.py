"""Sees the road in a picture of CarRacing, real or dreamed, and drives by what it sees.

Pictures are (64, 64, 3) uint8 RGB as the simulator draws them: the car stands still at column 32, rows 44 to 51, and looks up;
the last eight rows are a black bar with dials. Columns are 0.96 m apart, rows 0.77 m.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Action = NDArray[np.float32]

SIDE: Final = 64
HORIZON: Final = 56
"""Rows above it show the world, the others the dials."""

CAR_ROW: Final = 48
CAR_COLUMN: Final = 31.5
COLUMN_M: Final = 0.964
ROW_M: Final = 0.772

_UNDER: Final = (slice(41, 55), slice(25, 39))
_AHEAD: Final = (slice(14, 44), slice(22, 42))
_SHARE_UNDER: Final = 0.2
_SHARE_AHEAD: Final = 0.15
_ANGLES: Final = np.radians(np.arange(-110, 111, 4, dtype=np.float64))
_RADII_M: Final = np.arange(4.0, 33.0, 1.5)
_ROWS: Final = np.rint(CAR_ROW - _RADII_M[:, None] * np.cos(_ANGLES) / ROW_M).astype(int)
_COLUMNS: Final = np.rint(CAR_COLUMN + _RADII_M[:, None] * np.sin(_ANGLES) / COLUMN_M).astype(int)
_INSIDE: Final = (_ROWS >= 0) & (_ROWS < HORIZON) & (_COLUMNS >= 0) & (_COLUMNS < SIDE)


def road(picture: Picture) -> NDArray[np.bool_]:
    """Where the road is, (64, 64): what is grey, neither green nor red nor white nor black. Leading axes are kept."""
    levels = picture.astype(np.int16)
    red, green, blue = levels[..., 0], levels[..., 1], levels[..., 2]
    mean = levels.mean(-1)
    grey = (np.abs(green - (red + blue) // 2) < 28) & (np.abs(red - blue) < 28) & (mean > 70) & (mean < 150)
    grey[..., HORIZON:, :] = False
    return np.asarray(grey)


def on_road(picture: Picture) -> NDArray[np.bool_]:
    """Whether there is road under the car: in a fifth of the 14x14 pixels around it. A number of pictures gives as many."""
    return np.asarray(road(picture)[..., *_UNDER].mean((-2, -1)) >= _SHARE_UNDER)


def sees_road(picture: Picture) -> NDArray[np.bool_]:
    """Whether there is road under the car or ahead: in 15 % of the 23 m before it, 10 m to each side."""
    return np.asarray((road(picture)[..., *_AHEAD].mean((-2, -1)) >= _SHARE_AHEAD) | on_road(picture))


def shows_kerb(picture: Picture) -> NDArray[np.bool_]:
    """Whether the red of a kerb is seen, in more than three pixels beside the car. A number of pictures gives as many."""
    red = (picture[..., 0] > 180) & (picture[..., 1] < 90) & (picture[..., 2] < 90)
    red[..., HORIZON:, :] = False
    red[..., _UNDER[0], 27:37] = False
    return np.asarray(red.sum((-2, -1)) > 3)


def speed(picture: Picture) -> NDArray[np.float64]:
    """What the white bar among the dials says, in m/s, to about one. A number of pictures gives as many."""
    bar = picture[..., 60:63, 8:10, :].astype(np.float64).mean(-1).sum((-2, -1))
    return np.asarray((bar / 421.0 * 31.25 - 3.8).clip(0.0))


def way(picture: Picture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Follows the road from the car on: angles (rad, right is positive) of its middle, and their distances in metres.

    Empty where there is no road before the car.
    """
    seen = road(picture)
    lit = np.where(_INSIDE, seen[_ROWS.clip(0, SIDE - 1), _COLUMNS.clip(0, SIDE - 1)], False)
    angles: list[float] = []
    distances: list[float] = []
    last = 0.0
    for radius, row in zip(_RADII_M, lit, strict=True):
        runs = _runs(row)
        if not runs:
            if angles:
                break
            continue
        middle = min(runs, key=lambda angle: abs(angle - last))
        if len(angles) > 2 and abs(middle - last) > math.radians(30):
            break
        angles.append(middle)
        distances.append(float(radius))
        last = middle
    return np.array(angles), np.array(distances)


def _runs(row: NDArray[np.bool_]) -> list[float]:
    """The middle angle of each stretch of road on a circle around the car; single specks are none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    return [float(_ANGLES[begin : end + 1].mean()) for begin, end in edges.reshape(-1, 2) - [0, 1] if end > begin]


class LookingDriver:
    """Keeps on the road by looking at pictures alone: steers at its middle some way ahead, slower where it bends."""

    def __init__(self, *, fastest: float = 34.0, slowest: float = 13.0) -> None:
        """Speeds in m/s on a straight and in the sharpest bend."""
        self._fastest = fastest
        self._slowest = slowest
        self._side = 1.0

    def act(self, picture: Picture) -> Action:
        """Steer (-1..1), gas (0..1), brake (0..1) for a picture (64, 64, 3)."""
        angles, distances = way(picture)
        now = float(speed(picture))
        if not len(angles):
            # The road was last seen to this side: turn back to it, slowly.
            return self._action(0.6 * self._side, goal=self._slowest * 0.7, now=now)
        near = int(np.argmin(np.abs(distances - max(7.0, 0.4 * now))))
        aim = float(angles[near])
        if abs(aim) > 0.2:
            self._side = math.copysign(1.0, aim)
        far = float(np.abs(angles).max())
        # A road that ends before the edge of what is seen hides a bend.
        hidden = max(0.0, 1.0 - distances[-1] / 24.0)
        bend = min(1.0, far / 0.9 + hidden)
        return self._action(1.6 * aim, goal=self._slowest + (self._fastest - self._slowest) * (1.0 - bend), now=now)

    def _action(self, steer: float, *, goal: float, now: float) -> Action:
        gas = np.clip((goal - now) * 0.12, 0.0, 0.8) * (1.0 - 0.5 * min(1.0, abs(steer)))
        brake = np.clip((now - goal - 3.0) * 0.06, 0.0, 0.6)
        return np.array([np.clip(steer, -1, 1), gas, brake], dtype=np.float32)
