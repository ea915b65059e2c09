"""A client that speaks wire version v1, over a fake peer: answers carry the id of their request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from tests.reactor_protocol.reactor_wire import to_bytes
from tests.reactor_runtime.binary_visitor import BinaryVisitor
from tests.reactor_runtime.runtime_support import House, opened

from reactor_protocol.messages import (
    ApplicationMessage,
    ClientStats,
    ClipFailed,
    Command,
    CommandResult,
    PublishResult,
    Refusal,
    RequestClip,
    RequestSchema,
    RuntimeMessage,
)
from reactor_runtime import connection


@contextlib.asynccontextmanager
async def joined(*, chunks: int | None = 67_108_864) -> AsyncIterator[tuple[House, BinaryVisitor]]:
    async with opened() as house:
        await house.start()
        visitor = BinaryVisitor(house.http, house.factory, chunks=chunks)
        await visitor.connect()
        yield house, visitor


@pytest.mark.parametrize("chunks", [None, 67_108_864])
async def test_a_command_is_answered_under_its_id(chunks: int | None) -> None:
    async with joined(chunks=chunks) as (_, visitor):
        assert await visitor.command("set_level", level=7) == CommandResult(
            visitor_id(visitor), ApplicationMessage("level_set", {"level": 7})
        )
        assert visitor.said("level_set") == []


def visitor_id(visitor: BinaryVisitor) -> str:
    return [m.request_id for m in visitor.received if isinstance(m, CommandResult)][-1]


async def test_a_command_without_a_reply_is_acknowledged_without_a_body() -> None:
    async with joined() as (_, visitor):
        assert await visitor.command("stand_still") == CommandResult(visitor_id(visitor))


async def test_refusals_are_typed() -> None:
    refused: list[tuple[str, dict[str, object], Refusal]] = [
        ("set_level", {"level": 256}, Refusal("invalid_command", "level: 256 > le(255)")),
        ("set_level", {"level": 1.5}, Refusal("invalid_command", "level: expected integer, got float")),
        ("set_level", {}, Refusal("invalid_command", "missing required argument 'level'")),
        ("refuse", {}, Refusal("not_now", "Ask me later.")),
    ]
    async with joined() as (_, visitor):
        for name, data, error in refused:
            assert (await visitor.command(name, **data)).error == error
        unknown = (await visitor.command("bogus")).error
        assert unknown is not None
        assert unknown.code == "invalid_command"


async def test_a_command_without_an_id_gets_its_reply_as_a_message() -> None:
    async with joined() as (_, visitor):
        visitor.say(Command("bogus"))
        visitor.say(Command("set_level", {"level": 9}))
        assert await visitor.until_said("level_set") == {"level": 9}
        assert not [m for m in visitor.received if isinstance(m, CommandResult)]


async def test_the_schema_and_a_clip_are_answered_under_their_ids() -> None:
    async with joined() as (house, visitor):
        visitor.say(RequestSchema("c1"))
        visitor.say(RequestClip(2.0, "c2"))
        await visitor.changes.until(lambda: any(isinstance(m, ClipFailed) for m in visitor.received))
        document = (await house.http.get("/schema")).json()
        assert RuntimeMessage("modelSchema", document, "c1") in visitor.received
        assert ClipFailed("recorder disabled or encoder crashed", "c2") in visitor.received


async def test_a_schema_that_is_too_large_is_refused_under_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    async with joined(chunks=None) as (house, visitor):
        monkeypatch.setattr(house.runtime, "schema_document", lambda: {"x": "y" * 300_000})
        visitor.say(RequestSchema("c1"))
        await visitor.changes.until(lambda: any(isinstance(m, PublishResult) for m in visitor.received))
        (refused,) = [m for m in visitor.received if isinstance(m, PublishResult)]
        assert refused.request_id == "c1"
        assert refused.error is not None
        assert refused.error.code == "message_too_large"


async def test_a_track_is_published_once() -> None:
    async with joined() as (house, visitor):
        granted = await visitor.publish("webcam")
        assert granted == PublishResult(granted.request_id)
        other = BinaryVisitor(house.http, house.factory)
        await other.connect()
        refused = await other.publish("webcam")
        assert refused.error is not None
        assert refused.error.code == "publish_refused"
        assert refused.error.message.startswith("track already published")


async def test_the_greeting_waits_for_the_clients_first_word_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "EARLY_WAIT_S", 3600.0)
    async with joined() as (_, visitor):
        assert visitor.texts == []
        assert len(visitor.said("welcome")) == 1


async def test_a_client_that_says_nothing_is_greeted_in_v0() -> None:
    async with opened() as house:
        await house.start()
        shy = BinaryVisitor(house.http, house.factory, shy=True)
        await shy.connect()
        (greeting,) = shy.texts
        assert '"type":"welcome"' in greeting
        assert (await shy.command("set_level", level=1)).error is None


async def test_a_client_that_has_not_spoken_yet_is_told_why_its_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "EARLY_WAIT_S", 3600.0)
    async with opened() as house:
        await house.start()
        shy = BinaryVisitor(house.http, house.factory, shy=True)
        await shy.register()
        await shy.negotiate()
        await house.until("streaming")
        await house.http.post("/stop_session", json={"reason": "deployment"})
        assert await shy.until_ended() == "deployment"


async def test_both_sides_agree_on_a_mebibyte_in_fragments() -> None:
    async with joined() as (_, visitor):
        assert visitor.agreed == 1_048_576
        result = await visitor.command("set_level", level="x" * 400_000)
        assert result.error == Refusal("invalid_command", "level: expected integer, got str")


async def test_a_message_above_the_limit_is_dropped_and_the_connection_lives_on() -> None:
    async with joined() as (_, visitor):
        visitor.say(Command("set_level", {"level": "x" * 1_100_000}, request_id="large"))
        assert (await visitor.command("set_level", level=1)).error is None
        assert visitor.closed == set()


async def test_a_session_of_both_versions() -> None:
    async with joined() as (house, binary):
        text = await house.welcome()
        assert (await text.command("set_level", level=3)).reply == ApplicationMessage("level_set", {"level": 3})
        assert (await binary.command("set_level", level=4)).reply == ApplicationMessage("level_set", {"level": 4})


RUBBISH: list[str | bytes] = ["", "{", b"", b"\x01", b"\x00", b"\x00\xff" * 9, b"\xff" * 1000, bytes(range(256)), "x" * 262_144]


@pytest.mark.parametrize("chunks", [None, 67_108_864])
@pytest.mark.parametrize("label", ["data", "control"])
async def test_rubbish_on_either_channel_does_not_end_the_connection(label: str, chunks: int | None) -> None:
    async with joined(chunks=chunks) as (_, visitor):
        for payload in RUBBISH:
            visitor.say_raw(label, payload)
        visitor.say_raw(label, b"\x00")  # ends whatever fragments have begun
        assert (await visitor.command("set_level", level=1)).error is None
        assert visitor.closed == set()


async def test_a_stopped_session_is_told() -> None:
    async with joined() as (house, visitor):
        response = await house.http.post("/stop_session", json={"reason": "deployment"})
        assert response.status_code == 200
        async with asyncio.timeout(40):
            assert await visitor.until_ended() == "deployment"


async def test_the_figures_of_a_client_are_handed_on_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async with joined() as (house, visitor):
        seen: list[ClientStats] = []
        monkeypatch.setattr(house.runtime, "measured", lambda _connection, stats: seen.append(stats))
        for number in range(10):
            stat = {"clientStats": {"connectionStat": {"timestamp": str(number), "metrics": {"connection_rtt_ms": 1.5}}}}
            visitor.say_raw("control", b"\x00" + to_bytes("control", "client", stat))
        assert (await visitor.command("set_level", level=1)).error is None
        assert seen == [
            ClientStats((), {"metrics": {"connection_rtt_ms": 1.5}}),
            ClientStats((), {"timestamp": 1, "metrics": {"connection_rtt_ms": 1.5}}),
        ]
