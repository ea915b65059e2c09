"""The model's thread: work between steps, and an end that leaves nobody waiting."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from reactor_protocol.errors import ModelFailedError
from reactor_runtime.model_thread import ModelThread, Work


class Owner:
    """Keeps why the thread has ended."""

    def __init__(self) -> None:
        self.ended: Future[BaseException | None] = Future()
        self.thread = ModelThread(self.ended.set_result)

    async def ask(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return call()

        work = Work(run, Future())
        self.thread.post(work)
        async with asyncio.timeout(40):
            return await asyncio.wrap_future(work.done)

    async def until_ended(self) -> BaseException | None:
        async with asyncio.timeout(40):
            return await asyncio.wrap_future(self.ended)

    async def stop(self) -> None:
        await self.thread.stop()


async def idle() -> None:
    await asyncio.Event().wait()


async def test_work_is_done_and_its_errors_are_handed_back() -> None:
    owner = Owner()
    owner.thread.start(idle, "Test")
    assert await owner.ask(lambda: 1 + 1) == 2
    with pytest.raises(ZeroDivisionError):
        await owner.ask(lambda: 1 / 0)
    assert await owner.ask(lambda: "still here") == "still here"
    await owner.stop()


async def test_work_that_exits_ends_neither_the_model_nor_its_owner() -> None:
    owner = Owner()
    owner.thread.start(idle, "Test")
    with pytest.raises(RuntimeError, match=r"sys\.exit\(3\) was called"):
        await owner.ask(lambda: sys.exit(3))
    assert await owner.ask(lambda: 1) == 1
    await owner.stop()


async def test_before_the_start_and_after_the_end_work_is_refused_at_once() -> None:
    owner = Owner()
    with pytest.raises(ModelFailedError, match="the model has stopped"):
        await owner.ask(lambda: 1)
    await owner.stop()
    owner.thread.start(idle, "Test")
    assert await owner.ask(lambda: 1) == 1
    await owner.stop()
    with pytest.raises(ModelFailedError, match="the model has stopped"):
        await owner.ask(lambda: 1)
    assert not owner.ended.done()


async def test_work_that_waits_when_run_ends_is_refused() -> None:
    owner = Owner()
    over = asyncio.Event()

    async def run() -> None:
        await over.wait()

    owner.thread.start(run, "Test")
    asked = [asyncio.create_task(owner.ask(over.set)), *(asyncio.create_task(owner.ask(lambda: 1)) for _ in range(50))]
    assert await owner.until_ended() is None
    done, pending = await asyncio.wait(asked, timeout=10)
    assert not pending
    assert all(isinstance(task.exception(), ModelFailedError | None) for task in done)


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(2)])
async def test_a_run_that_raises_is_told_with_its_error(error: BaseException) -> None:
    owner = Owner()

    async def run() -> None:
        raise error

    owner.thread.start(run, "Test")
    assert await owner.until_ended() is error
