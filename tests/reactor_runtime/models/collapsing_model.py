"""A model with a command of which only the last one counts."""

import asyncio

from reactor_runtime import Audio, Input, ModelMessage, Output, ReactorModel, UploadedFile, Video, connected, event
from reactor_runtime.fields import ClientInfo


class In(Input):
    webcam: Video
    voice: Audio


class Out(Output):
    main: Video


class Welcome(ModelMessage):
    client: int


class Ran(ModelMessage):
    """What handlers were called with, in their order."""

    calls: list[str]


class Collapsing(ReactorModel):
    """Remembers its calls."""

    media: In

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def run(self) -> None:
        await asyncio.Event().wait()

    @connected
    async def greet(self, client: ClientInfo) -> None:
        await client.send(Welcome(client.id))

    @event(name="hold")
    def hold(self, file: UploadedFile) -> Ran:
        return self._ran(f"hold {file.size}")

    @event(name="encode", dedupe=True)
    def encode(self, number: int) -> Ran:
        return self._ran(f"encode {number}")

    @event(name="count")
    def count(self, number: int) -> Ran:
        return self._ran(f"count {number}")

    def _ran(self, call: str) -> Ran:
        self.calls.append(call)
        return Ran(list(self.calls))
