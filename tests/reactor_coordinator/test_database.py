"""A database that is closed: what is under way ends, or is broken off; nothing is opened again."""

import asyncio
import gc

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.store.database import Database, StoreUnavailableError


async def _one(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT 1"))).scalar_one())


def _open_connections() -> list[asyncpg.Connection]:
    return [each for each in gc.get_objects() if type(each) is asyncpg.Connection and not each.is_closed()]


async def _begun(database: Database, seconds: float) -> asyncio.Task[None]:
    """A transaction that takes so long, and has begun."""
    begun = asyncio.Event()

    async def work(connection: AsyncConnection) -> None:
        begun.set()
        await connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})

    task = asyncio.ensure_future(database.write(work))
    async with asyncio.timeout(20):
        await begun.wait()
    return task


async def test_a_closed_database_is_not_opened_again(database_url: str) -> None:
    database = Database(database_url)
    assert await database.read(_one) == 1
    await database.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        await database.read(_one)
    with pytest.raises(StoreUnavailableError, match="closed"):
        await database.write(_one)
    await database.close()


async def test_what_is_under_way_when_it_is_closed_comes_to_its_end(postgres_url: str) -> None:
    database = Database(postgres_url)
    task = await _begun(database, 0.1)
    await database.close()
    await task
    assert _open_connections() == []


async def test_what_takes_too_long_is_broken_off_and_leaves_no_connection(postgres_url: str) -> None:
    database = Database(postgres_url)
    task = await _begun(database, 60.0)
    await database.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        await task
    assert _open_connections() == []
