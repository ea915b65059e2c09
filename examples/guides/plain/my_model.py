import numpy as np

from reactor_runtime import InputField, InputState, Output, ReactorModel, Video


class Picture(Output):
    main_video: Video


class Look(InputState):  # what clients may set; each session begins with these values
    brightness: int = InputField(default=128, ge=0, le=255, description="How bright the picture is.")


class Plain(ReactorModel):
    """A picture of one colour."""

    fps = 30
    state: Look

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            await self.emit(Picture(main_video=np.full((720, 1280, 3), self.state.brightness, np.uint8)))
