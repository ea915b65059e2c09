"""`reactor client` as a process, against a model that `reactor init` has made and `reactor run` serves."""

import asyncio
import contextlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.reactor_runtime.child import running, served

from reactor_cli.client import pairs, parsed
from reactor_cli.new_project import project_files
from reactor_cli.pictures import writer
from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.frames import RgbArray
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

RECORDED = "\n  recording:\n    enabled: true\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("[1]", [1]), ("null", None), ("dusk", "dusk"), ("[", "["), ("", "")],
)
def test_a_value_is_what_it_looks_like(text: str, value: object) -> None:
    assert parsed(text) == value


def test_a_pair_has_a_name() -> None:
    assert pairs(["a=1", "b=c=d", "e="]) == [("a", "1"), ("b", "c=d"), ("e", "")]
    for text in ("a", "=1", ""):
        with pytest.raises(InvalidArgumentError, match="give NAME=VALUE"):
            pairs([text])


def decoded(file: Path) -> RgbArray:
    with av.open(str(file)) as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


@pytest.mark.parametrize("name", ["sky.png", "deep/sky.jpg"])
def test_a_picture_is_written_as_what_it_is_called(name: str, tmp_path: Path) -> None:
    picture = np.full((48, 64, 3), (200, 120, 40), np.uint8)
    writer(tmp_path / name)(picture)
    assert abs(decoded(tmp_path / name).astype(int) - picture).max() < 6


async def reactor(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REACTOR_")}
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("reactor")),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, "COLUMNS": "200", "NO_COLOR": "1", **environ},
    )
    try:
        async with asyncio.timeout(60):
            output, problems = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return process.returncode or 0, output.decode(), problems.decode()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program notes what it has left open."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def orange(file: Path) -> int:
    """How many pixels of the disc a picture shows: 70,700 of one of 150 pixels, 5,000 of one of 40."""
    return int((abs(decoded(file).astype(int) - (255, 176, 59)) < 40).all(axis=2).sum())


@pytest.mark.network
async def test_commands_go_on_with_the_session_that_send_has_left_open(tmp_path: Path, state: Path) -> None:
    for name, text in project_files("sky").items():
        (tmp_path / name).write_text(text)
    now = str(tmp_path / "now.png")
    async with running(tmp_path) as child, served(child) as http:

        async def session() -> Any:
            return (await http.get("/session")).json()

        where = ("--url", str(http.base_url).rstrip("/"))
        code, output, problems = await reactor("client", "send", "set_radius", "radius=150", *where)
        begun = (await session())["session_id"]
        assert (code, output) == (0, "set_radius was accepted\n")
        assert problems == (
            f"session {begun[:8]} stays for a minute: the next `reactor client` goes on with it, `reactor client end` ends it\n"
        )
        assert [file.stat().st_mode & 0o777 for file in state.rglob("*.json")] == [0o600]
        code, _, problems = await reactor("client", "picture", now, *where)
        assert (code, problems) == (0, f"goes on with session {begun[:8]}\n")
        # On a busy machine the first picture is a coarse one.
        assert 30_000 < orange(tmp_path / "now.png") < 71_500
        code, output, problems = await reactor("client", "send", "set_radius", "radius=40", "--new", *where)
        assert (code, problems.startswith(f"session {begun[:8]}")) == (0, False)
        anew = (await session())["session_id"]
        assert anew != begun
        assert await reactor("client", "end", *where) == (0, f"session {anew[:8]} is ended\n", "")
        assert (await session())["state"] == "ready"
        assert await reactor("client", "end", *where) == (0, "no session was left open\n", "")
        assert list(state.rglob("*.json")) == []
        await reactor("client", "send", "set_radius", "radius=150", *where)
        left = (await session())["session_id"]
        await http.post("/stop_session")
        code, _, problems = await reactor("client", "picture", now, *where)
        assert (code, problems) == (0, f"session {left[:8]}, which was left open, is over\n")


@pytest.mark.network
async def test_a_session_of_a_coordinator_is_gone_on_with(state: Path) -> None:
    async with FakeCoordinator() as fake:
        where = {"REACTOR_API_URL": fake.url, "REACTOR_API_KEY": API_KEY}
        code, output, problems = await reactor("client", "send", "silent", "--model", "echo", **where)
        assert (code, output, " stays for a minute" in problems) == (0, "silent was accepted\n", True)
        code, output, problems = await reactor("client", "send", "echo", "n=1", "--model", "echo", **where)
        assert (code, json.loads(output)) == (0, {"type": "echo", "data": {"n": 1}})
        assert problems.startswith("goes on with session ")
        assert API_KEY not in "".join(file.read_text() for file in state.rglob("*.json"))
        assert (len(fake.requested("POST /sessions")), len(fake.requested("DELETE /sessions/{id}"))) == (1, 0)
        code, output, problems = await reactor("client", "end", "--model", "echo", **where)
        assert (code, output.endswith(" is ended\n"), problems) == (0, True, "")


