"""The lease of the one coordinator that runs the control loop."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.store.schema import leases


async def hold(connection: AsyncConnection, /, name: str, holder: str, now: float, ttl_s: float) -> bool | None:
    """Takes or renews a lease: True where it was ours already, False where somebody else has it, None where it is new to us."""
    free = (leases.c.holder == holder) | (leases.c.until <= now)
    row = (await connection.execute(select(leases.c.holder).where(leases.c.name == name))).first()
    if row is None:
        try:
            async with connection.begin_nested():
                await connection.execute(insert(leases).values(name=name, holder=holder, until=now + ttl_s))
        except IntegrityError:
            return False
        return None
    taken = await connection.execute(update(leases).where(leases.c.name == name, free).values(holder=holder, until=now + ttl_s))
    if taken.rowcount != 1:
        return False
    return True if row[0] == holder else None


async def release(connection: AsyncConnection, /, name: str, holder: str) -> None:
    """Gives a lease back."""
    await connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
