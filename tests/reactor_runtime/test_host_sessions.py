"""The host: sessions and hooks, frames in and out."""

import asyncio
import time

import numpy as np
from tests.reactor_runtime.host_support import PICTURE, IdleModel, Out, Rig, hosted

from reactor_rtc.frames import VideoFrame
from reactor_runtime import (
    Input,
    ModelMessage,
    UploadedFile,
    Video,
    connected,
    disconnected,
    event,
    file_uploaded,
    session_ended,
    session_started,
)
from reactor_runtime.fields import ClientInfo


class Note(ModelMessage):
    text: str


class Hooked(IdleModel):
    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    @session_started
    async def begun(self) -> None:
        self.log.append(f"session_started {self.connected.is_set()}")

    @connected
    def hello(self, client: ClientInfo) -> None:
        self.log.append(f"connected {client.id} {self.connected.is_set()}")

    @disconnected
    async def goodbye(self) -> None:
        self.log.append(f"disconnected {self.connected.is_set()}")

    @session_ended
    def over(self) -> None:
        self.log.append(f"session_ended {self.connected.is_set()}")

    @file_uploaded
    def got(self, uploaded_file: UploadedFile, client: ClientInfo) -> None:
        self.log.append(f"file {uploaded_file.name} {client.id}")

    @event(name="log")
    def tell(self) -> Note:
        return Note(" | ".join(self.log))


async def log_of(rig: Rig) -> list[str]:
    reply = (await rig.send("log")).reply
    assert reply is not None
    return str(reply.data["text"]).split(" | ")


async def test_hooks_run_in_order_and_the_end_of_a_session_disconnects_nobody() -> None:
    async with hosted(Hooked) as rig:
        rig.host.begin_session()
        await rig.host.run_hook("session_started")
        await rig.host.client_joined(ClientInfo(1, 0.0))
        await rig.host.client_joined(ClientInfo(2, 0.0))
        await rig.host.run_hook("file_uploaded", uploaded_file=UploadedFile("a.png", "", b""), client=ClientInfo(2, 0.0))
        await rig.host.client_left(ClientInfo(1, 0.0))
        await rig.host.end_session()
        await rig.host.run_hook("session_ended")
        assert await log_of(rig) == [
            "session_started False",
            "connected 1 True",
            "connected 2 True",
            "file a.png 2",
            "disconnected True",
            "session_ended False",
        ]


async def test_nobody_is_connected_once_the_last_has_left() -> None:
    async with hosted(Hooked) as rig:
        await rig.host.client_joined(ClientInfo(1, 0.0))
        await rig.host.client_left(ClientInfo(1, 0.0))
        assert await log_of(rig) == ["connected 1 True", "disconnected False"]


async def test_a_hook_that_raises_harms_nobody() -> None:
    class Model(Hooked):
        @connected
        def hello(self, client: ClientInfo) -> None:
            raise RuntimeError("boom")

    async with hosted(Model) as rig:
        await rig.host.client_joined(ClientInfo(1, 0.0))
        await rig.host.client_left(ClientInfo(1, 0.0))
        assert await log_of(rig) == ["disconnected False"]


# ------------------------------------------------------------------------------------------------ frames and input


async def test_frames_of_a_fast_model_are_handed_over_one_at_a_time_at_its_rate() -> None:
    class Model(IdleModel):
        fps = 100.0

        async def run(self) -> None:
            while True:
                await self.emit(Out(main_video=PICTURE))

    async with hosted(Model) as rig:
        await rig.events.changes.until(lambda: len(rig.events.frames) >= 22)
        plans = [plan for _, plan in rig.events.frames]
        assert all(len(bundles) == 1 for bundles, _ in rig.events.frames)
        assert all(plan.start <= time.monotonic() for plan in plans)
        assert plans[21].start - plans[1].start >= 0.18


async def test_outputs_that_come_too_early_are_dropped_on_request() -> None:
    class Model(IdleModel):
        fps = 1.0

        async def run(self) -> None:
            for _ in range(50):
                await self.emit(Out(main_video=PICTURE), drop=True)
            await self.send(Note("done"))
            await asyncio.Event().wait()

    async with hosted(Model) as rig:
        await rig.events.changes.until(lambda: rig.events.messages)
        assert len(rig.events.frames) == 1


async def test_a_wrong_array_stops_a_model_that_does_not_catch_it() -> None:
    class Model(IdleModel):
        async def run(self) -> None:
            await self.emit(Out(main_video=np.zeros((4, 4), np.uint8)))

    async with hosted(Model) as rig:
        assert "track 'main_video': a video frame is (height, width, 3) uint8 RGB" in str(await rig.until_failed())


async def test_a_flush_releases_a_model_that_waits_for_its_batch_to_play() -> None:
    class Model(IdleModel):
        fps = 1.0

        async def run(self) -> None:
            await self.emit(Out(main_video=np.stack([PICTURE] * 60)))
            await self.send(Note("released"))
            await asyncio.Event().wait()

        @event(name="flush")
        def flush(self) -> None:
            self.output.flush()

    async with hosted(Model) as rig:
        await rig.events.changes.until(lambda: rig.events.frames)
        await rig.send("flush")
        await rig.events.changes.until(lambda: rig.events.messages)
        assert rig.events.flushes == 1


async def test_media_of_clients_is_read_by_the_model_and_a_new_session_begins_without_it() -> None:
    class Cameras(Input):
        camera: Video

    class Model(Hooked):
        inputs: Cameras

        @event(name="look")
        def look(self) -> Note:
            frames = self.inputs.camera.try_read()
            return Note(str(frames and frames[0].pts))

    Model.__annotations__["inputs"] = Cameras

    async def look(rig: Rig) -> str:
        reply = (await rig.send("look")).reply
        assert reply is not None
        return str(reply.data["text"])

    async with hosted(Model) as rig:
        picture = VideoFrame(np.zeros(6, np.uint8), 2, 2, 42)
        rig.host.push("camera", picture)
        rig.host.push("bogus", picture)
        assert await look(rig) == "42"
        rig.host.push("camera", picture)
        rig.host.begin_session()
        assert await look(rig) == "None"
