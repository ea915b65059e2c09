"""Brings a database to the present schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.store.database import Database

_SCRIPTS = Path(__file__).parent.parent / "migrations"
_LOCK = 0x7EAC708


async def migrate(database: Database) -> None:
    """Runs the migrations that a database lacks; several coordinators may do so at once."""

    async def work(connection: AsyncConnection, /) -> None:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(_upgrade)

    await database.write(work)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
