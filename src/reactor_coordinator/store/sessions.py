"""Queries about sessions. Every function works in the transaction that it is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import Row, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.moves import move, padded
from reactor_coordinator.store.schema import keys, sessions, workers
from reactor_protocol.lifecycles import SESSION, SESSION_OPEN, SESSION_PLACED, SESSION_QUEUED, SessionEvent, SessionState

_COLUMNS = [column.name for column in sessions.columns]
_OPEN = sorted(str(state) for state in SESSION_OPEN)
_QUEUED = sorted(str(state) for state in SESSION_QUEUED)
_PLACED = sorted(str(state) for state in SESSION_PLACED)
_STATE = _COLUMNS.index("state")
_CHUNK = 500


def _record(row: Sequence[Any] | Row[Any]) -> SessionRecord:
    values = list(row)
    values[_STATE] = SessionState(values[_STATE])
    return SessionRecord(*values)


async def add(connection: AsyncConnection, /, records: Iterable[SessionRecord]) -> None:
    """New sessions."""
    rows = [dict(zip(_COLUMNS, astuple(record), strict=True)) for record in records]
    if rows:
        await connection.execute(insert(sessions), rows)


async def get(connection: AsyncConnection, /, session_id: str) -> SessionRecord | None:
    """The session of that id."""
    row = (await connection.execute(select(sessions).where(sessions.c.id == session_id))).first()
    return None if row is None else _record(row)


async def beginning(connection: AsyncConnection, /, begin: str) -> list[str]:
    """The ids that begin like that: two at most, that itself among them if it is one."""
    rows = select(sessions.c.id).where(sessions.c.id.startswith(begin, autoescape=True)).order_by(sessions.c.id).limit(2)
    return [str(row[0]) for row in await connection.execute(rows)]


async def by_ids(connection: AsyncConnection, /, session_ids: Collection[str]) -> dict[str, SessionRecord]:
    """Those of these sessions that exist, by id."""
    rows = await connection.execute(select(sessions).where(sessions.c.id.in_(padded(session_ids))))
    return {record.id: record for record in map(_record, rows)}


async def with_workers(
    connection: AsyncConnection, /, session_ids: Collection[str]
) -> dict[str, tuple[SessionRecord, WorkerRecord | None]]:
    """Those of these sessions that exist, by id, each with the worker that holds it."""
    joined = select(sessions, workers).outerjoin(workers, workers.c.id == sessions.c.worker_id)
    split, found = len(_COLUMNS), {}
    for row in await connection.execute(joined.where(sessions.c.id.in_(padded(session_ids)))):
        session = _record(row[:split])
        found[session.id] = session, None if row[split] is None else worker_rows.record(row[split:])
    return found


async def of_key(connection: AsyncConnection, /, key_id: str) -> list[SessionRecord]:
    """A key's open sessions, oldest first."""
    wanted = select(sessions).where(sessions.c.key_id == key_id, sessions.c.state.in_(_OPEN)).order_by(sessions.c.created_at)
    return [_record(row) for row in await connection.execute(wanted)]


async def all_open(connection: AsyncConnection, /, known: Known | None = None) -> list[SessionRecord]:
    """All open sessions. Those whose rows are as they were the last time that ``known`` was given are the same objects again."""
    rows = map(tuple, await connection.execute(select(sessions).where(sessions.c.state.in_(_OPEN))))
    return [_record(row) for row in rows] if known is None else known.records(rows)


