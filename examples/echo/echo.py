"""Echo: gives a client's video and sound back, mirrored and delayed by nothing. A model in steps."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reactor_runtime import (
    ApplicationError,
    Audio,
    ClientInfo,
    InputField,
    InputState,
    MediaInput,
    MessageField,
    ModelMessage,
    Output,
    ReactorApp,
    ReadMode,
    StepOutcome,
    UploadedFile,
    Video,
    connected,
    event,
)

SAMPLES = 1600  # of sound that go with a picture, at 30 a second


class EchoInput(MediaInput):
    camera: Video
    microphone: Audio


class EchoOutput(Output):
    main_video: Video
    main_audio: Audio


class EchoState(InputState):
    """What clients set."""

    mirror: Literal["none", "horizontal", "vertical"] = InputField("none", description="How the picture is turned over.")
    volume: float = InputField(1.0, ge=0.0, le=1.0, description="How much of the sound is given back.")
    tint: int | None = InputField(None, ge=0, le=255, description="The red of every pixel, or null for the camera's.")
    _steps: int = 0


class Heard(ModelMessage):
    """A text as it has arrived."""

    text: str
    length: int = MessageField(description="Characters of the text.")


class FileHeard(ModelMessage):
    """A file as it has arrived."""

    file_name: str
    size: int = MessageField(description="Bytes of the file.")


class Welcome(ModelMessage):
    """Said to a client that has joined."""

    steps: int


@dataclass
class Work:
    """What a step works on."""

    picture: npt.NDArray[np.uint8]
    sound: npt.NDArray[np.int16]
    mirror: str
    volume: float
    tint: int | None


class Echo(ReactorApp):
    """Gives a client's video and sound back."""

    fps = 30.0
    state: EchoState
    media: EchoInput

    @event(name="say", description="Give a text back.")
    async def say(self, text: str = InputField(max_length=200, moderate=True), times: int = InputField(1, ge=1, le=3)) -> Heard:
        said = " ".join([text] * times)
        return Heard(text=said, length=len(said))

    @event(name="show", description="Give the size of a file back.")
    async def show(self, file: UploadedFile) -> FileHeard:
        return FileHeard(file_name=file.name, size=file.size)

    @connected
    async def welcome(self, client: ClientInfo) -> None:
        await client.send(Welcome(steps=self.state._steps))

    async def process_input(self) -> Work:
        """The newest picture, and the sound that has come since the last one."""
        frames = self.media.camera.try_read()
        if frames is None:
            raise ApplicationError("no picture has come")
        heard = self.media.microphone.available
        blocks = self.media.microphone.try_read(heard, mode=ReadMode.FIFO) if heard else None
        sound = np.concatenate([block.data for block in blocks], axis=1) if blocks else np.zeros((1, SAMPLES), np.int16)
        return Work(frames[-1].data, sound, self.state.mirror, self.state.volume, self.state.tint)

    def generate(self, input: Work, /) -> Any:
        axis = {"none": None, "vertical": 0, "horizontal": 1}[input.mirror]
        picture = input.picture.copy() if axis is None else np.ascontiguousarray(np.flip(input.picture, axis))
        if input.tint is not None:
            picture[..., 0] = input.tint
        return EchoOutput(main_video=picture, main_audio=(input.sound * input.volume).astype(np.int16))

    async def process_output(self, outcome: StepOutcome) -> Any:
        self.state._steps += 1
        return outcome.to_output()
