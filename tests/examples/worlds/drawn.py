"""Pictures of a road, drawn in the colours of the simulator."""

import numpy as np
from numpy.typing import NDArray

GRASS = (100, 202, 100)
ROAD = (102, 102, 102)


def straight(left: int = 25, right: int = 39) -> NDArray[np.uint8]:
    """A straight road, from column ``left`` up to column ``right``, (64, 64, 3); the car on its place, the dials at nothing."""
    picture = np.empty((64, 64, 3), np.uint8)
    picture[:] = GRASS
    picture[:, left:right] = ROAD
    picture[44:52, 31:33] = (201, 2, 1)
    picture[56:] = 0
    return picture


def with_speed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same at 59.75 m/s, as the simulator draws that."""
    faster = picture.copy()
    faster[60:63, 8] = np.array([132, 253, 121])[:, None]
    faster[60:63, 9] = np.array([87, 168, 81])[:, None]
    return faster