class Known:
    """Rows and their records, from one reading of the table to the next: of ten thousand that wait, few have changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[Any, ...], SessionRecord]] = {}

    def records(self, rows: Iterable[tuple[Any, ...]]) -> list[SessionRecord]:
        """A record for each row; nothing else is remembered."""
        before, now = self._known, {}
        for row in rows:
            one = before.get(row[0])
            now[row[0]] = (row, _record(row)) if one is None or one[0] != row else one
        self._known = now
        return [record for _, record in now.values()]


async def newest(connection: AsyncConnection, /, limit: int, *, closed: bool) -> list[SessionRecord]:
    """The newest sessions, newest first."""
    wanted = select(sessions).order_by(sessions.c.created_at.desc()).limit(limit)
    if not closed:
        wanted = wanted.where(sessions.c.state.in_(_OPEN))
    return [_record(row) for row in await connection.execute(wanted)]


async def lately_over(connection: AsyncConnection, /, limit: int) -> list[SessionRecord]:
    """The sessions that ended last, newest end first."""
    wanted = select(sessions).where(sessions.c.ended_at.is_not(None)).order_by(sessions.c.ended_at.desc()).limit(limit)
    return [_record(row) for row in await connection.execute(wanted)]


async def moved(connection: AsyncConnection, /, session_id: str, event: SessionEvent, **values: Any) -> bool:
    """Moves a session. False where the move is not legal from the state that it is in."""
    result = await connection.execute(move(sessions, SESSION, event, **values).where(sessions.c.id == session_id))
    return result.rowcount == 1


async def placed(connection: AsyncConnection, /, session_id: str, worker_id: str) -> bool:
    """Gives a queued session a worker."""
    statement = move(sessions, SESSION, SessionEvent.PLACED, worker_id=worker_id, placements=sessions.c.placements + 1)
    result = await connection.execute(statement.where(sessions.c.id == session_id, sessions.c.worker_id.is_(None)))
    return result.rowcount == 1


async def started(connection: AsyncConnection, /, session: SessionRecord, worker_id: str, default_s: float, now: float) -> bool:
    """The worker runs the session: it is ACTIVE. Its time counts from the first worker, and ends with the key's credit."""
    row = (await connection.execute(select(keys.c.credit_s).where(keys.c.id == session.key_id))).first()
    length = session.max_duration_s or default_s
    if row is not None and row[0] is not None:
        length = min(length, max(0.0, row[0]))
    statement = move(
        sessions,
        SESSION,
        SessionEvent.STARTED,
        active_at=func.coalesce(sessions.c.active_at, now),
        expires_at=func.coalesce(sessions.c.expires_at, now + length),
        seen_at=now,
    )
    result = await connection.execute(statement.where(sessions.c.id == session.id, sessions.c.worker_id == worker_id))
    return result.rowcount == 1


async def lost_worker(connection: AsyncConnection, /, worker_id: str, event: SessionEvent, now: float) -> str | None:
    """The session of that worker has to be placed anew: its id, or None where the worker holds none."""
    row = (await connection.execute(select(sessions.c.id).where(sessions.c.worker_id == worker_id))).first()
    if row is None:
        return None
    counted = sessions.c.restarts + (1 if event is SessionEvent.WORKER_LOST else 0)
    statement = move(sessions, SESSION, event, worker_id=None, restarts=counted, queued_at=now, seen_at=now)
    # By its worker too: in the meantime it may have been given another one, which it does not lose.
    result = await connection.execute(statement.where(sessions.c.id == row[0], sessions.c.worker_id == worker_id))
    return str(row[0]) if result.rowcount == 1 else None


async def close(connection: AsyncConnection, /, session_id: str, reason: str, now: float, *, held_by: str | None = None) -> bool:
    """Ends a session, and charges its key for it. False where it was over already, or is not held by that worker any more."""
    return await close_all(connection, [session_id], reason, now, held_by=held_by) == 1


