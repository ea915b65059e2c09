"""The smallest model: a grey picture, and a command that answers."""

import numpy as np

from reactor_runtime import InputField, ModelMessage, Output, ReactorModel, Video, event


class Picture(Output):
    main_video: Video


class Heard(ModelMessage):
    text: str
    times: int


class Echo(ReactorModel):
    """Counts what it hears, so that a test can tell whether its state was kept."""

    fps = 30
    times = 0

    @event(name="say", description="Says it back.")
    def say(self, text: str = InputField("", max_length=200)) -> Heard:
        self.times += 1
        return Heard(text=text, times=self.times)

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            await self.emit(Picture(main_video=np.full((144, 256, 3), 128, np.uint8)))
