"""A model in a process of its own: it works as it does inline, and its crash harms nobody else."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.reactor_runtime.waiting import Changes

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ApplicationMessage, JsonObject
from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.config import Manifest, ModelSettings, Settings, read_manifest
from reactor_runtime.description import ModelDescription
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo
from reactor_runtime.isolation.host import IsolatedHost
from reactor_runtime.pacer import Plan
from reactor_runtime.sending import Told
from reactor_runtime.step_gate import StepReport
from reactor_runtime.stored import StoredFile

FRAGILE = Path(__file__).parent / "models/fragile"
DEADLINE_S = 40.0


class Owner:
    """Hears what a host tells."""

    def __init__(self) -> None:
        self.frames = 0
        self.newest: Bundle = {}
        self.messages: list[tuple[ApplicationMessage, int | None]] = []
        self.lost: list[str] = []
        self.restored: list[str] = []
        self.stopped: list[str] = []
        self.changes = Changes()

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        self.frames += len(bundles)
        self.newest = bundles[-1]
        self.changes.announce()

    def frames_flushed(self) -> None:
        self.changes.announce()

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        self.messages.append((message, client))
        self.changes.announce()

    def sound_missed(self, track: str, samples: int) -> None: ...

    def step_completed(self, report: StepReport) -> None:
        self.changes.announce()

    def model_lost(self, error: ModelFailedError) -> None:
        self.lost.append(str(error))
        self.changes.announce()

    def model_restored(self, description: ModelDescription, load_s: float) -> None:
        assert load_s > 0
        self.restored.append(description.name)
        self.changes.announce()

    def model_stopped(self, error: ModelFailedError) -> None:
        self.stopped.append(str(error))
        self.changes.announce()

    def level(self) -> int:
        """What the newest picture shows."""
        picture = self.newest["main_video"]
        assert isinstance(picture, VideoFrame)
        return int(picture.to_rgb()[0, 0, 0])


class House:
    """A host, its owner, and one client that has joined."""

    def __init__(self, manifest: Manifest, model: ModelSettings) -> None:
        self.owner = Owner()
        self.host = IsolatedHost(manifest, Settings(model=model), self.owner)
        self.client = ClientInfo(1002, time.monotonic())

    async def begin(self) -> None:
        await self.host.begin_session("the session")
        await self.host.client_joined(self.client)

    async def send(self, name: str, files: dict[str, StoredFile] | None = None, **data: Any) -> JsonObject | None:
        """A command's reply; a refusal is raised as an AssertionError."""
        outcome = await self.host.dispatch(name, data, files or {}, {}, self.client)
        assert outcome.error is None, outcome.error
        return outcome.reply.data if outcome.reply is not None else None

    async def fail(self, how: str) -> str | None:
        """The refusal's code of a command that is the model's end."""
        outcome = await self.host.dispatch("fail", {"how": how}, {}, {}, self.client)
        return outcome.error.code if outcome.error is not None else None

    async def until(self, condition: Any) -> None:
        await self.owner.changes.until(condition, DEADLINE_S)


@contextlib.asynccontextmanager
async def housed(folder: Path = FRAGILE, **model: Any) -> AsyncIterator[House]:
    settings = ModelSettings(isolate=True, **{"step_deadline": 0.0, "handler_deadline": 0.0, **model})
    house = House(read_manifest(folder), settings)
    try:
        yield house
    finally:
        await house.host.close()


