"""Work in the background."""

import asyncio
import threading

import pytest

from reactor_runtime.background import in_background


async def test_it_gives_what_the_work_gives() -> None:
    name, daemon = await in_background(lambda: (threading.current_thread().name, threading.current_thread().daemon), "load")
    assert (name, daemon) == ("load", True)


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3)])
async def test_it_raises_what_the_work_raises(error: BaseException) -> None:
    def fail() -> None:
        raise error

    async def waiting() -> BaseException | None:
        try:
            await in_background(fail, "load")
        except (ValueError, SystemExit) as caught:
            return caught
        return None

    assert await waiting() is error


async def test_nobody_has_to_wait_for_the_end_of_the_work() -> None:
    begun, end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def block() -> None:
        loop.call_soon_threadsafe(begun.set)
        end.wait(10)

    task = asyncio.create_task(in_background(block, "load"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end.set()
