"""Requests that are answered many at a time."""

import asyncio
from collections.abc import Sequence

import pytest

from reactor_coordinator.gathered import Gathered
from reactor_protocol.errors import ServerError


class Desk:
    """Doubles numbers, one batch at a time, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()

    async def answer(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(numbers))
        await self.open.wait()
        if 13 in numbers:
            raise LookupError("no such number")
        return [ValueError("odd") if number % 2 else 2 * number for number in numbers]


async def _asking(gathered: Gathered[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.ensure_future(gathered.ask(number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_one_batch_is_answered_is_the_next_batch() -> None:
    desk = Desk()
    gathered = Gathered("test", desk.answer)
    tasks = await _asking(gathered, 2)
    await asyncio.sleep(0)
    tasks += await _asking(gathered, 4, 6)
    desk.open.set()
    assert await asyncio.gather(*tasks) == [4, 8, 12]
    assert desk.batches == [[2], [4, 6]]
    assert await gathered.ask(8) == 16
    await gathered.close()


async def test_one_refusal_is_one_request_s_and_a_failure_everybody_s() -> None:
    desk = Desk()
    desk.open.set()
    gathered = Gathered("test", desk.answer)
    given = await asyncio.gather(*await _asking(gathered, 2, 3), return_exceptions=True)
    assert (given[0], str(given[1])) == (4, "odd")
    given = await asyncio.gather(*await _asking(gathered, 2, 13), return_exceptions=True)
    assert [str(each) for each in given] == ["no such number"] * 2
    assert await gathered.ask(2) == 4
    await gathered.close()


async def test_who_gives_up_takes_no_answer_from_anybody() -> None:
    desk = Desk()
    gathered = Gathered("test", desk.answer)
    first, second = await _asking(gathered, 2, 4)
    first.cancel()
    desk.open.set()
    assert await second == 8
    await gathered.close()


async def test_at_the_end_nobody_waits_for_ever() -> None:
    desk = Desk()
    gathered = Gathered("test", desk.answer)
    under_way = await _asking(gathered, 2)
    await asyncio.sleep(0)
    gathering = await _asking(gathered, 4)
    await gathered.close()
    given = await asyncio.gather(*under_way, *gathering, return_exceptions=True)
    assert [each.status for each in given if isinstance(each, ServerError)] == [503, 503]
    with pytest.raises(ServerError, match="shutting down"):
        await gathered.ask(6)