@pytest.mark.network
async def test_a_session_of_somebody_else_is_not_ended(tmp_path: Path) -> None:
    for name, text in project_files("sky").items():
        (tmp_path / name).write_text(text)
    async with running(tmp_path) as child, served(child) as http:
        await http.post("/start_session", json={})
        where = ("--url", str(http.base_url))
        assert await reactor("client", "send", "set_radius", "radius=150", *where) == (0, "set_radius was accepted\n", "")
        assert await reactor("client", "end", *where) == (0, "no session was left open\n", "")
        assert (await http.get("/session")).json()["state"] != "ready"


@pytest.mark.network
async def test_a_tour(tmp_path: Path) -> None:
    for name, text in project_files("sky").items():
        (tmp_path / name).write_text(text + (RECORDED if name == "reactor.yaml" else ""))
    async with running(tmp_path) as child, served(child) as http:
        url = str(http.base_url)
        code, output, problems = await reactor("client", "show", "--url", url, "--json")
        assert (code, problems) == (0, "")
        offered = json.loads(output)
        assert [each["name"] for each in offered["commands"]] == ["jump", "set_speed", "set_radius"]
        assert [(each["name"], each["kind"], each["direction"]) for each in offered["tracks"]] == [
            ("main_video", "video", "recvonly")
        ]
        assert offered["commands"][2]["schema"]["properties"]["radius"]["maximum"] == 150
        code, output, problems = await reactor("client", "show", "--url", url)
        assert (code, problems) == (0, "")
        assert re.search(r"set_radius +radius: integer, 5 to 150, 40 if left out +Of the disc, in pixels\.", output)
        # Somebody else's session stays: what is set is seen by the next command.
        await http.post("/start_session", json={})
        assert await reactor("client", "send", "set_radius", "radius=150", "--url", url) == (0, "set_radius was accepted\n", "")
        code, output, _ = await reactor("client", "send", "jump", REACTOR_LOCAL_URL=url)
        assert code == 0
        reply = json.loads(output)
        assert (reply["type"], list(reply["data"])) == ("jumped", ["turn"])
        code, output, _ = await reactor("client", "picture", str(tmp_path / "sky.png"), "--url", url)
        assert (code, output) == (0, f"{tmp_path / 'sky.png'} holds 640x360 of main_video\n")
        rgb = decoded(tmp_path / "sky.png")
        assert rgb.shape == (360, 640, 3)
        assert 30_000 < orange(tmp_path / "sky.png") < 71_500
        code, output, _ = await reactor("client", "clip", str(tmp_path / "sky.mp4"), "-s", "1", "--url", url)
        assert code == 0, output
        with av.open(str(tmp_path / "sky.mp4")) as film:
            assert any(True for _ in film.decode(video=0))
        code, output, _ = await reactor("client", "stats", "-s", "2", "--json", "--url", url)
        assert (code, list(json.loads(output.splitlines()[-1]))) == (
            0,
            ["fps", "kbit_s", "rtt_ms", "loss_percent", "width", "height", "path"],
        )
        code, _, problems = await reactor("client", "send", "set_radius", "radius=900", "--url", url)
        told = "set_radius: radius: 900 > le(150) (set_radius takes radius: integer, 5 to 150, 40 if left out)"
        assert (code, problems) == (1, f"reactor: {told}\n")


async def test_nobody_there() -> None:
    told = (
        "nobody answers at http://127.0.0.1:9: Connection refused: start the model (`reactor run`), or say where it is; "
        "`reactor doctor` finds out more"
    )
    assert await reactor("client", "show", "--url", "http://127.0.0.1:9") == (1, "", f"reactor: {told}\n")


async def test_a_coordinator_has_to_be_named() -> None:
    assert await reactor("client", "show", "--model", "sky") == (
        1,
        "",
        "reactor: REACTOR_API_URL is not set: say where the coordinator is, and its key in REACTOR_API_KEY\n",
    )


@pytest.mark.parametrize("command", [("client", "show"), ("doctor",)])
async def test_a_model_of_the_coordinator_has_to_be_named(command: tuple[str, ...]) -> None:
    assert await reactor(*command, REACTOR_API_URL="http://127.0.0.1:9") == (
        1,
        "",
        "reactor: REACTOR_API_URL is set (http://127.0.0.1:9): say which of its models with --model NAME, "
        "or give the address of one that runs on this machine (http://127.0.0.1:8080)\n",
    )


async def test_a_picture_has_a_kind(tmp_path: Path) -> None:
    assert await reactor("client", "picture", str(tmp_path / "sky.bmp")) == (
        1,
        "",
        "reactor: a picture is a .png, .jpg, .jpeg, not sky.bmp\n",
    )
