"""Queries about uploads. Every function works in the transaction that it is given."""

from __future__ import annotations

from dataclasses import astuple

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.records import UploadRecord
from reactor_coordinator.store.schema import sessions, uploads

_COLUMNS = [column.name for column in uploads.columns]


async def add(connection: AsyncConnection, /, upload: UploadRecord) -> None:
    """A new upload."""
    await connection.execute(insert(uploads).values(dict(zip(_COLUMNS, astuple(upload), strict=True))))


async def get(connection: AsyncConnection, /, upload_id: str) -> UploadRecord | None:
    """The upload of that id."""
    row = (await connection.execute(select(uploads).where(uploads.c.id == upload_id))).first()
    return None if row is None else UploadRecord(*row)


async def of_session(connection: AsyncConnection, /, session_id: str) -> list[UploadRecord]:
    """A session's uploads, oldest first."""
    wanted = select(uploads).where(uploads.c.session_id == session_id).order_by(uploads.c.created_at)
    return [UploadRecord(*row) for row in await connection.execute(wanted)]


async def total(connection: AsyncConnection, /, session_id: str) -> tuple[int, int]:
    """How many uploads a session has, and their bytes."""
    counted = select(func.count(), func.coalesce(func.sum(uploads.c.size), 0)).where(uploads.c.session_id == session_id)
    number, size = (await connection.execute(counted)).one()
    return int(number), int(size)


async def completed(connection: AsyncConnection, /, upload_id: str, now: float) -> bool:
    """The bytes have arrived. False where they had before."""
    whole = update(uploads).where(uploads.c.id == upload_id, uploads.c.complete_at.is_(None)).values(complete_at=now)
    return (await connection.execute(whole)).rowcount == 1


async def of_closed(connection: AsyncConnection, /, limit: int) -> list[UploadRecord]:
    """Uploads whose session is over: their bytes can go."""
    over = select(uploads).join(sessions, sessions.c.id == uploads.c.session_id).where(sessions.c.state == "CLOSED").limit(limit)
    return [UploadRecord(*row) for row in await connection.execute(over)]


async def forget(connection: AsyncConnection, /, ids: list[str]) -> None:
    """Deletes uploads."""
    await connection.execute(uploads.delete().where(uploads.c.id.in_(ids)))
