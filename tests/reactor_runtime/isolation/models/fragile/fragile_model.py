"""A model that can be made to fail in every way; its picture is of the level that clients have set."""

import asyncio
import ctypes
import os
import time
from pathlib import Path

import numpy as np

from reactor_runtime import (
    ClientInfo,
    InputField,
    InputState,
    MediaInput,
    ModelMessage,
    Output,
    ReactorApp,
    UploadedFile,
    Video,
    connected,
    event,
    file_uploaded,
    session_ended,
    session_started,
)


class Out(Output):
    main_video: Video


class In(MediaInput):
    webcam: Video


class State(InputState):
    level: int = InputField(default=7, ge=0, le=255)
    names: list[str] | None = None
    image: UploadedFile


class Facts(ModelMessage):
    pid: int
    log: list[str]
    image: int


class Welcome(ModelMessage):
    what: str


class Noticed(ModelMessage):
    what: str


class Fragile(ReactorApp):
    """Shows its level; fails on command."""

    state: State
    media: In
    fps = 30.0

    def load(self, config_path: Path | None) -> None:
        self.log = ["load"]
        if os.environ.get("FRAGILE_LOAD") == "raise":
            raise ValueError("no weights")
        if os.environ.get("FRAGILE_LOAD") == "exit":
            os._exit(5)

    @session_started
    async def began(self) -> None:
        self.log.append("session_started")

    @session_ended
    async def over(self) -> None:
        self.log.append("session_ended")

    @connected
    async def joined(self, client: ClientInfo) -> None:
        self.log.append(f"connected {client.id}")
        await client.send(Welcome(f"hello {client.id}"))

    @file_uploaded
    async def uploaded(self, uploaded_file: UploadedFile) -> None:
        await self.send(Noticed(f"{uploaded_file.name}: {uploaded_file.size}"))

    @event(name="facts")
    async def facts(self) -> Facts:
        image = self.state.image if self.state is not None else None
        return Facts(os.getpid(), self.log, image.size if image is not None else -1)

    @event(name="seen")
    async def seen(self) -> Noticed:
        frames = await self.media.webcam.read(1, timeout=10)
        return Noticed(f"{frames[0].data.shape} {frames[0].data[0, 0].tolist()}")

    @event(name="fail")
    async def fail(self, how: str) -> None:
        match how:
            case "raise":
                self.failing = True
            case "exit":
                os._exit(3)
            case "segfault":
                ctypes.string_at(0)
            case "block":
                time.sleep(60)  # noqa: ASYNC251 - what an author should not do
            case "wait":
                await asyncio.sleep(60)

    failing = False

    def generate(self, input: State) -> Out:
        if self.failing:
            raise RuntimeError("boom")
        return Out(main_video=np.full((36, 64, 3), input.level, np.uint8))
