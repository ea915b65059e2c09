"""The host: commands, handled on the model's thread between its steps."""

import asyncio
import threading
import time
from typing import Any

import pytest
from tests.reactor_runtime.host_support import PICTURE, IdleModel, Out, hosted, refused

from reactor_protocol.messages import ApplicationMessage
from reactor_runtime import CommandError, ModelMessage, UploadedFile, event
from reactor_runtime.hosting import Outcome


class Answer(ModelMessage):
    text: str
    value: Any = None


class Talker(IdleModel):
    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    @event(name="echo")
    def echo(self, text: str, value: Any = None) -> Answer:
        return Answer(text, value)

    @event(name="whoami")
    async def whoami(self, client: Any) -> Answer:
        return Answer(f"{client.id} on {threading.current_thread().name}")

    @event(name="refuse")
    async def refuse(self) -> None:
        raise CommandError("no_face", "There is no face in the picture.")

    @event(name="crash")
    def crash(self) -> None:
        raise KeyError("boom")

    @event(name="odd")
    def odd(self) -> Answer:
        return Answer("odd", object())

    @event(name="nothing")
    def nothing(self) -> None:
        return None

    @event(name="file")
    def file(self, image: UploadedFile) -> Answer:
        return Answer(f"{image.name} {image.size}")

    @event(name="turn")
    async def turn(self, text: str) -> Answer:
        self.log.append(f"+{text}")
        await asyncio.sleep(0.002)
        self.log.append(f"-{text}")
        return Answer(text, self.log)

    @event(name="say")
    async def say(self, text: str) -> None:
        await self.send(Answer(text))


async def test_a_reply_comes_back_with_its_numbers_as_they_are() -> None:
    async with hosted(Talker) as rig:
        outcome = await rig.send("echo", text="hi", value=[1, 2.5, None])
        assert outcome == Outcome(ApplicationMessage("answer", {"text": "hi", "value": [1, 2.5, None]}), None, 0)


async def test_a_handler_runs_on_the_models_thread_and_is_given_its_client() -> None:
    async with hosted(Talker) as rig:
        outcome = await rig.send("whoami")
        assert outcome.reply == ApplicationMessage("answer", {"text": "7 on model-Talker", "value": None})


async def test_a_handler_without_a_reply_is_acknowledged() -> None:
    async with hosted(Talker) as rig:
        assert await rig.send("nothing") == Outcome(None, None, 0)


async def test_files_reach_the_handler() -> None:
    async with hosted(Talker) as rig:
        outcome = await rig.send("file", {"image": UploadedFile("a.png", "image/png", b"123")})
        assert outcome.reply is not None
        assert outcome.reply.data["text"] == "a.png 3"


async def test_contract_failures_never_reach_the_handler() -> None:
    async with hosted(Talker) as rig:
        known = "echo, whoami, refuse, crash, odd, nothing, file, turn, say"
        assert await rig.send("bogus") == refused("invalid_command", f"unknown command 'bogus'; this model has: {known}")
        assert await rig.send("echo") == refused("invalid_command", "missing required argument 'text'")
        assert await rig.send("echo", text="a", x=1) == refused("invalid_command", "unexpected argument 'x'")
        assert await rig.send("echo", text=5) == refused("invalid_command", "text: expected string, got int")


async def test_a_command_error_is_passed_on_verbatim() -> None:
    async with hosted(Talker) as rig:
        assert await rig.send("refuse") == refused("no_face", "There is no face in the picture.")


@pytest.mark.parametrize("command", ["crash", "odd"])
async def test_a_handler_that_fails_is_an_internal_error_and_the_loop_survives(command: str) -> None:
    async with hosted(Talker) as rig:
        assert await rig.send(command) == refused("internal_error", "The handler raised an unexpected error.")
        assert (await rig.send("echo", text="still here")).error is None


async def test_commands_are_handled_strictly_one_at_a_time_in_their_order() -> None:
    async with hosted(Talker) as rig:
        outcomes = await asyncio.gather(*(rig.send("turn", text=text) for text in "abc"))
        assert outcomes[-1].reply is not None
        assert outcomes[-1].reply.data["value"] == ["+a", "-a", "+b", "-b", "+c", "-c"]


async def test_a_client_that_goes_while_its_command_runs_does_not_stop_the_others() -> None:
    class Slow(Talker):
        begun = threading.Event()

        @event(name="slow")
        async def slow(self) -> None:
            self.begun.set()
            await asyncio.sleep(0.05)

    async with hosted(Slow) as rig:
        running, queued = (asyncio.create_task(rig.send(name)) for name in ("slow", "crash"))
        assert await asyncio.to_thread(Slow.begun.wait, 5)
        running.cancel()
        queued.cancel()
        await asyncio.wait([running, queued])
        assert (await rig.send("echo", text="next")).error is None


async def test_messages_of_the_model_reach_its_owner() -> None:
    async with hosted(Talker) as rig:
        await rig.send("say", text="hello")
        await rig.events.changes.until(lambda: rig.events.messages)
        assert rig.events.messages == [ApplicationMessage("answer", {"text": "hello", "value": None})]


class Busy(Talker):
    """Computes without pause, and awaits nothing but ``emit``."""

    fps = 1000.0

    async def run(self) -> None:
        while True:
            time.sleep(0.002)  # noqa: ASYNC251 - what such a model does
            await self.emit(Out(main_video=PICTURE))


async def test_a_model_that_awaits_nothing_but_emit_still_handles_commands() -> None:
    async with hosted(Busy) as rig:
        began = time.monotonic()
        for number in range(20):
            outcome = await rig.send("echo", text=str(number))
            assert outcome.error is None
        assert time.monotonic() - began < 2.0


async def test_an_outcome_names_the_first_frame_after_its_handler() -> None:
    class Stepping(Talker):
        def __init__(self) -> None:
            super().__init__()
            self.steps = asyncio.Semaphore(0)

        async def run(self) -> None:
            while True:
                await self.steps.acquire()
                await self.emit(Out(main_video=PICTURE))

        @event(name="step")
        def step(self) -> None:
            self.steps.release()

    async with hosted(Stepping) as rig:
        for number in range(3):
            assert (await rig.send("nothing")).frame == number
            await rig.send("step")
            await rig.events.changes.until(lambda: len(rig.events.frames) == number + 1)  # noqa: B023 - awaited here
        rig.host.begin_session()
        assert (await rig.send("nothing")).frame == 0