async def test_a_model_works_as_it_does_inline(tmp_path: Path) -> None:
    async with housed() as house:
        description = await house.host.load()
        assert (description.name, description.fps, description.hooks) == (
            "fragile",
            30.0,
            frozenset({"session_started", "session_ended", "connected", "file_uploaded"}),
        )
        assert [(track.name, track.kind, track.flow) for track in description.tracks] == [
            ("webcam", "video", "in"),
            ("main_video", "video", "out"),
        ]
        assert set(description.commands) == {"fail", "facts", "seen", "set_level", "set_names", "set_image"}
        await house.begin()
        assert house.owner.messages == [(ApplicationMessage("welcome", {"what": "hello 1002"}), 1002)]
        await house.send("set_level", level=33)
        await house.until(lambda: house.owner.frames and house.owner.level() == 33)
        refused = await house.host.dispatch("set_level", {"level": 256}, {}, {}, house.client)
        assert refused.error is not None
        assert (refused.error.code, refused.error.message) == ("invalid_command", "level: 256 > le(255)")
        facts = await house.send("facts")
        assert facts is not None
        assert facts["pid"] == house.host.pid != os.getpid()
        assert facts["log"] == ["load", "session_started", "connected 1002"]

        file = tmp_path / "upload"
        file.write_bytes(b"12345")
        stored = StoredFile("a.png", "image/png", file)
        await house.send("set_image", {"image": stored})
        assert (await house.send("facts") or {})["image"] == 5
        await house.host.file_uploaded(stored, house.client)
        assert house.owner.messages[-1] == (ApplicationMessage("noticed", {"what": "a.png: 5"}), None)

        seen = asyncio.ensure_future(house.send("seen"))
        house.host.push("main_audio", AudioBlock(np.zeros((1, 480), np.int16)))
        while not seen.done():
            house.host.push("webcam", VideoFrame.from_rgb(np.full((90, 160, 3), 200, np.uint8)))
            await asyncio.wait({seen}, timeout=0.05)
        assert seen.result() == {"what": "(90, 160, 3) [200, 200, 200]"}

        await house.host.end_session()
        assert (await house.send("facts") or {})["log"][-1] == "session_ended"


@pytest.mark.parametrize(
    ("how", "code", "why"),
    [
        ("exit", "model_failed", "the model stopped: its process ended by itself with exit code 3"),
        ("segfault", "model_failed", "the model stopped: its process was ended by SIGSEGV (a fault in native code"),
        ("block", "model_failed", "the model stopped: a step or a handler took more than 1 s"),
        ("wait", "model_failed", "the model stopped: TimeoutError: a handler took more than 1.5 s"),
        ("raise", None, "the model stopped: RuntimeError: boom"),
    ],
)
async def test_after_a_crash_the_session_goes_on_with_what_clients_had_set(how: str, code: str | None, why: str) -> None:
    async with housed(step_deadline=1.0, handler_deadline=1.5) as house:
        await house.host.load()
        await house.begin()
        await house.send("set_level", level=44)
        await house.send("set_names", names=["a", "b"])
        await house.until(lambda: house.owner.frames)
        first, before = house.host.pid, house.owner.frames
        assert await house.fail(how) == code
        await house.until(lambda: house.owner.restored)
        assert house.owner.lost[0].startswith(why), house.owner.lost
        assert house.host.pid != first
        shown = house.owner.frames
        await house.until(lambda: house.owner.frames > shown + 2)
        assert house.owner.level() == 44
        facts = await house.send("facts")
        assert facts is not None
        assert facts["log"] == ["load", "session_started", "connected 1002"]
        outcome = await house.host.dispatch("set_level", {"level": 45}, {}, {}, house.client)
        assert outcome.frame is not None
        assert outcome.frame >= before
        assert house.owner.stopped == []


async def test_who_comes_and_goes_while_the_model_is_away_is_known_to_it_when_it_is_back() -> None:
    async with housed() as house:
        await house.host.load()
        await house.begin()
        assert house.host.pid is not None
        os.kill(house.host.pid, signal.SIGKILL)
        await house.until(lambda: house.owner.lost)
        assert house.owner.lost == ["the model stopped: its process was ended by SIGKILL (out of memory?)"]
        assert not house.host.up
        refused = await house.host.dispatch("facts", {}, {}, {}, house.client)
        assert refused.error is not None
        assert refused.error.code == "model_restarting"
        house.host.push("webcam", VideoFrame.from_rgb(np.zeros((90, 160, 3), np.uint8)))
        await house.host.client_left(house.client)
        house.client = ClientInfo(1003, time.monotonic())
        await house.host.client_joined(house.client)
        await house.until(lambda: house.owner.restored)
        assert (await house.send("facts") or {})["log"] == ["load", "session_started", "connected 1003"]


