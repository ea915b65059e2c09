"""A model for clients of other WebRTC stacks: two pictures to look at, and messages of any size, both ways."""

import numpy as np

from reactor_runtime import InputField, ModelMessage, Output, ReactorModel, Video, event


class Screen(Output):
    main_video: Video
    side_video: Video


class Measured(ModelMessage):
    length: int


class Made(ModelMessage):
    number: int
    text: str


class Flooded(ModelMessage):
    sent: int


class Stage(ReactorModel):
    fps = 25.0

    async def run(self) -> None:
        main = np.full((240, 320, 3), (200, 40, 40), dtype=np.uint8)
        side = np.full((120, 160, 3), (30, 160, 60), dtype=np.uint8)
        while True:
            await self.connected.wait()
            await self.emit(Screen(main_video=main, side_video=side))

    @event(name="measure", description="Tells the length of a text.")
    async def measure(self, text: str) -> Measured:
        return Measured(length=len(text))

    @event(name="flood", description="Sends so many texts of a length to everybody; tells how many were sent.")
    async def flood(self, count: int = InputField(ge=0, le=1_000), length: int = InputField(ge=0, le=2_000_000)) -> Flooded:
        for number in range(count):
            await self.send(Made(number=number, text="x" * length))
        return Flooded(sent=count)

    @event(name="make", description="Gives a text of a length.")
    async def make(self, length: int = InputField(ge=0, le=2_000_000)) -> Made:
        return Made(number=0, text="x" * length)
