"""A model in the style of reactor-runtime 2.x, which says what it sees: the idioms of that generation that later ones lack."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from reactor_runtime.interface import (
    Audio,
    Idle,
    Input,
    InputField,
    InputState,
    MessageField,
    ModelMessage,
    Output,
    ReactorPipeline,
    UploadedFile,
    Video,
    connected,
    disconnected,
    event,
    file_uploaded,
)


@dataclass
class SecondOutput(Output):
    main_video: Video
    main_audio: Audio


@dataclass
class SecondInput(Input):
    camera: Video


@dataclass
class SecondState(InputState):
    shade: int = InputField(default=10, ge=0, le=255, description="How bright the picture is.")
    mood: Literal["calm", "wild"] = "calm"
    paused: bool = False
    _seen: Any = None


@dataclass
class Told(ModelMessage):
    """What has happened, in its order."""

    log: list[str]
    shade: int = MessageField(default=0, description="The brightness that the model has now.")


@dataclass
class CameraSeen(ModelMessage):
    height: int
    width: int
    red: int


class Second(ReactorPipeline):
    """Shows a shade, and remembers what was asked of it."""

    state: SecondState
    media: SecondInput
    fps = 25

    def load(self, config: dict[str, Any]) -> None:  # type: ignore[override]
        self.log = [f"load {config['shade']} {config['names']['first']} {type(config).__name__}"]
        self.output_buffer.set_fps(20)

    @connected
    def joined(self) -> None:
        self.log.append(f"connected {self.state.shade}")
        self.state.shade = 40

    @disconnected
    async def left(self) -> None:
        self.log.append(f"disconnected {self.state is not None}")

    @file_uploaded
    def arrived(self, uploaded_file: UploadedFile) -> None:
        self.log.append(f"file {uploaded_file.name} {uploaded_file.mime_type} {len(uploaded_file.data)}")

    @event(name="tell", description="Says what has happened.")
    async def tell(self) -> None:
        await self.send(Told(log=list(self.log), shade=self.state.shade))

    @event(name="be_busy", description="Keeps the model from everything else.")
    def be_busy(self, seconds: float = InputField(default=0.5, ge=0.0, le=5.0)) -> None:
        time.sleep(seconds)
        self.log.append("busy")

    @event(name="encode", description="Takes long, so that only the last counts.", dedupe=True)
    def encode(self, number: int = 0) -> None:
        self.log.append(f"encode {number}")

    @event(name="look", description="Says what the camera shows.")
    async def look(self) -> None:
        frames = self.media.camera.try_read()
        if frames is None:
            self.log.append("no camera")
            return
        [frame] = frames
        picture = frame.data
        middle = picture[picture.shape[0] // 2, picture.shape[1] // 2]
        await self.send(CameraSeen(height=picture.shape[0], width=picture.shape[1], red=int(middle[0])))

    def inference(self) -> Generator[Any, None, None]:
        self.log.append("begun")
        try:
            while True:
                if self.state.paused:
                    yield Idle
                    continue
                picture: Any = np.full((120, 160, 3), self.state.shade, np.uint8)
                sound: Any = np.zeros((1, 2400), np.int16)
                yield SecondOutput(main_video=picture, main_audio=sound)
        finally:
            self.log.append("closed")
