"""A model that plays what a command asks for: sizes, rates, batches, gaps, on two output tracks.

Each picture of ``main_video`` carries its number as black and white blocks, so that a viewer knows which one it sees;
``side_video`` is one colour.
"""

import asyncio
from typing import Literal

import numpy as np
import numpy.typing as npt

from reactor_runtime import InputField, ModelMessage, Output, ReactorModel, Video, event, session_started

Picture = npt.NDArray[np.uint8]
Act = Literal["frames", "batch", "drop", "still"]

BITS = 8
SIDE_COLOR = (40, 60, 200)


class Screens(Output):
    main_video: Video
    side_video: Video


class Playing(ModelMessage):
    """What is played from now on; ``number`` is that of its first picture."""

    act: str
    number: int


def numbered(number: int, width: int, height: int) -> Picture:
    """A picture whose number, modulo 256, stands in blocks of 1/8 of its width on its upper half; the lower half is grey."""
    bits = (number >> np.arange(BITS - 1, -1, -1)) & 1
    row = np.where(bits[np.arange(width) * BITS // width] == 1, 230, 20).astype(np.uint8)
    picture = np.full((height, width, 3), 128, np.uint8)
    picture[: height // 2] = row[None, :, None]
    return picture


class MediaModel(ReactorModel):
    fps = 30.0

    def __init__(self) -> None:
        super().__init__()
        self._begin()

    @session_started
    def begin(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._act: Act = "frames"
        self._size = (320, 240)
        self._count = 1
        self._rest_s = 0.0
        self.number = 0
        self.output.fps = 30.0

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            if self._rest_s:
                await asyncio.sleep(self._rest_s)
                self._rest_s = 0.0
            if self._act == "still":
                await asyncio.sleep(0.005)
            else:
                await self.emit(self._screens(), drop=self._act == "drop")

    def _screens(self) -> Screens:
        width, height = self._size
        side = np.full((120, 160, 3), SIDE_COLOR, np.uint8)
        if self._act != "batch":
            self.number += 1
            return Screens(main_video=numbered(self.number, width, height), side_video=side)
        pictures = [numbered(self.number + i, width, height) for i in range(1, self._count + 1)]
        self.number += self._count
        return Screens(main_video=np.stack(pictures), side_video=side)

    @event(name="play")
    def play(
        self,
        act: Act = "frames",
        fps: float = InputField(30.0, ge=1, le=120),
        width: int = InputField(320, ge=2, le=1920),
        height: int = InputField(240, ge=2, le=1080),
        count: int = InputField(1, ge=1, le=64),
    ) -> Playing:
        """Changes what is played, at once: what a batch still holds is dropped, and its last picture stays."""
        self.output.flush(hold=True)
        self._act, self._size, self._count = act, (width, height), count
        self.output.fps = fps
        return Playing(act, self.number + 1)

    @event(name="rest")
    def rest(self, seconds: float = InputField(ge=0.1, le=10)) -> None:
        """Emits nothing for a while, and then goes on."""
        self._rest_s = seconds

    @event(name="flush")
    def flush(self, hold: bool = False) -> None:
        """Drops what is still to be played, and emits nothing more."""
        self._act = "still"
        self.output.flush(hold=hold)
