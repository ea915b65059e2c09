"""A model's messages: at once while there are few, then as fast as clients take them; a handler hears of what reached nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.reactor_runtime.child import running, served

from reactor_protocol.messages import ApplicationMessage, Refusal
from reactor_runtime.declared import CommandError
from reactor_runtime.sending import IN_COMMAND, WINDOW_BYTES, Sender, Told, settle
from reactor_sdk import CommandRejected, Reactor

STAGE = Path(__file__).parents[1] / "interop" / "models" / "stage"
LARGE = ApplicationMessage("made", {"text": "x" * (WINDOW_BYTES + 1)})
FULL = Refusal("send_queue_full", "the queue is full")


class Way:
    """Takes messages, and tells when the test says so."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        self.refusal = refusal
        self.sent: list[ApplicationMessage] = []
        self.asked: list[Told] = []

    def __call__(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        self.sent.append(message)
        if told is not None:
            self.asked.append(told)


async def test_small_messages_do_not_wait_and_a_window_of_them_does() -> None:
    way = Way()
    sender = Sender(way)
    small = ApplicationMessage("tick", {"text": "x" * 1_000})
    for _ in range(60):
        await sender.send(small, None)
    assert way.asked == []
    waits = asyncio.create_task(sender.send(LARGE, None))
    await asyncio.sleep(0)
    assert len(way.asked) == 1
    assert not waits.done()
    way.asked[0](None)
    await waits


async def test_a_handler_is_told_what_reached_nobody_and_a_step_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    way = Way()
    sender = Sender(way)
    step = asyncio.create_task(sender.send(LARGE, None))
    IN_COMMAND.set(True)
    handler = asyncio.create_task(sender.send(LARGE, None))
    IN_COMMAND.set(False)
    await asyncio.sleep(0)
    for told in way.asked:
        told(FULL)
    await step
    assert "a message of the model reached nobody: the queue is full" in caplog.text
    with pytest.raises(CommandError) as raised:
        await handler
    assert (raised.value.code, raised.value.message) == ("send_queue_full", "the queue is full")


@pytest.mark.parametrize(("refusals", "told"), [([FULL, None], None), ([FULL, FULL], FULL), ([None], None), ([], None)])
async def test_one_client_that_misses_a_message_does_not_fail_it_for_the_others(
    refusals: list[Refusal | None], told: Refusal | None
) -> None:
    async def room() -> bool:
        return True

    answers: list[Refusal | None] = []
    await settle(refusals, [room() for _ in refusals], answers.append)
    assert answers == [told]


@pytest.mark.network
async def test_40_mb_arrive_in_order_and_what_is_too_large_is_told_to_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(STAGE) as child, served(child) as http:
        monkeypatch.setenv("REACTOR_LOCAL_URL", str(http.base_url))
        numbers: list[int] = []
        errors: list[str] = []
        async with Reactor("interop-stage", local=True) as reactor:
            reactor.on("message", lambda said: numbers.append(said["data"]["number"]) if said["type"] == "made" else None)
            reactor.on("error", lambda error: errors.append(error.code))
            reply = await reactor.send_command("flood", {"count": 200, "length": 200_000})
            assert reply == {"type": "flooded", "data": {"sent": 200}}
            assert numbers == list(range(200))
            for command, data in (("flood", {"count": 1, "length": 300_000}), ("make", {"length": 300_000})):
                with pytest.raises(CommandRejected, match="above the limit of 262144") as refused:
                    await reactor.send_command(command, data)
                assert refused.value.code == "message_too_large"
            assert errors == ["MESSAGE_TOO_LARGE"]
