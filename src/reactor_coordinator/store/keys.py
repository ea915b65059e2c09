"""Queries about API keys and the signing key. Every function works in the transaction that it is given."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.records import Key, Role
from reactor_coordinator.store.schema import keys, signing_keys

_COLUMNS = [column.name for column in keys.columns]
_ROLE = _COLUMNS.index("role")


def _record(row: Sequence[Any] | Row[Any]) -> Key:
    values = list(row)
    values[_ROLE] = Role(values[_ROLE])
    return Key(*values)


async def add(connection: AsyncConnection, /, key: Key) -> None:
    """A new key."""
    await connection.execute(insert(keys).values(dict(zip(_COLUMNS, astuple(key), strict=True))))


async def by_digest(connection: AsyncConnection, /, digest: str) -> Key | None:
    """The key with that hash."""
    row = (await connection.execute(select(keys).where(keys.c.digest == digest))).first()
    return None if row is None else _record(row)


async def by_ids(connection: AsyncConnection, /, ids: Collection[str], *, lock: bool = False) -> dict[str, Key]:
    """Keys by id. With ``lock`` no other coordinator decides about them until the transaction ends (PostgreSQL)."""
    wanted = select(keys).where(keys.c.id.in_(ids)).order_by(keys.c.id)
    found = [_record(row) for row in await connection.execute(wanted.with_for_update() if lock else wanted)]
    return {key.id: key for key in found}


async def listing(connection: AsyncConnection, /) -> list[Key]:
    """All keys, oldest first."""
    return [_record(row) for row in await connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))]


async def newest(connection: AsyncConnection, /, limit: int, first: int) -> list[Key]:
    """So many keys, newest first, from the one with the number ``first`` on (counted from 0)."""
    wanted = select(keys).order_by(keys.c.created_at.desc(), keys.c.id).limit(limit).offset(first)
    return [_record(row) for row in await connection.execute(wanted)]


async def count(connection: AsyncConnection, /) -> int:
    """How many keys there are, revoked ones included."""
    return int((await connection.execute(select(func.count()).select_from(keys))).scalar_one())


async def revoke(connection: AsyncConnection, /, id_or_prefix: str, now: float) -> list[Key]:
    """Revokes the key of that id or beginning; returns it. Changes nothing, and returns all, where several fit."""
    fits = (keys.c.id == id_or_prefix) | (keys.c.prefix == id_or_prefix)
    found = [_record(row) for row in await connection.execute(select(keys).where(fits))]
    if len(found) == 1:
        await connection.execute(update(keys).where(keys.c.id == found[0].id, keys.c.revoked_at.is_(None)).values(revoked_at=now))
    return found


async def signing_pem(connection: AsyncConnection, /) -> str | None:
    """The private key that signs tokens."""
    return (await connection.execute(select(signing_keys.c.pem).order_by(signing_keys.c.id).limit(1))).scalar_one_or_none()


async def add_signing_pem(connection: AsyncConnection, /, pem: str, now: float) -> None:
    """Keeps the private key that signs tokens."""
    await connection.execute(insert(signing_keys).values(id=1, pem=pem, created_at=now))