async def close_all(
    connection: AsyncConnection, /, session_ids: Collection[str], reason: str, now: float, *, held_by: str | None = None
) -> int:
    """Ends those of these sessions that are not over, for one reason, and charges their keys. Returns how many they were."""
    statement = move(sessions, SESSION, SessionEvent.END, worker_id=None, ended_at=now, reason=reason[:512])
    if held_by is not None:
        statement = statement.where(sessions.c.worker_id == held_by)
    ended = statement.where(sessions.c.id.in_(padded(session_ids))).returning(sessions.c.key_id, sessions.c.active_at)
    rows = (await connection.execute(ended)).all()
    used: defaultdict[str, float] = defaultdict(float)
    for key_id, active_at in rows:
        if active_at is not None:
            used[key_id] += now - active_at
    for key_id, seconds in sorted(used.items()):
        charged = update(keys).where(keys.c.id == key_id, keys.c.credit_s.is_not(None))
        await connection.execute(charged.values(credit_s=keys.c.credit_s - seconds))
    return len(rows)


async def warned(connection: AsyncConnection, /, session_id: str, now: float) -> None:
    """Its clients are being told that it will end."""
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(warned_at=now))


async def seen(connection: AsyncConnection, /, session_ids: Collection[str], now: float) -> None:
    """Their clients are there: those that had left are back in the queue."""
    ids = sorted(session_ids)
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        back = case((sessions.c.state == str(SessionState.SUSPENDED), str(SessionState.WAITING)), else_=sessions.c.state)
        await connection.execute(
            update(sessions).where(sessions.c.id.in_(part), sessions.c.state.in_(_QUEUED)).values(seen_at=now, state=back)
        )


async def everybody_seen(connection: AsyncConnection, /, now: float) -> None:
    """Nobody could be heard for a while: all queued clients get their full time to come back."""
    await connection.execute(update(sessions).where(sessions.c.state.in_(_QUEUED)).values(seen_at=now))


async def forget_closed(connection: AsyncConnection, /, before: float) -> int:
    """Deletes sessions that ended before a time, and says how many."""
    result = await connection.execute(delete(sessions).where(sessions.c.ended_at.is_not(None), sessions.c.ended_at < before))
    return result.rowcount


# ----------------------------------------------------------------------------------------------------- for admission


async def open_by_key(connection: AsyncConnection, /, key_ids: Collection[str]) -> dict[str, int]:
    """How many open sessions these keys have."""
    counted = select(sessions.c.key_id, func.count()).where(sessions.c.key_id.in_(key_ids), sessions.c.state.in_(_OPEN))
    return {row[0]: row[1] for row in await connection.execute(counted.group_by(sessions.c.key_id))}


async def queued_by_model(connection: AsyncConnection, /) -> dict[str, int]:
    """How many sessions are in the queue, by model."""
    counted = select(sessions.c.model, func.count()).where(sessions.c.state.in_(_QUEUED)).group_by(sessions.c.model)
    return {row[0]: row[1] for row in await connection.execute(counted)}


async def made_by_token(connection: AsyncConnection, /, token_ids: Collection[str]) -> dict[str, int]:
    """How many sessions were ever made with these tokens."""
    counted = select(sessions.c.token_id, func.count()).where(sessions.c.token_id.in_(token_ids)).group_by(sessions.c.token_id)
    return {row[0]: row[1] for row in await connection.execute(counted)}


async def made_since(connection: AsyncConnection, /, key_ids: Collection[str], since: float) -> dict[str, list[float]]:
    """When these keys have made sessions since a time, earliest first."""
    wanted = select(sessions.c.key_id, sessions.c.created_at).where(sessions.c.key_id.in_(key_ids), sessions.c.created_at > since)
    times: dict[str, list[float]] = {}
    for key_id, created_at in await connection.execute(wanted.order_by(sessions.c.created_at)):
        times.setdefault(key_id, []).append(created_at)
    return times


async def mean_length(connection: AsyncConnection, /, since: float) -> dict[str, tuple[float, int]]:
    """Mean length in seconds, and number, of the sessions that have ended since a time, by model."""
    ended = select(sessions.c.model, func.avg(sessions.c.ended_at - sessions.c.active_at), func.count()).where(
        sessions.c.ended_at > since, sessions.c.active_at.is_not(None)
    )
    return {row[0]: (float(row[1]), row[2]) for row in await connection.execute(ended.group_by(sessions.c.model))}
