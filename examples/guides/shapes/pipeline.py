"""A model as a generator: what it yields is shown, and its state is set from outside between two yields."""

from collections.abc import AsyncGenerator
from typing import Any

import numpy as np

from reactor_runtime import Idle, InputField, InputState, Output, ReactorPipeline, Video


class Seen(Output):
    main_video: Video


class Settings(InputState):
    speed: int = InputField(default=4, ge=-64, le=64, description="Pixels a frame.")
    paused: bool = False


class Stripes(ReactorPipeline):
    """Stripes that wander."""

    state: Settings
    fps = 30.0

    async def inference(self) -> AsyncGenerator[Any, None]:
        row = (np.arange(640) // 32 % 2 * 255).astype(np.uint8)
        while True:
            if self.state.paused:
                yield Idle
                continue
            row = np.roll(row, self.state.speed)
            yield Seen(main_video=np.broadcast_to(row[None, :, None], (360, 640, 3)).copy())
