"""Models in the published style do the same on our runtime and on the published one: documents, messages, order of hooks.

They are written anew from the published surface, and know nothing of ours.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.interop.children import Child
from tests.interop.servers import HERE, Server, our_runtime, published_runtime
from tests.interop.test_published_models import differences

from reactor_sdk import Reactor

STYLE, LOOP = HERE / "models" / "published_style", HERE / "models" / "published_loop"
LIFE_SECONDS = 120.0


def checked(python: str | Path, log: Path) -> dict[str, Any]:
    argv = [python, HERE / "drivers" / "author_checks.py", STYLE]
    with Child(argv, cwd=log.parent, env={}, log=log, seconds=LIFE_SECONDS) as child:
        assert child.wait() == 0, child.log()
        told: dict[str, Any] = json.loads(child.output().splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def both(published_runtime_python: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("checks")
    return checked(sys.executable, folder / "ours"), checked(published_runtime_python, folder / "theirs")


@pytest.mark.against("runtime", "reactor-runtime", "3.10.0", "authors' unit tests: contract, plain objects, schema")
def test_authors_unit_tests_find_the_same_on_both(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = both
    assert differences(ours, theirs) == []


def test_authors_unit_tests_find_what_the_model_says(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, _ = both
    assert list(ours["render"]["paths"]) == [
        f"/events/{name}" for name in ("journal", "move", "leap", "set_pace", "set_caption", "set_gain")
    ]
    assert list(ours["render"]["webhooks"]) == ["journal", "arrived", "moved"]
    assert ours["contract"]["commands"]["move"] == {"seed": ["Where the world begins.", None]}
    assert ours["use"]["entries"] == [
        "session_started none yet",
        "connected",
        "move 12 [12]",
        "inference",
        "closed",
        "inference",
        "closed",
    ]
    assert ours["use"]["pixels"] == [13, 14]
    assert ours["use"]["equal"] == [True, True, True]


@pytest.fixture(params=[STYLE, LOOP], ids=["pipeline", "loop"])
def servers(
    request: pytest.FixtureRequest, published_runtime_python: Path, tmp_path: Path
) -> Iterator[tuple[str, tuple[Server, Server]]]:
    model: Path = request.param
    with ExitStack() as stack:
        ours = stack.enter_context(our_runtime(tmp_path, model))
        theirs = stack.enter_context(published_runtime(published_runtime_python, tmp_path, model))
        yield model.name, (ours, theirs)


async def visited(commands: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Sees a frame, sends commands one after the other, each until a message answers it, and gives all messages."""
    messages: list[dict[str, Any]] = []
    arrived, seen = asyncio.Event(), asyncio.Event()
    reactor = Reactor("any", local=True)

    def keep(message: dict[str, Any]) -> None:
        messages.append(message)
        arrived.set()

    reactor.on("message", keep)
    reactor.set_frame_callback(lambda frame: seen.set())
    async with asyncio.timeout(60), reactor:
        await reactor.connect()
        await seen.wait()
        for name, data in commands:
            arrived.clear()
            await reactor.send_command(name, data)
            while not (messages and messages[-1]["type"] == ANSWERS[name]):
                await arrived.wait()
                arrived.clear()
    return messages


COMMANDS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "published_style": [("move", {"seed": 40}), ("journal", {})],
    "published_loop": [("journal", {})],
}
ANSWERS = {"move": "moved", "journal": "journal"}
EXPECTED: dict[str, list[str]] = {
    "published_style": ["session_started none yet", "connected", "inference", "move 40 [40]"],
    "published_loop": ["session_started", "connected", "run"],
}


@pytest.mark.network
@pytest.mark.against("runtime", "reactor-runtime", "3.10.0", "models in its style: messages, hooks, a session's way")
async def test_a_session_has_the_same_hooks_and_messages_on_both(
    servers: tuple[str, tuple[Server, Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, pair = servers
    told = []
    for server in pair:
        monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
        told.append(await visited(COMMANDS[model]))
    for messages in told:
        (journal,) = [message["data"] for message in messages if message["type"] == "journal"]
        assert journal == {"entries": EXPECTED[model]}
    kinds = [[message["type"] for message in messages] for messages in told]
    assert kinds[0] == kinds[1]
