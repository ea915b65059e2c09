"""A rehearsal: the clock moves when the test says so, and everything happens in its order."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from reactor_protocol.messages import ApplicationMessage
from reactor_runtime import ClientInfo, CommandError, ModelMessage, Output, ReactorApp, Video, connected, event
from reactor_testing.rehearsal import Rehearsal
from reactor_testing.still_loop import NeverWaits, StillLoop

PICTURE = np.full((4, 6, 3), 90, np.uint8)


class Out(Output):
    main_video: Video


class Note(ModelMessage):
    text: str


class Steady(ReactorApp):
    """Shows a picture thirty times a second, while somebody looks."""

    def load(self, config_path: Path | None) -> None:
        self.config = config_path

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            await self.emit(Out(main_video=PICTURE))

    @connected
    async def greet(self, client: ClientInfo) -> None:
        await client.send(Note(f"hello {client.id}"))

    @event(name="tell")
    async def tell(self, text: str) -> Note:
        await self.send(Note(text))
        return Note(text.upper())

    @event(name="slow")
    async def slow(self) -> None:
        await asyncio.sleep(5)

    @event(name="crash")
    async def crash(self) -> None:
        asyncio.get_running_loop().call_soon(self.connected.clear)


def test_a_second_has_thirty_frames_and_takes_no_time() -> None:
    with Rehearsal(Steady) as stage:
        stage.advance(10.0)
        assert stage.frames == []
        stage.join()
        stage.advance(1.0)
        assert 30 <= len(stage.frames) <= 32
        assert stage.frames[-1].at == pytest.approx(11.0, abs=0.04)
        assert stage.frames[0].picture().tolist() == PICTURE.tolist()


def test_it_is_the_same_every_time() -> None:
    def times() -> list[float]:
        with Rehearsal(Steady) as stage:
            stage.join()
            stage.advance(0.5)
            return [frame.at for frame in stage.frames]

    assert times() == times()


def test_clients_are_greeted_told_and_answered() -> None:
    with Rehearsal(Steady) as stage:
        first, second = stage.join(), stage.join()
        assert first.send("tell", {"text": "now"}) == {"text": "NOW"}
        assert first.messages == [ApplicationMessage("note", {"text": "hello 1002"}), ApplicationMessage("note", {"text": "now"})]
        assert second.messages[-1] == ApplicationMessage("note", {"text": "now"})
        second.leave()
        first.send("tell", {"text": "later"})
        assert len(second.messages) == 2


def test_a_refusal_is_raised_and_a_slow_handler_is_given_the_time_that_it_needs() -> None:
    with Rehearsal(Steady) as stage:
        client = stage.join()
        with pytest.raises(CommandError, match="missing required argument 'text'"):
            client.send("tell")
        with pytest.raises(TimeoutError, match="it is not done after 1 s"):
            client.send("slow")
        stage.advance(5.0)
        assert client.send("slow", within=6.0) is None


def test_a_model_that_never_waits_is_told_from_one_that_waits_long() -> None:
    class Restless(Steady):
        async def run(self) -> None:
            while True:  # noqa: ASYNC110 - that is the mistake
                await asyncio.sleep(0)

    with Rehearsal(Restless) as stage, pytest.raises(NeverWaits, match="100000 turns of the loop at one instant"):
        stage.advance(1.0)


def test_what_a_model_stops_with_is_kept() -> None:
    class Weak(Steady):
        async def run(self) -> None:
            await asyncio.sleep(60)
            raise RuntimeError("out of memory")

    with Rehearsal(Weak) as stage:
        stage.advance(59.0)
        assert stage.failure is None
        stage.advance(2.0)
        assert str(stage.failure) == "the model stopped: RuntimeError: out of memory"


def test_the_clock_goes_as_far_as_it_is_told() -> None:
    loop = StillLoop()
    fired: list[float] = []
    loop.call_later(2.0, lambda: fired.append(loop.time()))
    loop.advance(1.5)
    assert (loop.time(), fired) == (1.5, [])
    loop.advance(1.0)
    assert (loop.time(), fired) == (2.5, [2.0])
    assert loop.finish(asyncio.to_thread(lambda: 7)) == 7
    loop.close()
