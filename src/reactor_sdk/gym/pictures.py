"""Which of the pictures that come is the one that a command led to, and what it looks like as an observation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import av
import numpy as np

from reactor_rtc.frames import RgbArray, VideoFrame
from reactor_sdk.frames import Outlet

KEPT: Final = 32
"""How many pictures wait for the acknowledgement that says which of them is meant."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A picture, and how many of those that the command led to went before it and were never received."""

    frame: VideoFrame
    number: int
    skipped: int = 0


async def picture_from(outlet: Outlet[VideoFrame], wanted: int) -> Found | None:
    """The first picture to come whose number is ``wanted`` or higher; None where no more will come.

    Nothing else was asked of the model since, so that a later one shows the same command's doing. Pictures without a number
    are not the model's.
    """
    while (frame := await outlet.get()) is not None:
        if frame.number is not None and frame.number >= wanted:
            return Found(frame, frame.number, frame.number - wanted)
    return None


def observed(rgb: RgbArray, size: tuple[int, int]) -> RgbArray:
    """The picture in that size (H, W); each pixel of a smaller one is the mean of the area that it stands for."""
    height, width = size
    if rgb.shape[:2] == (height, width):
        return np.ascontiguousarray(rgb)
    source = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    return source.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray().astype(np.uint8, copy=False)
