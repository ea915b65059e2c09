"""``@event(dedupe=True)``: of the commands of that name that wait, the handler runs once, where the first stood."""

from tests.reactor_runtime.runtime_support import MODELS, House, opened
from tests.reactor_runtime.test_connection import reserve
from tests.reactor_runtime.visitor import Visitor

from reactor_protocol.messages import Command
from reactor_runtime.config import Manifest

COLLAPSING = Manifest(MODELS, "collapsing_model:Collapsing", "collapsing", None)


async def held(house: House, visitor: Visitor, commands: list[Command]) -> None:
    """Has commands wait for one whose file is late."""
    ref = await reserve(house, b"abc")
    visitor.say(Command("hold", uploads={"file": ref}, request_id="held"))
    for command in commands:
        visitor.say(command)
    await house.http.put(f"/uploads/{ref.upload_id}", content=b"abc")
    assert (await visitor.result("held")).error is None


async def test_of_those_that_wait_the_last_one_counts_and_all_are_answered() -> None:
    async with opened(COLLAPSING) as house:
        await house.start()
        visitor = await house.welcome()
        names = ("encode", "count", "encode", "count", "encode")
        await held(house, visitor, [Command(name, {"number": n}, request_id=f"c{n}") for n, name in enumerate(names)])
        answers = [await visitor.result(f"c{number}") for number in range(5)]
        assert [answer.error for answer in answers] == [None] * 5
        calls = [answer.reply.data["calls"] for answer in answers if answer.reply is not None]
        collapsed = ["hold 3", "encode 4"]
        assert calls == [collapsed, [*collapsed, "count 1"], collapsed, [*collapsed, "count 1", "count 3"], collapsed]
        alone = await visitor.command("encode", number=9)
        assert alone.reply is not None
        assert alone.reply.data["calls"][-1] == "encode 9"


async def test_what_another_client_sends_is_another_thing() -> None:
    async with opened(COLLAPSING) as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        await held(house, first, [Command("encode", {"number": n}, request_id=f"c{n}") for n in (1, 2)])
        await first.result("c2")
        reply = (await second.command("encode", number=3)).reply
        assert reply is not None
        assert reply.data["calls"] == ["hold 3", "encode 2", "encode 3"]
