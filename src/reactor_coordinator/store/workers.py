"""Queries about workers. Every function works in the transaction that it is given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.records import WorkerRecord
from reactor_coordinator.store.moves import move
from reactor_coordinator.store.schema import workers
from reactor_protocol.lifecycles import WORKER, WORKER_ALIVE, WorkerEvent, WorkerState

_COLUMNS = [column.name for column in workers.columns]
_STATE = _COLUMNS.index("state")
_ALIVE = sorted(str(state) for state in WORKER_ALIVE)
_CHUNK = 500


def record(row: Sequence[Any] | Row[Any]) -> WorkerRecord:
    """A row of the table as a record."""
    values = list(row)
    values[_STATE] = WorkerState(values[_STATE])
    return WorkerRecord(*values)


async def add(connection: AsyncConnection, /, records: Iterable[WorkerRecord]) -> None:
    """New workers; those that are there already are left alone."""
    for each in records:
        if await get(connection, each.id) is None:
            await connection.execute(insert(workers).values(dict(zip(_COLUMNS, astuple(each), strict=True))))


async def get(connection: AsyncConnection, /, worker_id: str) -> WorkerRecord | None:
    """The worker of that id."""
    row = (await connection.execute(select(workers).where(workers.c.id == worker_id))).first()
    return None if row is None else record(row)


async def alive(connection: AsyncConnection, /) -> list[WorkerRecord]:
    """All workers that take up a slot, oldest first."""
    wanted = select(workers).where(workers.c.state.in_(_ALIVE)).order_by(workers.c.started_at, workers.c.id)
    return [record(row) for row in await connection.execute(wanted)]


async def lately_lost(connection: AsyncConnection, /, limit: int) -> list[WorkerRecord]:
    """The workers that were lost, those that were heard of last first."""
    lost = select(workers).where(workers.c.state == str(WorkerState.LOST))
    return [record(row) for row in await connection.execute(lost.order_by(workers.c.lease_until.desc()).limit(limit))]


async def moved(connection: AsyncConnection, /, worker_id: str, event: WorkerEvent, **values: Any) -> bool:
    """Moves a worker. False where the move is not legal from the state that it is in."""
    result = await connection.execute(move(workers, WORKER, event, **values).where(workers.c.id == worker_id))
    return result.rowcount == 1


async def reserved(connection: AsyncConnection, /, worker_id: str, session_id: str) -> bool:
    """Gives an idle worker to a session."""
    statement = move(workers, WORKER, WorkerEvent.RESERVED, session_id=session_id, idle_since=None)
    free = (workers.c.id == worker_id, workers.c.session_id.is_(None), workers.c.draining.is_(False))
    return (await connection.execute(statement.where(*free))).rowcount == 1


async def retired(connection: AsyncConnection, /, worker_id: str) -> bool:
    """Takes an idle worker out of service, unless a session has got it in the meantime."""
    statement = move(workers, WORKER, WorkerEvent.STOP)
    idle = (workers.c.id == worker_id, workers.c.state == str(WorkerState.IDLE), workers.c.session_id.is_(None))
    return (await connection.execute(statement.where(*idle))).rowcount == 1


async def stopped(connection: AsyncConnection, /, worker_id: str) -> bool:
    """A worker has been ended on purpose."""
    return await moved(connection, worker_id, WorkerEvent.STOP, session_id=None)


async def idle_by_model(connection: AsyncConnection, /) -> dict[str, int]:
    """How many workers are free, by model."""
    counted = select(workers.c.model, func.count()).where(workers.c.state == str(WorkerState.IDLE), workers.c.draining.is_(False))
    return {row[0]: row[1] for row in await connection.execute(counted.group_by(workers.c.model))}


async def released(connection: AsyncConnection, /, worker_id: str, session_id: str, now: float) -> bool:
    """The worker has ended that session, and is idle."""
    statement = move(workers, WORKER, WorkerEvent.RELEASED, session_id=None, idle_since=now)
    result = await connection.execute(statement.where(workers.c.id == worker_id, workers.c.session_id == session_id))
    return result.rowcount == 1


async def change(connection: AsyncConnection, /, worker_id: str, **values: Any) -> bool:
    """Writes what a worker has told of itself. False where it is not alive."""
    statement = update(workers).where(workers.c.id == worker_id, workers.c.state.in_(_ALIVE)).values(**values)
    return (await connection.execute(statement)).rowcount == 1


async def beat(connection: AsyncConnection, /, worker_ids: Collection[str], lease_until: float) -> None:
    """These workers have been heard of."""
    ids = sorted(worker_ids)
    for start in range(0, len(ids), _CHUNK):
        part = workers.c.id.in_(ids[start : start + _CHUNK])
        await connection.execute(update(workers).where(part, workers.c.state.in_(_ALIVE)).values(lease_until=lease_until))


async def everybody_beats(connection: AsyncConnection, /, lease_until: float) -> None:
    """Nobody could be heard for a while: all workers get a full lease to be heard of again."""
    await connection.execute(update(workers).where(workers.c.state.in_(_ALIVE)).values(lease_until=lease_until))


async def forget_gone(connection: AsyncConnection, /, before: float) -> None:
    """Deletes workers that are gone and were last heard of before a time."""
    await connection.execute(delete(workers).where(workers.c.state.not_in(_ALIVE), workers.c.lease_until < before))
