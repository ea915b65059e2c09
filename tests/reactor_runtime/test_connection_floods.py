"""Clients that send too much: they are slowed and told so, and nobody else suffers."""

import asyncio

import pytest
from tests.reactor_runtime.runtime_support import House, opened
from tests.reactor_runtime.visitor import Visitor

from reactor_protocol.messages import ClipFailed, Command, PauseTrack, PublishResult, PublishTrack, RequestClip, RequestSchema
from reactor_protocol.messages import RuntimeMessage as Notice
from reactor_runtime.config import Settings
from reactor_runtime.floods import FloodLimits

SLOW = Settings(floods=FloodLimits(messages=200, messages_burst=20, waiting=50))


def notices(visitor: Visitor) -> list[Notice]:
    return [m for m in visitor.received if isinstance(m, Notice) and m.type == "rateLimited"]


def level_commands(visitor: Visitor, count: int) -> None:
    for number in range(count):
        visitor.say(Command("set_level", {"level": 1}, request_id=f"n{number}"))


async def test_commands_above_the_rate_are_done_later_and_the_client_is_told() -> None:
    async with opened(settings=SLOW) as house:
        await house.start()
        visitor = await house.welcome()
        began = asyncio.get_running_loop().time()
        level_commands(visitor, 70)
        assert (await visitor.result("n69")).error is None
        # 20 at once, and 50 at 200 a second.
        assert asyncio.get_running_loop().time() - began >= 0.2
        (first, *_) = notices(visitor)
        assert first.data == {
            "reason": "this client sends more than is taken, at most 200 messages and 20 requests for documents a second: "
            "1 wait, 0 were refused",
            "waiting": 1,
            "refused": 0,
        }


async def test_what_does_not_fit_the_line_is_refused_and_counted() -> None:
    async with opened(settings=SLOW) as house:
        await house.start()
        visitor = await house.welcome()
        level_commands(visitor, 1000)
        await visitor.changes.until(lambda: sum(n.data["refused"] for n in notices(visitor)) > 0, seconds=20)
        assert (await visitor.result("n0")).error is None
        assert visitor.closed == set()
        assert (await visitor.command("set_level", level=2)).error is None


async def test_a_client_that_keeps_to_the_rate_hears_nothing_of_it() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        level_commands(visitor, 250)
        assert (await visitor.result("n249")).error is None
        assert notices(visitor) == []


async def test_the_others_are_served_meanwhile() -> None:
    async with opened(settings=SLOW) as house:
        await house.start()
        flooder, other = await house.welcome(), await house.welcome()
        level_commands(flooder, 1000)
        await flooder.changes.until(lambda: notices(flooder))
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            assert (await other.command("set_level", level=3)).error is None
        assert asyncio.get_running_loop().time() - began < 2.0
        assert notices(other) == []


async def test_frames_without_end_end_the_connection_and_no_other() -> None:
    limits = FloodLimits(messages=200, messages_burst=20, waiting=50, frames=100, frames_burst=500)
    async with opened(settings=Settings(floods=limits)) as house:
        await house.start()
        flooder, other = await house.welcome(), await house.welcome()
        for _ in range(800):
            flooder.ping()
        await flooder.changes.until(lambda: flooder.closed)
        assert (await other.command("set_level", level=3)).error is None
        assert await left(house, other) == [other.id]


async def left(house: House, other: Visitor) -> list[int]:
    await other.ask("journal")
    return [connection.id for connection in house.runtime.signalling]


async def test_schema_documents_are_not_handed_out_without_end() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        for _ in range(100):
            visitor.say(RequestSchema())
        assert (await visitor.command("set_level", level=1)).error is None
        schemas = [m for m in visitor.received if isinstance(m, Notice) and m.type == "modelSchema"]
        assert 40 <= len(schemas) < 80
        assert notices(visitor)


async def test_every_request_for_a_clip_is_answered_though_not_with_a_clip() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        for _ in range(100):
            visitor.say(RequestClip(1.0))

        def answers() -> list[ClipFailed]:
            return [m for m in visitor.received if isinstance(m, ClipFailed)]

        await visitor.changes.until(lambda: len(answers()) == 100)
        assert answers()[0].reason == "recorder disabled or encoder crashed"
        assert answers()[99].reason == "too many requests: ask again in a moment"


@pytest.mark.parametrize("count", [600])
async def test_every_request_to_publish_is_answered(count: int) -> None:
    limits = FloodLimits(messages_burst=10_000)
    async with opened(settings=Settings(floods=limits)) as house:
        await house.start()
        visitor = await house.welcome()
        for number in range(count):
            visitor.say(PauseTrack("main"))
            visitor.say(PublishTrack(f"x{number}", "bogus"))

        def answers() -> list[PublishResult]:
            return [m for m in visitor.received if isinstance(m, PublishResult)]

        await visitor.changes.until(lambda: len(answers()) >= 350)
        refused = [m.error.code for m in answers() if m.error is not None]
        assert set(refused) == {"publish_refused", "unknown_track"} or set(refused) == {"publish_refused"}
