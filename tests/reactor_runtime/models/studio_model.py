"""The model of the HTTP and network tests: a flat picture whose level tells the session, commands, files and a camera."""

import asyncio

import numpy as np

from reactor_runtime import (
    Audio,
    CommandError,
    Input,
    InputField,
    ModelMessage,
    Output,
    ReactorModel,
    UploadedFile,
    Video,
    connected,
    disconnected,
    event,
    file_uploaded,
    session_started,
)
from reactor_runtime.fields import ClientInfo

WIDTH, HEIGHT = 64, 48


class StudioIn(Input):
    webcam: Video
    voice: Audio


class StudioOut(Output):
    main: Video


class Welcome(ModelMessage):
    client: int


class LevelSet(ModelMessage):
    level: int


class FileSeen(ModelMessage):
    file: str
    size: int


class CameraSeen(ModelMessage):
    frames: int
    level: int


class Journal(ModelMessage):
    entries: list[str]


class Studio(ReactorModel):
    """Shows a flat picture."""

    fps = 30.0
    inputs: StudioIn

    def __init__(self) -> None:
        super().__init__()
        self.level = 0
        self.sessions = 0
        self.still = False
        self.entries: list[str] = []

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            if self.still:
                await asyncio.sleep(0.005)
            else:
                await self.emit(StudioOut(main=np.full((HEIGHT, WIDTH, 3), self.level, np.uint8)))

    @session_started
    def begin(self) -> None:
        self.sessions += 1
        self.level = 60 * self.sessions % 240
        self.still = False
        self.entries = []

    @connected
    async def greet(self, client: ClientInfo) -> None:
        self.entries.append(f"connected {client.id}")
        await client.send(Welcome(client.id))

    @disconnected
    def leave(self, client: ClientInfo) -> None:
        self.entries.append(f"disconnected {client.id}")

    @file_uploaded
    async def got(self, uploaded_file: UploadedFile) -> None:
        await self.send(FileSeen(f"hook {uploaded_file.name}", uploaded_file.size))

    @event(name="set_level", description="Sets the level of the picture.")
    async def set_level(self, level: int = InputField(ge=0, le=255)) -> LevelSet:
        self.level = level
        return LevelSet(level)

    @event(name="see_file")
    async def see_file(self, file: UploadedFile) -> FileSeen:
        return FileSeen(file.name, file.size)

    @event(name="see_camera")
    async def see_camera(self) -> CameraSeen:
        frames = self.inputs.webcam.try_read()
        total = self.inputs.webcam.total_received
        return CameraSeen(total, int(frames[-1].data.mean()) if frames else -1)

    @event(name="journal")
    async def journal(self) -> Journal:
        return Journal(self.entries)

    @event(name="stand_still")
    async def stand_still(self) -> None:
        self.still = True

    @event(name="refuse")
    async def refuse(self) -> None:
        raise CommandError("not_now", "Ask me later.")