async def test_a_session_that_ends_while_the_model_is_away_is_not_taken_up() -> None:
    async with housed() as house:
        await house.host.load()
        await house.begin()
        await house.send("set_level", level=99)
        await house.fail("exit")
        await house.host.end_session()
        await house.until(lambda: house.owner.restored)
        await house.begin()
        assert (await house.send("facts") or {})["log"] == ["load", "session_started", "connected 1002"]
        shown = house.owner.frames
        await house.until(lambda: house.owner.frames > shown + 1)
        assert house.owner.level() == 7


async def test_too_many_crashes_in_a_row_are_the_end() -> None:
    async with housed(crash_limit=2) as house:
        await house.host.load()
        await house.begin()
        await house.fail("exit")
        await house.until(lambda: house.owner.restored)
        await house.fail("exit")
        await house.until(lambda: house.owner.stopped)
        assert len(house.owner.lost) == 1
        assert house.owner.stopped == ["the model stopped: its process ended by itself with exit code 3 (2 times in a row)"]
        assert not house.host.up


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("raise", "the model failed to load: ValueError: no weights"),
        ("exit", "the model stopped: its process ended by itself with exit code 5"),
    ],
)
async def test_a_model_that_does_not_load_says_why(how: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAGILE_LOAD", how)
    async with housed() as house:
        with pytest.raises(ModelFailedError) as caught:
            await house.host.load()
        assert str(caught.value) == why
        assert (house.owner.lost, house.owner.stopped) == ([], [])


async def test_a_reload_takes_the_new_sources_and_keeps_the_session(tmp_path: Path) -> None:
    for name in ("reactor.yaml", "fragile_model.py"):
        (tmp_path / name).write_text((FRAGILE / name).read_text())
    source = tmp_path / "fragile_model.py"
    async with housed(tmp_path) as house:
        await house.host.load()
        await house.begin()
        await house.send("set_level", level=50)
        source.write_text("this is no Python")
        await house.host.reload()
        assert house.owner.lost[0].startswith("the model failed to load: fragile_model in ")
        text = (FRAGILE / "fragile_model.py").read_text()
        source.write_text(text.replace("input.level, np.uint8", "input.level + 100, np.uint8"))
        await house.host.reload()
        assert house.owner.restored == ["fragile"]
        shown = house.owner.frames
        await house.until(lambda: house.owner.frames > shown + 1)
        assert house.owner.level() == 150


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="asks /proc")
async def test_the_secret_of_a_worker_is_not_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_WORKER_SECRET", "hunter2-of-the-worker")
    async with housed() as house:
        await house.host.load()
        environment = Path(f"/proc/{house.host.pid}/environ").read_bytes()
        assert b"PATH=" in environment
        assert b"hunter2" not in environment


async def test_nothing_is_left_when_it_is_closed() -> None:
    async with housed() as house:
        await house.host.load()
        pid = house.host.pid
        assert pid is not None
        began = time.monotonic()
        await house.host.close()
        assert time.monotonic() - began < 10
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert (house.owner.lost, house.owner.stopped) == ([], [])


NAMESAKE = """
from reactor_runtime import ModelMessage, ReactorModel, connected, event

class Facts(ModelMessage):
    greeted: int

class Namesake(ReactorModel):
    greeted = 0

    def state(self):
        return "not what others call so"

    @connected
    async def greet(self):
        self.greeted += 1

    @event(name="facts")
    async def facts(self) -> Facts:
        return Facts(self.greeted)

    async def run(self):
        import asyncio
        await asyncio.Event().wait()
"""


async def test_a_model_may_use_the_name_of_the_state_for_something_else(tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text("runtime: {import: 'namesake_model:Namesake'}\n")
    (tmp_path / "namesake_model.py").write_text(NAMESAKE)
    async with housed(tmp_path) as house, asyncio.timeout(DEADLINE_S):
        await house.host.load()
        await house.begin()
        assert await house.send("facts") == {"greeted": 1}
