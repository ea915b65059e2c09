"""Brightness: a grey wedge that wanders, as bright as clients say. A model written as a generator."""

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from reactor_runtime import (
    Idle,
    InputField,
    InputState,
    ModelMessage,
    Output,
    ReactorPipeline,
    UploadedFile,
    Video,
    event,
    session_started,
)

WIDTH, HEIGHT = 320, 240
STEP = 4  # pixels that the wedge wanders in a frame


class Direction(Enum):
    LEFT = "left"
    RIGHT = "right"


class BrightnessOutput(Output):
    main_video: Video


class BrightnessState(InputState):
    brightness: float = InputField(0.5, ge=0.0, le=1.0, description="0 is black, 1 is as bright as can be.")
    direction: Direction = Direction.RIGHT
    paused: bool = False
    caption: str | None = InputField(None, max_length=40, moderate=True)
    background: UploadedFile
    _offset: int = 0


class BrightnessChanged(ModelMessage):
    """The brightness is another one from the next frame on."""

    brightness: float
    before: float = 0.5


class Brightness(ReactorPipeline):
    """A grey wedge that wanders."""

    fps = 30.0
    state: BrightnessState

    def __init__(self) -> None:
        super().__init__()
        self.wedge = np.zeros((HEIGHT, WIDTH), np.float32)

    @session_started
    def begin(self) -> None:
        self.wedge = np.broadcast_to(np.linspace(0.0, 255.0, WIDTH, dtype=np.float32), (HEIGHT, WIDTH))

    @event(name="set_brightness", description="Choose how bright the picture is.")
    async def set_brightness(self, brightness: float = InputField(ge=0.0, le=1.0)) -> BrightnessChanged:
        before, self.state.brightness = self.state.brightness, brightness
        changed = BrightnessChanged(brightness=brightness, before=before)
        await self.send(changed)
        return changed

    async def inference(self) -> AsyncGenerator[Any, None]:
        while True:
            if self.state.paused:
                yield Idle
                continue
            self.state._offset += STEP if self.state.direction is Direction.RIGHT else -STEP
            yield BrightnessOutput(main_video=self.picture())

    def picture(self) -> npt.NDArray[np.uint8]:
        grey = np.roll(self.wedge, self.state._offset, axis=1) * self.state.brightness
        return np.repeat(grey.astype(np.uint8)[..., np.newaxis], 3, axis=2)
