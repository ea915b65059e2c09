"""A model that takes steps: each picture is as bright as the level, and tells what it has read from the camera."""

import numpy as np

from reactor_runtime import (
    ApplicationError,
    Audio,
    CommandError,
    InputField,
    InputState,
    MediaInput,
    ModelMessage,
    Output,
    ReactorApp,
    ReadMode,
    StepCompleted,
    StepOutcome,
    TrackPayload,
    UploadedFile,
    Video,
    connected,
    event,
)
from reactor_runtime.fields import ClientInfo


class In(MediaInput):
    webcam: Video
    voice: Audio


class Out(Output):
    main: Video


class Welcome(ModelMessage):
    client: int


class Noted(ModelMessage):
    text: str


class Steps(InputState):
    level: int = InputField(default=0, ge=0, le=255)
    picture: UploadedFile | None = None


class Stepper(ReactorApp):
    """Takes steps."""

    inputs: In
    state: Steps

    @connected
    async def greet(self, client: ClientInfo) -> None:
        if not client.system:
            await client.send(Welcome(client.id))

    async def process_input(self) -> tuple[int, int, int]:
        if self.state.level == 13:
            raise ApplicationError("13 is not a level")
        pictures = self.inputs.webcam.try_read(self.inputs.webcam.available or 1, ReadMode.FIFO) or []
        sounds = self.inputs.voice.try_read(self.inputs.voice.available or 1, ReadMode.FIFO) or []
        return self.state.level, sum(int(picture.data.mean()) for picture in pictures), sum(sound.data.size for sound in sounds)

    def generate(self, input: tuple[int, int, int], /) -> Output:
        level, seen, heard = input
        height = {190: 1000, 200: 1100}.get(level, 4)
        picture = np.full((height, 8 if height == 4 else 4000, 3), level, np.uint8)
        return Out(main=TrackPayload(picture, metadata={"seen": seen, "heard": heard}))

    async def process_output(self, outcome: StepOutcome) -> StepCompleted:
        output = outcome.to_output()
        error = "99 is too much" if self.state.level == 99 else None
        return StepCompleted(output, error=error)

    @event(name="note")
    async def note(self, text: str) -> Noted:
        return Noted(text)

    @event(name="refuse")
    async def refuse(self) -> None:
        raise CommandError("not_now", "Ask me later.")
