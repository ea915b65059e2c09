"""A crash of the model, as clients see it: they are told, stay connected, and see the session go on."""

import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.reactor_runtime.recording.studio import levels
from tests.reactor_runtime.runtime_support import House, opened
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import RuntimeMessage
from reactor_runtime.config import ModelSettings, Settings, read_manifest
from reactor_runtime.isolation.host import IsolatedHost
from reactor_runtime.recording.options import RecordingOptions

FRAGILE = read_manifest(Path(__file__).parent / "models/fragile")
TRACKS = [("main_video", "video", "recvonly"), ("webcam", "video", "sendonly")]


def settings(**model: Any) -> Settings:
    return Settings(model=ModelSettings(isolate=True, **model))


def pid(house: House) -> int:
    assert isinstance(house.runtime._host, IsolatedHost)
    assert house.runtime._host.pid is not None
    return house.runtime._host.pid


async def welcome(house: House) -> Visitor:
    visitor = house.visitor()
    visitor.tracks = TRACKS
    await visitor.connect()
    return visitor


def notices(visitor: Visitor, kind: str) -> list[dict[str, Any]]:
    return [message.data for message in visitor.received if isinstance(message, RuntimeMessage) and message.type == kind]


async def test_clients_are_told_of_a_crash_and_stay_while_the_model_comes_back() -> None:
    async with opened(FRAGILE, settings(), wait_for="ready") as house:
        await house.start()
        visitors = [await welcome(house), await welcome(house)]
        await visitors[0].command("set_level", level=70)
        os.kill(pid(house), signal.SIGKILL)
        for visitor in visitors:
            visitor.resume("main_video")
            await visitor.changes.until(lambda: notices(visitor, "modelRestarted"), 40)  # noqa: B023 - awaited here
            (error,) = notices(visitor, "error")
            assert error == {
                "code": "MODEL_CRASHED",
                "message": "the model stopped: its process was ended by SIGKILL (out of memory?)",
                "recoverable": True,
                "component": "gpu",
            }
            assert visitor.closed == set()
            await visitor.picture(70, "main_video")
        facts = await visitors[1].ask("facts")
        assert sorted(facts["log"]) == sorted(
            ["load", "session_started", f"connected {visitors[0].id}", f"connected {visitors[1].id}"]
        )
        assert (await house.http.get("/session")).json()["state"] == "streaming"


async def test_a_recording_goes_on_over_a_crash_of_its_model() -> None:
    async with opened(replace(FRAGILE, recording=RecordingOptions(enabled=True)), settings()) as house:
        await house.start()
        visitor = await welcome(house)
        session_id = house.runtime.table.session_id or ""
        recording = house.runtime.recordings.find(session_id)
        assert recording is not None

        async def longer_than(seconds: float) -> None:
            async def is_longer() -> bool:
                return recording is not None and recording.now >= seconds

            await poll(is_longer, 40)

        await visitor.command("set_level", level=70)
        await longer_than(0.5)
        os.kill(pid(house), signal.SIGKILL)
        await visitor.changes.until(lambda: notices(visitor, "modelRestarted"), 40)
        await visitor.command("set_level", level=200)
        await longer_than(recording.now + 1.0)
        await house.http.post("/stop_session")
        playlist = await house.http.get(f"/clips?session_id={session_id}&start=0&end=3600")
        assert playlist.status_code == 200
        assert ":FINAL=YES," in playlist.text
        init = re.findall(r'URI="([^"]+)"', playlist.text)[0]
        parts = [init, *(line for line in playlist.text.splitlines() if line.startswith("/"))]
        film = b"".join([(await house.http.get(part)).content for part in parts])
        seen = [level for _, level in levels(film)]
        assert seen[0] in (pytest.approx(7, abs=4), pytest.approx(70, abs=4))
        assert seen[-1] == pytest.approx(200, abs=4)
        assert any(level == pytest.approx(70, abs=4) for level in seen)


async def test_a_runtime_whose_model_is_away_takes_no_session_until_it_is_back() -> None:
    async with opened(FRAGILE, settings(), wait_for="ready") as house:
        os.kill(pid(house), signal.SIGKILL)
        await house.until("created")
        refused = await house.http.post("/start_session", json={})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        await house.until("ready")
        await house.start()


async def test_a_model_that_crashes_too_often_ends_the_session_with_the_reason() -> None:
    async with opened(FRAGILE, settings(crash_limit=1), wait_for="ready") as house:
        await house.start()
        visitor = await welcome(house)
        os.kill(pid(house), signal.SIGSEGV)
        reason = "the model stopped: its process was ended by SIGSEGV (a fault in native code: its traceback is in the log)"
        assert await visitor.until_ended() == f"Session ended: {reason}"
        assert notices(visitor, "error") == []
        health = await house.http.get("/health")
        assert health.status_code == 503
        assert reason in health.text


@pytest.mark.parametrize("deadline", ["step", "handler"])
async def test_a_model_that_hangs_is_treated_as_one_that_crashes(deadline: str) -> None:
    how = {"step": "block", "handler": "wait"}[deadline]
    async with opened(FRAGILE, settings(**{f"{deadline}_deadline": 1.0}), wait_for="ready") as house:
        await house.start()
        visitor = await welcome(house)
        result = await visitor.command("fail", how=how)
        assert result.error is not None
        assert result.error.code == "model_failed"
        await visitor.changes.until(lambda: notices(visitor, "modelRestarted"), 40)
        assert "took more than 1 s" in notices(visitor, "error")[0]["message"]
