"""``/health`` of a whole runtime: what keeps it from doing its work shows."""

from pathlib import Path

import httpx
import pytest
from tests.reactor_runtime.runtime_support import MODELS, opened
from tests.reactor_runtime.waiting import poll
from tests.reactor_runtime.watching.event_reader import reading
from tests.reactor_runtime.watching.one_file_models import model_in

from reactor_protocol.messages import Command
from reactor_runtime.app import build_app
from reactor_runtime.config import Manifest, Settings
from reactor_runtime.recording.options import RecordingOptions
from reactor_runtime.recording.writer import Writer
from reactor_runtime.watching.watch import Clock

HEAD = """
import asyncio
from reactor_runtime import ModelMessage, ReactorModel, connected, event, session_started
class Welcome(ModelMessage):
    client: int
class Base(ReactorModel):
    @connected
    async def greet(self, client):
        await client.send(Welcome(client.id))
    async def run(self):
        await asyncio.Event().wait()
"""

RETURNS = """
import asyncio
from reactor_runtime import ReactorModel, session_started
class Model(ReactorModel):
    def __init__(self):
        self.over = asyncio.Event()
    @session_started
    def begin(self):
        self.over.set()
    async def run(self):
        await self.over.wait()
"""

GIVES_UP = (
    HEAD
    + """
class Model(Base):
    @event(name="give_up")
    async def give_up(self) -> None:
        raise asyncio.CancelledError
    @event(name="go_on")
    async def go_on(self) -> None: ...
"""
)

KILLS_ITS_LOOP = (
    HEAD
    + """
class Fatal(BaseException): ...
class Model(Base):
    @session_started
    async def begin(self) -> None:
        raise Fatal("no more")
"""
)

WAITS = (
    HEAD
    + """
class Model(Base):
    @event(name="wait")
    async def wait(self) -> None:
        await asyncio.Event().wait()
"""
)


async def _health(http: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    response = await http.get("/health")
    assert response.json().keys() == {"status", "state", "detail"}
    return response.status_code, response.json()


async def test_a_run_that_returned(tmp_path: Path) -> None:
    async with opened(model_in(tmp_path, "health_returns", RETURNS)) as house:
        await house.start()
        await house.until("terminated")
        assert await _health(house.http) == (
            503,
            {"status": "unhealthy", "state": "terminated", "detail": "the model stopped: run() returned"},
        )


async def test_a_handler_that_gives_up_does_not_end_the_command_loop(tmp_path: Path) -> None:
    async with opened(model_in(tmp_path, "health_gives_up", GIVES_UP)) as house:
        await house.start()
        visitor = house.visitor()
        visitor.tracks = []
        await visitor.connect()
        assert (await visitor.command("give_up")).error is not None
        assert (await visitor.command("go_on")).error is None
        assert await _health(house.http) == (200, {"status": "healthy", "state": "serving", "detail": ""})


async def test_a_command_loop_that_dies(tmp_path: Path) -> None:
    async with opened(model_in(tmp_path, "health_kills_its_loop", KILLS_ITS_LOOP)) as house:
        await house.http.post("/start_session")
        await house.until("terminated")
        assert await _health(house.http) == (
            503,
            {
                "status": "unhealthy",
                "state": "terminated",
                "detail": "the model stopped: ModelFailedError: its command loop has died",
            },
        )


async def test_a_model_that_does_not_answer(tmp_path: Path) -> None:
    now = 1000.0
    async with opened(model_in(tmp_path, "health_waits", WAITS)) as house:
        house.runtime.watch.clock = Clock(steady=lambda: now)
        await house.start()
        visitor = house.visitor()
        visitor.tracks = []
        await visitor.connect()
        assert (await _health(house.http))[1]["status"] == "healthy"
        visitor.say(Command("wait", {}, {}, "r1"))

        async def degraded() -> bool:
            nonlocal now
            now += 1
            return (await _health(house.http))[1]["status"] == "degraded"

        await poll(degraded, 20)
        assert await _health(house.http) == (
            200,
            {"status": "degraded", "state": "serving", "detail": "the model has not answered a command for 15 s"},
        )


async def test_a_recorder_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_writer: Writer, _item: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Writer, "write", full)
    manifest = Manifest(MODELS, "studio_model:Studio", "studio", None, RecordingOptions(enabled=True))
    async with opened(manifest, Settings(recordings_dir=tmp_path)) as house:
        await house.start()
        await house.welcome()

        async def degraded() -> bool:
            return (await _health(house.http))[1]["status"] == "degraded"

        await poll(degraded, 20)
        assert await _health(house.http) == (
            200,
            {
                "status": "degraded",
                "state": "serving",
                "detail": "the session is not recorded: No space left on device",
            },
        )
        await house.http.post("/stop_session")
        assert await _health(house.http) == (200, {"status": "healthy", "state": "available", "detail": ""})


async def test_a_model_that_is_loaded_again() -> None:
    async with opened() as house:
        await house.start()
        house.runtime.watch.model_lost("the model stopped: it was killed by SIGKILL")
        assert await _health(house.http) == (
            200,
            {
                "status": "degraded",
                "state": "serving",
                "detail": "the model is being loaded again: the model stopped: it was killed by SIGKILL",
            },
        )
        assert house.runtime.model is not None
        house.runtime.watch.model_restored(house.runtime.model, 1.5)
        assert await _health(house.http) == (200, {"status": "healthy", "state": "serving", "detail": ""})
        async with reading(build_app(house.runtime), "since=0") as reader:
            assert await reader.until("error") == {"message": "the model stopped: it was killed by SIGKILL"}
