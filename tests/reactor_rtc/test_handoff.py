"""What crosses from one thread to a loop: order, bounds, and a loop that is gone."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from reactor_rtc.handoff import Arrivals, Handoff


class Taken(list[int]):
    """What has been taken; ``wanted`` items end the waiting."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self._wanted = wanted
        self.complete = asyncio.Event()

    def take(self, item: int) -> None:
        self.append(item)
        if len(self) >= self._wanted:
            self.complete.set()


async def test_items_of_another_thread_arrive_in_order() -> None:
    taken = Taken(2_000)
    handoff = Handoff(asyncio.get_running_loop(), taken.take)
    with ThreadPoolExecutor(1) as thread:
        putting = thread.submit(lambda: [handoff.put(number) for number in range(2_000)])
        async with asyncio.timeout(20):
            await taken.complete.wait()
        assert all(putting.result())
    assert taken == list(range(2_000))


async def test_the_oldest_gives_way_where_too_many_wait() -> None:
    taken = Taken(3)
    handoff = Handoff(asyncio.get_running_loop(), taken.take, 3)
    for number in range(10):
        handoff.put(number)
    await taken.complete.wait()
    assert taken == [7, 8, 9]


async def test_one_that_raises_keeps_none_back() -> None:
    taken, failures = Taken(3), []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: failures.append(repr(told["exception"])))

    def take(item: int) -> None:
        taken.take(item)
        if item == 0:
            raise ValueError("bad item")

    handoff = Handoff(asyncio.get_running_loop(), take)
    for number in range(3):
        handoff.put(number)
    async with asyncio.timeout(20):
        await taken.complete.wait()
    assert taken == [0, 1, 2]
    assert failures == ["ValueError('bad item')"]


def test_a_closed_loop_is_told_of() -> None:
    loop = asyncio.new_event_loop()
    handoff: Handoff[int] = Handoff(loop, lambda _item: None)
    assert handoff.put(1)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert not handoff.put(2)


async def test_a_slow_reader_gets_the_newest_and_the_loop_its_turn() -> None:
    arrivals: Arrivals[int] = Arrivals(asyncio.get_running_loop(), 1)
    turns = 0

    async def others() -> None:
        nonlocal turns
        for _ in range(100):
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    for number in range(20):
        arrivals.put(number)
        arrivals.put(number + 100)
        assert await arrivals.get() == number + 100
    assert turns >= 19
    await beside


async def test_a_reader_that_is_slow_gets_the_newest_and_one_whose_loop_was_busy_gets_all() -> None:
    arrivals: Arrivals[int] = Arrivals(asyncio.get_running_loop(), 6, newest_wins=True)
    waiting = asyncio.ensure_future(arrivals.get())
    await asyncio.sleep(0)
    for number in (1, 2, 3):
        arrivals.put(number)
    assert [await waiting, await arrivals.get(), await arrivals.get()] == [1, 2, 3]
    for number in (4, 5, 6):
        arrivals.put(number)
    assert await arrivals.get() == 6
    arrivals.put(7)
    assert await arrivals.get() == 7


async def test_a_reader_gets_what_is_there_then_the_end_or_the_failure() -> None:
    loop = asyncio.get_running_loop()
    ended: Arrivals[int] = Arrivals(loop, 2)
    failed: Arrivals[int] = Arrivals(loop, 2)
    ended.put(1)
    ended.end()
    assert [await ended.get(), await ended.get()] == [1, None]
    waiting = asyncio.ensure_future(failed.get())
    await asyncio.sleep(0)
    failed.end(OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        await waiting
