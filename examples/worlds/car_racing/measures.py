"""How good a dream is, in figures: pure functions of pictures (..., 64, 64, 3) uint8."""

from typing import Final

import numpy as np
from eyes import HORIZON, Picture
from numpy.typing import NDArray

Figures = NDArray[np.float64]

_LEAST_ERROR: Final = 1.0
"""A mean squared error below one level, as of a car that stands still, counts as one: 48.1 dB at most."""

_LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def psnr(pictures: Picture, truth: Picture) -> Figures:
    """Peak signal-to-noise ratio in dB of each picture, at most 48.1: (..., 64, 64, 3) twice to (...)."""
    error = ((pictures.astype(np.float32) - truth.astype(np.float32)) ** 2).mean((-3, -2, -1))
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(error, _LEAST_ERROR)), dtype=np.float64)


def sharpness(pictures: Picture) -> Figures:
    """Variance of the Laplacian of the brightness (0..255), without the dials: (..., 64, 64, 3) to (...)."""
    grey = pictures[..., :HORIZON, :, :].astype(np.float32) @ _LUMA
    middle = grey[..., 1:-1, 1:-1]
    around = grey[..., :-2, 1:-1] + grey[..., 2:, 1:-1] + grey[..., 1:-1, :-2] + grey[..., 1:-1, 2:]
    return np.asarray((around - 4 * middle).var((-2, -1)), dtype=np.float64)


def steering_dial(picture: Picture) -> float:
    """The green bar among the dials, in columns right (positive) or left of its middle: how far the front wheels are turned.

    ``picture`` is (H, W, 3) of any size, as the simulator or an enlarged dream shows it.
    """
    height, width = picture.shape[:2]
    rows = picture[height * 58 // 64 : height * 60 // 64].astype(np.float64)
    excess = (rows[..., 1] - np.maximum(rows[..., 0], rows[..., 2])).clip(0).mean(0) / 255.0
    half = width // 2
    columns: float = (excess[half:].sum() - excess[:half].sum()) * 64 / width
    return columns


def balanced_accuracy(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """The share that was found right in each class that occurs, as a mean over the classes."""
    return float(np.mean([(found[truth == each] == each).mean() for each in np.unique(truth)]))
