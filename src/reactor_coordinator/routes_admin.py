"""Routes of the operator's page: what there is, in pages of bounded size, and what an operator may do about it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response, Security
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator import overview
from reactor_coordinator.bodies import StrictRoute
from reactor_coordinator.callers import BEARER
from reactor_coordinator.failures import documented
from reactor_coordinator.office import ENDED_BY_OPERATOR, Office
from reactor_coordinator.overview import Asked, First, HouseState, KeyShown, Listed, Rows, Seen, Window, key_shown
from reactor_coordinator.records import Key, SessionRecord, WorkerRecord
from reactor_coordinator.service import Service
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.views import VERSION
from reactor_protocol.names import MAX_REASON_CHARS

_REFUSALS: Final = documented(400, 401, 403, 413, 422, 429, 503)
_NO_STORE: Final = "no-store"
_MOST_CHARS: Final = 300
"""Of why something ended."""

SessionId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
WorkerId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class EndsAsked(Asked):
    rows: Rows = 50


class KeysAsked(Asked):
    first: First = 0


class KeyRow(BaseModel):
    """An API key: what it may do, and how many open sessions it has. The key itself is not kept anywhere."""

    id: str
    name: str
    prefix: str
    role: str
    priority: int
    sessions: int
    max_sessions: int | None = None
    sessions_per_minute: int | None = None
    credit_s: float | None = None
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None


class EndRow(BaseModel):
    """A session that is over: when, why, and for how many seconds it ran; absent where it never did."""

    session_id: str
    model: str
    key: KeyShown
    ended_at: float
    reason: str
    ran_s: float | None = None
    restarts: int = 0


class FailureRow(BaseModel):
    """A worker that was lost; ``heard_until`` is when its last lease ran out."""

    worker_id: str
    model: str
    failure: str
    started_at: float
    heard_until: float


class LatelyOver(BaseModel):
    """The newest ends of sessions, and the workers that were lost, newest first."""

    sessions: list[EndRow]
    workers: list[FailureRow]


class EndOrder(BaseModel):
    """Why a session is to end; its clients are told."""

    reason: str | None = Field(default=None, max_length=MAX_REASON_CHARS)


class SessionEnded(BaseModel):
    session_id: str
    reason: str


class WorkerDrained(BaseModel):
    """``session_id`` is the session that comes to its end first."""

    worker_id: str
    session_id: str | None = None


def admin_routes(service: Service) -> APIRouter:
    """``/admin/...``: for callers with an admin's key, or a token of it that is bound to nothing."""
    router = APIRouter(prefix="/admin", tags=["admin"], route_class=StrictRoute, dependencies=[Security(BEARER)])
    office = Office(service.database, service.clock)

    async def enter(request: Request, response: Response) -> None:
        response.headers["Cache-Control"] = _NO_STORE
        await service.doorkeeper.admin(request)

    @router.get("/state", responses=_REFUSALS)
    async def state(request: Request, response: Response, window: Annotated[Window, Query()]) -> HouseState:
        """The house as this coordinator saw it last: counts, models, and a part each of queue, sessions and workers."""
        await enter(request, response)
        return await _state(service, window)

    @router.get("/ends", responses=_REFUSALS)
    async def ends(request: Request, response: Response, asked: Annotated[EndsAsked, Query()]) -> LatelyOver:
        """What is over: the newest ends of sessions, and the workers that were lost."""
        await enter(request, response)
        return await service.database.read(_over, asked.rows)

    @router.get("/keys", responses=_REFUSALS)
    async def keys(request: Request, response: Response, asked: Annotated[KeysAsked, Query()]) -> Listed[KeyRow]:
        """The API keys, newest first. They are made and revoked on the coordinator's machine: ``reactor keys``."""
        await enter(request, response)
        return await service.database.read(_keys, asked.rows, asked.first)

    @router.post("/sessions/{session_id}/end", responses={**documented(404, 409), **_REFUSALS})
    async def end(request: Request, response: Response, session_id: SessionId, order: EndOrder | None = None) -> SessionEnded:
        """Ends a session; its clients are told why. 409 where it is over already."""
        await enter(request, response)
        reason = (order.reason if order is not None else None) or ENDED_BY_OPERATOR
        await office.end_session(session_id, reason)
        service.bell.ring()
        return SessionEnded(session_id=session_id, reason=reason)

    @router.post("/workers/{worker_id}/drain", responses={**documented(404), **_REFUSALS})
    async def drain(request: Request, response: Response, worker_id: WorkerId) -> WorkerDrained:
        """Lets a worker's session come to its end, then stops the worker; another one replaces it where one is needed."""
        await enter(request, response)
        await office.drain_worker(worker_id)
        service.bell.ring()
        worker = await service.database.read(worker_rows.get, worker_id)
        return WorkerDrained(worker_id=worker_id, session_id=None if worker is None else worker.session_id)

    return router


async def _state(service: Service, window: Window) -> HouseState:
    snapshot = service.board.snapshot
    seen = Seen(snapshot, service.config, service.reports.connections, service.intake.estimates)
    shown = overview.cut(snapshot, window)
    keys = await service.database.read(key_rows.by_ids, shown.key_ids)
    queue = overview.queue_rows(seen, shown.queue, keys)
    sessions = overview.session_rows(seen, shown.sessions, keys)
    return HouseState(
        now=snapshot.now,
        cluster=service.config.cluster,
        version=VERSION,
        draining=service.draining,
        counts=overview.counts_of(seen, shown),
        models=overview.models_of(seen, shown),
        queue=Listed(total=len(shown.waiting), first=window.queue_from, rows=queue),
        sessions=Listed(total=shown.placed, first=window.sessions_from, rows=sessions),
        workers=Listed(total=len(snapshot.workers), first=window.workers_from, rows=overview.worker_rows(seen, shown.workers)),
    )


async def _over(connection: AsyncConnection, /, rows: int) -> LatelyOver:
    over = await session_rows.lately_over(connection, rows)
    lost = await worker_rows.lately_lost(connection, rows)
    keys = await key_rows.by_ids(connection, {each.key_id for each in over})
    return LatelyOver(sessions=[_end_row(each, keys) for each in over], workers=[_failure_row(each) for each in lost])


async def _keys(connection: AsyncConnection, /, rows: int, first: int) -> Listed[KeyRow]:
    shown = await key_rows.newest(connection, rows, first)
    used = await session_rows.open_by_key(connection, [each.id for each in shown])
    total = await key_rows.count(connection)
    return Listed(total=total, first=first, rows=[_key_row(each, used.get(each.id, 0)) for each in shown])


def _end_row(session: SessionRecord, keys: dict[str, Key]) -> EndRow:
    ended_at = session.ended_at or 0.0
    return EndRow(
        session_id=session.id,
        model=session.model,
        key=key_shown(session.key_id, keys),
        ended_at=ended_at,
        reason=(session.reason or "")[:_MOST_CHARS],
        ran_s=None if session.active_at is None else round(max(0.0, ended_at - session.active_at), 1),
        restarts=session.restarts,
    )


def _failure_row(worker: WorkerRecord) -> FailureRow:
    return FailureRow(
        worker_id=worker.id,
        model=worker.model,
        failure=(worker.failure or "")[:_MOST_CHARS],
        started_at=worker.started_at,
        heard_until=worker.lease_until,
    )


def _key_row(key: Key, sessions: int) -> KeyRow:
    return KeyRow(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        role=str(key.role),
        priority=key.priority,
        sessions=sessions,
        max_sessions=key.max_sessions,
        sessions_per_minute=key.sessions_per_minute,
        credit_s=None if key.credit_s is None else round(key.credit_s, 1),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )
