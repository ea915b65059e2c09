"""Every line that is logged while a session runs says which: of whatever thread, library or model, in both formats."""

import json
import logging
import threading
from pathlib import Path

import pytest
from tests.reactor_runtime.runtime_support import opened
from tests.reactor_runtime.watching.log_lines import logging_as
from tests.reactor_runtime.watching.one_file_models import model_in

from reactor_runtime.config import ModelSettings, Settings
from reactor_runtime.logs import get_logger, set_session

SESSION = "0b9bd6a2-7a4c-4c53-9c93-bd2f6b5f2d54"

TALKS = """
import asyncio, logging
from reactor_runtime import ReactorModel, get_logger, session_started
class Model(ReactorModel):
    async def run(self):
        await asyncio.Event().wait()
    @session_started
    def begin(self):
        get_logger("sky").info("clouds", count=3)
        logging.getLogger("some.library").warning("thin air")
"""


def _say(text: str) -> None:
    logging.getLogger("some.library").info(text)


def _from_a_thread(text: str) -> None:
    thread = threading.Thread(target=_say, args=(text,))
    thread.start()
    thread.join()


@pytest.mark.parametrize("style", ["text", "json"])
def test_lines_carry_the_session_while_there_is_one(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as(style):
        _say("before")
        set_session(SESSION)
        _say("within")
        _from_a_thread("beside")
        get_logger("sky").info("authored", level=3)
        set_session(None)
        _say("after")
    before, within, beside, authored, after = capsys.readouterr().err.splitlines()
    for line in (within, beside, authored):
        assert SESSION in line
    for line in (before, after):
        assert "session" not in line
    if style == "json":
        assert json.loads(within)["session_id"] == SESSION
        assert json.loads(authored)["level"] == "info"
        assert "session_id" not in json.loads(after)
    else:
        assert f"session_id={SESSION}" in within


def test_a_field_of_the_author_does_not_hide_the_session(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as("json"):
        set_session(SESSION)
        get_logger("sky").info("said", session_id="another")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["session_id"] == SESSION


@pytest.mark.parametrize("style", ["text", "json"])
async def test_a_whole_session(style: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as(style):
        async with opened(model_in(tmp_path, f"talks_{style}", TALKS)) as house:
            await house.start()
            session_id = house.runtime.table.session_id
            await house.http.post("/stop_session")
            assert session_id is not None
    lines = capsys.readouterr().err.splitlines()
    begun = next(number for number, line in enumerate(lines) if "clouds" in line)
    ended = next(number for number, line in enumerate(lines) if "ends: " in line)
    assert "thin air" in lines[begun + 1]
    assert lines[begun : ended + 1]
    for line in lines[begun : ended + 1]:
        assert line.count(session_id) == 1, line
    (begins,) = [line for line in lines[:begun] if session_id in line]
    assert ("the session begins" in begins, begins.count(session_id)) == (True, 1)
    assert not any("session_id" in line for line in lines[ended + 1 :])


@pytest.mark.network
@pytest.mark.parametrize("style", ["text", "json"])
async def test_a_model_in_a_process_of_its_own(style: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = Settings(log_level="INFO", log_format=style, model=ModelSettings(isolate=True))
    async with opened(model_in(tmp_path, f"talks_apart_{style}", TALKS), settings) as house:
        await house.start()
        session_id = house.runtime.table.session_id
        await house.http.post("/stop_session")
        assert session_id is not None
    lines = capfd.readouterr().err.splitlines()
    (clouds,) = [line for line in lines if "clouds" in line]
    (air,) = [line for line in lines if "thin air" in line]
    for line in (clouds, air):
        assert session_id in line
    assert "count" in clouds
