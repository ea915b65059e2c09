"""The migrations lead to the tables that the code knows, on both databases, whoever runs them."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.store.database import Database
from reactor_coordinator.store.migrate import migrate
from reactor_coordinator.store.schema import metadata


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrations_make_the_schema(database_url: str) -> None:
    database = Database(database_url)
    await migrate(database)

    async def look(connection: AsyncConnection) -> tuple[list[object], list[str]]:
        return await connection.run_sync(differences), await connection.run_sync(lambda each: inspect(each).get_table_names())

    wrong, names = await database.read(look)
    await database.close()
    assert wrong == []
    assert sorted(names) == ["alembic_version", "keys", "leases", "sessions", "signing_keys", "uploads", "workers"]


async def test_several_may_migrate_at_once_and_again(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(3)]
    await asyncio.gather(*(migrate(each) for each in databases))
    await migrate(databases[0])

    async def version(connection: AsyncConnection) -> list[str]:
        return [row[0] for row in await connection.execute(text("SELECT version_num FROM alembic_version"))]

    assert await databases[1].read(version) == ["0002"]
    for each in databases:
        await each.close()
