"""The model that is killed: its picture tells which process painted it, and what clients have set."""

import os
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reactor_runtime import InputField, InputState, Output, ReactorModel, Video

Picture = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 320, 240
BITS = 16
LOAD_S = float(os.environ.get("KILL_LOAD_S", "0.5"))


class Screen(Output):
    """The one track."""

    main_video: Video


class Look(InputState):
    """What the two clients set, one each."""

    left: int = InputField(0, ge=0, le=255)
    right: int = InputField(0, ge=0, le=255)


class KillModel(ReactorModel):
    """The upper half is the process's number in blocks, the lower half the two values that clients have set."""

    fps = 30.0
    state: Look

    def load(self, config_path: Path | None) -> None:
        """Takes as long as weights would."""
        time.sleep(LOAD_S)

    async def run(self) -> None:
        """Emit for as long as somebody is connected."""
        bits = (os.getpid() >> np.arange(BITS - 1, -1, -1)) & 1
        row = np.where(bits[np.arange(WIDTH) * BITS // WIDTH] == 1, 230, 20).astype(np.uint8)
        while True:
            await self.connected.wait()
            picture: Picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
            picture[: HEIGHT // 2] = row[None, :, None]
            picture[HEIGHT // 2 :, : WIDTH // 2] = self.state.left if self.state else 0
            picture[HEIGHT // 2 :, WIDTH // 2 :] = self.state.right if self.state else 0
            await self.emit(Screen(main_video=picture))
