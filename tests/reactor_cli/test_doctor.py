"""`reactor doctor` against what goes wrong: the leg that fails is the one that it names."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from tests.reactor_cli.serving import answering, listening, without_udp
from tests.reactor_coordinator import house
from tests.reactor_runtime.runtime_support import MODELS, STUDIO, opened

from reactor_cli.doctor.examination import Plan, examine, target_of
from reactor_cli.doctor.facts import IceFacts, Leg
from reactor_rtc.peer_proxy import make_peer
from reactor_runtime.app import build_app

pytestmark = pytest.mark.network

LEGS = ["engine", "port", "http", "token", "model", "queue", "ice", "dtls", "data channel", "first frame"]


async def walked(url: str, model: str | None = None, key: str | None = None, patience_s: float = 20.0) -> list[Leg]:
    """The legs to a target. Whatever the outcome, all of them are told."""
    legs = [leg async for leg in examine(Plan(target_of(url, model), patience_s, key))]
    assert [leg.name for leg in legs] == LEGS
    return legs


def outcome(legs: list[Leg]) -> tuple[str | None, str, str]:
    """The leg that failed, what was found there, and the cure. Nothing is walked after it."""
    failed = [leg for leg in legs if leg.verdict.outcome == "failed"]
    if not failed:
        return None, "", ""
    (leg,) = failed
    assert all(later.verdict.found == "not reached" for later in legs[legs.index(leg) + 1 :])
    return leg.name, leg.verdict.found, leg.verdict.cure


async def test_nothing_stands_in_the_way_and_the_session_is_ended() -> None:
    async with opened(factory=make_peer) as runtime, listening(build_app(runtime.runtime)) as url:
        legs = await walked(url)
        assert outcome(legs) == (None, "", "")
        found = {str(leg.name): leg.verdict.found for leg in legs}
        assert found["queue"] == "a session was begun"
        assert found["first frame"].startswith("64x48 of main, ")
        await runtime.until("ready")
        assert not list(runtime.runtime.signalling)
        await runtime.start()
        legs = await walked(url)
        assert {str(leg.name): leg.verdict.found for leg in legs}["queue"] == "somebody's session runs: joined it"
        assert runtime.runtime.table.running


async def test_udp_that_is_blocked() -> None:
    async with (
        opened(factory=make_peer) as runtime,
        listening(build_app(runtime.runtime)) as url,
        without_udp(url) as (front, sink),
    ):
        legs = await walked(front, patience_s=3)
        name, found, cure = outcome(legs)
        assert name == "ice"
        assert found.startswith("UDP is blocked: ")
        assert cure.startswith("open UDP between the two (WEBRTC_PORT_RANGE names the ports), or give a TURN server")
        facts = legs[LEGS.index("ice")].facts
        assert isinstance(facts, IceFacts)
        assert facts.local
        assert [each.startswith("host 127.0.0.1:") for each in facts.remote] == [True]
        assert facts.answered == 0
        assert sink.taken > 0
        await runtime.until("ready")  # the session that it began is ended


async def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    name, found, cure = outcome(await walked(f"http://127.0.0.1:{port}"))
    assert (name, found) == ("port", f"nothing listens on 127.0.0.1:{port}")
    assert cure.startswith(f"start the model (`reactor run --port {port}` in its folder)")


async def test_another_program_listens() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with answering(answer) as url:
        name, found, _ = outcome(await walked(url))
    assert name == "http"
    assert found.startswith("another program (")
    assert found.endswith(f"listens on port {target_of(url).port}: it answers HTTP 200")


async def test_a_model_that_failed_to_load() -> None:
    manifest = replace(STUDIO, directory=MODELS, import_path="nowhere_at_all:Model")
    async with opened(manifest, wait_for="terminated") as runtime, listening(build_app(runtime.runtime)) as url:
        name, found, cure = outcome(await walked(url))
    assert name == "model"
    assert found.startswith("the model failed to load: nowhere_at_all in ")
    assert cure == "mend the model, and start it again; `reactor schema FOLDER --debug` shows where it fails"


@pytest.fixture
async def coordinator(tmp_path: Path) -> AsyncIterator[house.House]:
    """One worker, and room for one session that waits."""
    config = house.configuration(tmp_path, limits={"queue_length": 1})
    async with house.opened(config, slots=1) as opened_house:
        await opened_house.warm()
        yield opened_house


async def test_keys_and_queues(coordinator: house.House) -> None:
    url = coordinator.url
    assert outcome(await walked(url, "echo")) == (
        "token",
        "there is no API key",
        "set REACTOR_API_KEY; an operator makes one with `reactor keys create NAME`",
    )
    name, found, cure = outcome(await walked(url, "echo", "rk_wrong"))
    assert name == "token"
    assert found.startswith("the API key is not accepted: ")
    assert cure == "check REACTOR_API_KEY (an operator sees the keys that are valid with `reactor keys list`)"
    key = await coordinator.key()
    name, found, _ = outcome(await walked(url, "sky", key))
    assert (name, found) == ("model", "the coordinator has no model 'sky'; it has: echo")

    token = await coordinator.token(await coordinator.key())
    holder = (await coordinator.begin(token))["session_id"]
    await coordinator.until(token, holder, "ACTIVE")
    name, found, _ = outcome(await walked(url, "echo", key, patience_s=1.5))
    assert (name, found) == ("queue", "after 1.5 s still without a worker: place 1 of 1 in the queue")
    own = await coordinator.ask("GET", "/sessions", await coordinator.token(key))
    assert own.body == {"sessions": []}  # it does not leave its session in the queue

    await coordinator.begin(token)
    await coordinator.sees(lambda snapshot: len(snapshot.places) == 1)
    name, found, cure = outcome(await walked(url, "echo", key))
    assert name == "queue"
    assert found.startswith("the queue for echo is full (1 sessions wait): try again in ")
    assert cure.startswith("try again in ")


async def test_a_walk_that_is_cut_short_ends_its_session() -> None:
    async with opened(factory=make_peer) as runtime, listening(build_app(runtime.runtime)) as url:
        reached = asyncio.Event()

        async def walk() -> None:
            async for leg in examine(Plan(target_of(url), 20.0)):
                if leg.name == "queue":
                    reached.set()

        walking = asyncio.create_task(walk())
        async with asyncio.timeout(20):
            await reached.wait()
        walking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await walking
        await runtime.until("ready")
