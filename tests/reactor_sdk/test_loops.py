"""A client whose event loop has ended, or is not the one that calls."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from reactor_sdk import InvalidStateError, Reactor
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

pytestmark = [
    pytest.mark.network,
    # The HTTP connection of a loop that was closed under it is closed by the garbage collector, which says so.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

T = TypeVar("T")


class Program:
    """Calls ``asyncio.run`` in a thread of its own, again and again."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, asyncio.run, work)

    def end(self) -> None:
        self._thread.shutdown()


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    program = Program()
    yield program
    program.end()
    gc.collect()  # here, and not in a test that has nothing to do with it


async def _first_frame(reactor: Reactor) -> None:
    await reactor.connect()
    await anext(reactor.frames())


async def _calls(reactor: Reactor) -> list[str]:
    """What each call says."""
    calls = {
        "connect": reactor.connect(),
        "send_command": reactor.send_command("echo", {}),
        "reconnect": reactor.reconnect(),
        "upload_file": reactor.upload_file(b"x"),
        "pause_track": reactor.pause_track("main_video"),
        "get_stats": reactor.get_stats(),
    }
    said = []
    for name, call in calls.items():
        with pytest.raises(InvalidStateError) as raised:
            await call
        said.append(f"{name}: {raised.value}")
    with pytest.raises(InvalidStateError) as raised:
        reactor.frames()
    return [*said, f"frames: {raised.value}"]


async def test_disconnect_lets_go_of_a_loop_that_has_ended_and_all_else_says_so(fake: FakeCoordinator, program: Program) -> None:
    reactor = Reactor("echo", API_KEY, fake.url)
    async with asyncio.timeout(40):
        await program.run(_first_frame(reactor))
        for said in await program.run(_calls(reactor)):
            assert "the event loop that this client is connected on has ended; call disconnect() first" in said
        await program.run(reactor.disconnect())
        assert reactor.get_status() == "disconnected"
        assert reactor.get_session_id() is None
        assert fake.session.state == "CLOSED"
        await program.run(_first_frame(reactor))
        await program.run(reactor.disconnect())


async def test_disconnect_after_the_loop_has_ended_leaves_no_complaint_in_the_log(
    fake: FakeCoordinator, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    reactor = Reactor("echo", API_KEY, fake.url)
    async with asyncio.timeout(40):
        await program.run(_first_frame(reactor))
        await program.run(reactor.disconnect())
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def test_a_stream_of_a_loop_that_has_ended_does_not_wait_for_ever(fake: FakeCoordinator, program: Program) -> None:
    reactor = Reactor("echo", API_KEY, fake.url)

    async def stream() -> Any:
        await reactor.connect()
        frames = reactor.frames()
        await anext(frames)
        return frames

    async def next_of(frames: Any) -> Any:
        return await anext(frames)

    async with asyncio.timeout(40):
        frames = await program.run(stream())
        with pytest.raises(InvalidStateError, match="has ended"):
            await program.run(next_of(frames))
        await program.run(reactor.disconnect())
        with pytest.raises(StopAsyncIteration):
            await program.run(next_of(frames))


async def test_another_loop_is_refused_while_the_first_one_lives(connected: Reactor, program: Program) -> None:
    with pytest.raises(InvalidStateError, match="can only be used there"):
        await program.run(connected.send_command("echo", {}))
    with pytest.raises(InvalidStateError, match="can only be used there"):
        await program.run(connected.disconnect())
    assert await connected.send_command("echo", {"a": 1}) == {"type": "echo", "data": {"a": 1}}


async def test_a_session_that_was_kept_is_resumed_on_another_loop(fake: FakeCoordinator, program: Program) -> None:
    reactor = Reactor("echo", API_KEY, fake.url)

    async def leave() -> None:
        await _first_frame(reactor)
        await reactor.disconnect(recoverable=True)

    async def come_back() -> str | None:
        await reactor.reconnect()
        await anext(reactor.frames())
        session = reactor.get_session_id()
        await reactor.disconnect()
        return session

    async with asyncio.timeout(40):
        await program.run(leave())
        kept = reactor.get_session_id()
        assert await program.run(come_back()) == kept


async def _block(reactor: Reactor) -> None:
    """Reads frames, and holds the loop up with each."""
    async for _frame in reactor.frames():
        time.sleep(0.05)  # noqa: ASYNC251 - a program that should not, and does


async def _compute(_reactor: Reactor) -> None:
    """Never waits for anything."""
    while True:
        until = time.perf_counter() + 0.005
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)


@pytest.mark.timing
@pytest.mark.parametrize("beside", [_block, _compute])
async def test_a_command_is_answered_at_once_however_busy_the_loop_is(
    fake: FakeCoordinator, program: Program, beside: Callable[[Reactor], Coroutine[Any, Any, None]]
) -> None:
    """With the engine on the program's loop: 12.6 s beside a reader that blocks, 1.2 to 2.9 s beside one that computes."""

    async def ask() -> list[float]:
        async with Reactor("echo", API_KEY, fake.url) as reactor:
            await _first_frame(reactor)
            busy, took = asyncio.ensure_future(beside(reactor)), list[float]()
            for number in range(9):
                asked = time.monotonic()
                assert await reactor.send_command("echo", {"n": number}) == {"type": "echo", "data": {"n": number}}
                took.append(time.monotonic() - asked)
            busy.cancel()
            return sorted(took)

    async with asyncio.timeout(60):
        assert (await program.run(ask()))[4] < 0.2
