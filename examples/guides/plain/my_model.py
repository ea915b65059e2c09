import numpy as np

from reactor_runtime import InputField, ModelMessage, Output, ReactorModel, Video, event


class Picture(Output):
    main_video: Video


class ColorChanged(ModelMessage):
    value: int


class Plain(ReactorModel):
    """A picture of one colour."""

    fps = 30
    value = 128

    @event(name="set_color", description="How bright the picture is.")
    def set_color(self, value: int = InputField(ge=0, le=255)) -> ColorChanged:
        self.value = value
        return ColorChanged(value=value)

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            await self.emit(Picture(main_video=np.full((720, 1280, 3), self.value, np.uint8)))
