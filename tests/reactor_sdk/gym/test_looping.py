"""The thread that does what callers without an event loop ask for."""

import asyncio
import os
import threading

import pytest

from reactor_protocol.errors import InvalidStateError
from reactor_rtc.process import enter_process
from reactor_sdk.gym.looping import LoopThread


def test_work_is_done_there_and_its_end_told_here() -> None:
    async def where() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    async def fail() -> None:
        raise InvalidStateError("not now")

    thread = LoopThread("a loop")
    assert thread.run(where()) == "a loop"
    with pytest.raises(InvalidStateError, match="not now"):
        thread.run(fail())
    thread.close()
    thread.close()
    assert thread.closed
    assert "a loop" not in {each.name for each in threading.enumerate()}
    with pytest.raises(InvalidStateError, match="the environment is closed"):
        thread.run(where())


def test_what_still_runs_ends_with_it() -> None:
    ended = threading.Event()

    async def stay() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(stay())
        await asyncio.sleep(0)
        return task

    thread = LoopThread("a loop")
    task = thread.run(begin())
    thread.close()
    assert ended.is_set()
    assert task.cancelled()


def test_a_fork_is_told_that_it_cannot_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    enter_process()
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)
    with pytest.raises(InvalidStateError, match=r'this process is a fork .*context="spawn"'):
        LoopThread("another loop")
