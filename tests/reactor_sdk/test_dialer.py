from __future__ import annotations

import asyncio

import pytest

from reactor_sdk.dialer import both


async def give(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def fail() -> int:
    raise LookupError("no")


async def test_both_run_at_once_and_give_both_results() -> None:
    gate = asyncio.Event()

    async def opens() -> int:
        gate.set()
        return 1

    async def waits() -> str:
        await gate.wait()
        return "two"

    async with asyncio.timeout(1):
        assert await both(waits(), opens()) == ("two", 1)


async def test_the_first_failure_is_raised_as_it_is_and_ends_the_other() -> None:
    ended: list[str] = []

    async def endless() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("yes")
        return 0

    with pytest.raises(LookupError, match="no"):
        await both(endless(), fail())
    assert ended == ["yes"]
    assert await both(give(1), give(2)) == (1, 2)
