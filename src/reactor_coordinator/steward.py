"""Steward: does what has been decided about sessions and workers. One coordinator at a time has it work, by a lease.

Nothing here is trusted to happen only once: every step is a compare-and-set in the database, or an order that a worker may be
given twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator import deadlines
from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Snapshot
from reactor_coordinator.config import CloudConfig
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.scheduler import Placement
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database, StoreUnavailableError
from reactor_coordinator.uploads import Uploads
from reactor_coordinator.worker_client import NotNowError, WorkerClient
from reactor_protocol.errors import ReactorException
from reactor_protocol.lifecycles import SessionEvent, SessionState, WorkerEvent, WorkerState
from reactor_protocol.names import NOTICE_EXPIRATION
from reactor_protocol.resources import Notice
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

_MOVED: Final = "moved"


@dataclass(frozen=True, slots=True)
class Tools:
    """What the steward works with."""

    config: CloudConfig
    database: Database
    bell: Bell
    client: WorkerClient
    uploads: Uploads
    clock: Callable[[], float]


class Steward:
    """Carries out decisions. Orders to workers run beside each other, at most one at a time for each worker."""

    def __init__(self, tools: Tools, on_started: Callable[[SessionRecord, float], None]) -> None:
        self._tools = tools
        self._on_started = on_started
        self._orders: set[str] = set()
        self._scope = TaskScope("steward")

    def _order(self, worker_id: str, order: Coroutine[Any, Any, None], name: str) -> None:
        """Runs an order for a worker, unless one is under way; what has still to be done is seen again at the next look."""
        if worker_id in self._orders:
            order.close()
            return
        self._orders.add(worker_id)

        async def carry_out() -> None:
            try:
                await order
            finally:
                self._orders.discard(worker_id)
                self._tools.bell.ring()

        self._scope.start(carry_out(), f"{name} {worker_id}")

    # ------------------------------------------------------------------------------------------------------ deadlines

    async def keep_deadlines(self, snapshot: Snapshot, actions: Sequence[deadlines.Action]) -> None:
        """Warns, suspends and ends sessions whose time has come."""
        if not actions:
            return
        now = self._tools.clock()

        async def write(connection: AsyncConnection) -> None:
            for action in actions:
                match action:
                    case deadlines.End(session_id, reason):
                        await session_rows.close(connection, session_id, str(reason), now)
                    case deadlines.Suspend(session_id):
                        await session_rows.moved(connection, session_id, SessionEvent.CLIENT_LEFT)
                    case deadlines.Warn(session_id):
                        await session_rows.warned(connection, session_id, now)

        await self._tools.database.write(write)
        for action in actions:
            if isinstance(action, deadlines.Warn):
                self._warn(snapshot, action)
        self._tools.bell.ring()

    def _warn(self, snapshot: Snapshot, action: deadlines.Warn) -> None:
        session = snapshot.sessions[action.session_id]
        worker = snapshot.workers.get(session.worker_id or "")
        if worker is not None:
            notice = Notice(type=NOTICE_EXPIRATION, data={"expires_at": session.expires_at, "remaining_s": action.remaining_s})
            self._scope.start(self._notify(worker, notice), f"warn {session.id}")

    async def _notify(self, worker: WorkerRecord, notice: Notice) -> None:
        try:
            await self._tools.client.notify(worker, notice)
        except ReactorException as error:
            logger.warning("the clients of worker %s were not told of %s: %s", worker.id, notice.type, error)

    # ------------------------------------------------------------------------------------------------------- workers

    async def write_off(self, worker_ids: Sequence[str], why: str) -> None:
        """Takes workers out of service; their sessions go to the front of the queue."""
        if not worker_ids:
            return
        now = self._tools.clock()

        async def write(connection: AsyncConnection) -> list[str]:
            lost = []
            for worker_id in worker_ids:
                if await worker_rows.moved(connection, worker_id, WorkerEvent.LEASE_EXPIRED, session_id=None, failure=why):
                    session = await session_rows.lost_worker(connection, worker_id, SessionEvent.WORKER_LOST, now)
                    lost.append(f"{worker_id} (session {session})" if session else worker_id)
            return lost

        for each in await self._tools.database.write(write):
            logger.warning("the worker %s is lost: %s", each, why)
        self._tools.bell.ring()

    def release(self, snapshot: Snapshot) -> None:
        """Ends at the workers the sessions that are over, or have been moved."""
        for worker in snapshot.workers.values():
            if worker.state is not WorkerState.BUSY or worker.session_id is None:
                continue
            session = snapshot.sessions.get(worker.session_id)
            if session is None or session.worker_id != worker.id:
                self._order(worker.id, self._release(worker, moved=session is not None), "release")

    async def _release(self, worker: WorkerRecord, *, moved: bool) -> None:
        session_id = worker.session_id or ""
        session = await self._tools.database.read(session_rows.get, session_id)
        if session is not None and session.worker_id == worker.id:
            # The snapshot was of two moments, or is older than what another coordinator has done.
            return
        reason = _MOVED if moved else (session.reason if session is not None else None) or "ended"
        try:
            await self._tools.client.stop(worker, reason, moved=moved)
        except ReactorException as error:
            await self.write_off([worker.id], f"it did not end its session: {error}")
            return
        now = self._tools.clock()
        await self._tools.database.write(worker_rows.released, worker.id, session_id, now)

    async def tell_over(self, worker: WorkerRecord, reason: str) -> None:
        """Has a worker tell its clients that their session is over, before it is stopped itself."""
        try:
            await self._tools.client.stop(worker, reason)
        except ReactorException as error:
            logger.warning("the clients of worker %s were not told of the end: %s", worker.id, error)

    # ----------------------------------------------------------------------------------------------------- placement

    async def place(self, snapshot: Snapshot, placements: Sequence[Placement]) -> None:
        """Gives waiting sessions their workers, and has them started."""
        if not placements:
            return

        async def write(connection: AsyncConnection) -> list[Placement]:
            return [each for each in placements if await _placed(connection, each)]

        for placement in await self._tools.database.write(write):
            session, worker = snapshot.sessions[placement.session_id], snapshot.workers[placement.worker_id]
            self._order(worker.id, self._start(session, worker), "start")
        self._tools.bell.ring()

    def start_pending(self, snapshot: Snapshot) -> None:
        """Starts sessions that were placed by a coordinator which is no more."""
        for session in snapshot.sessions.values():
            worker = snapshot.workers.get(session.worker_id or "")
            if session.state is SessionState.PENDING and worker is not None:
                self._order(worker.id, self._start_again(session, worker), "start")

    async def _start_again(self, session: SessionRecord, worker: WorkerRecord) -> None:
        """Starts a session that a snapshot shows as not started, unless it has been: told twice, a worker may begin it anew."""
        present = await self._tools.database.read(session_rows.get, session.id)
        if present is not None and present.state is SessionState.PENDING and present.worker_id == worker.id:
            await self._start(session, worker)

    async def _start(self, session: SessionRecord, worker: WorkerRecord) -> None:
        tools = self._tools
        try:
            await tools.client.start(worker, session.id)
            told = await tools.uploads.hand_over(tools.client, worker, session.id)
        except (NotNowError, StoreUnavailableError) as error:
            # A database that is away is no fault of the worker: the next look finds the session still to be started.
            logger.debug("session %s: %s", session.id, error)
            return
        except ReactorException as error:
            logger.warning("the worker %s did not start session %s: %s", worker.id, session.id, error)
            await self.write_off([worker.id], f"it did not start a session: {error}")
            return
        now = tools.clock()
        length = self._longest(session)
        if await tools.database.write(session_rows.started, session, worker.id, length, now):
            logger.info("session %s runs on worker %s", session.id, worker.id)
            self._on_started(session, now - session.queued_at)
            await self._hand_over_rest(session, worker, told)

    async def _hand_over_rest(self, session: SessionRecord, worker: WorkerRecord, told: frozenset[str]) -> None:
        """Tells a worker of the files that were reserved while it was being told of the others, before the session was ACTIVE."""
        try:
            await self._tools.uploads.hand_over(self._tools.client, worker, session.id, told)
        except ReactorException as error:
            logger.warning("the worker %s was not told of all uploads: %s", worker.id, error)

    def _longest(self, session: SessionRecord) -> float:
        spec = self._tools.config.models.get(session.model)
        return (spec.max_session_seconds if spec is not None else None) or self._tools.config.limits.session_seconds

    async def close(self) -> None:
        """Ends the orders that are under way; another coordinator takes them up again."""
        await self._scope.close()


async def _placed(connection: AsyncConnection, placement: Placement) -> bool:
    """Both rows, or none."""
    pair = await connection.begin_nested()
    if await session_rows.placed(connection, placement.session_id, placement.worker_id) and await worker_rows.reserved(
        connection, placement.worker_id, placement.session_id
    ):
        await pair.commit()
        return True
    await pair.rollback()
    return False
