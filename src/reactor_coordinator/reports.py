"""Reports: what workers tell, taken down, and what they are told in answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Board
from reactor_coordinator.records import WorkerRecord
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database
from reactor_protocol.errors import NotFoundError, ReactorException
from reactor_protocol.lifecycles import WORKER_ALIVE, RuntimeState, SessionEvent, WorkerEvent, WorkerState
from reactor_protocol.resources import WorkerOrders, WorkerReport

LEASE_S: Final = 3.0
INTERVAL_S: Final = 1.0
_REPORTS_PER_SECOND: Final = 250
"""More workers than that report less often, and are given more time."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The last report of a worker that was written down, and the session that it was given."""

    said: tuple[Any, ...]
    foreign: str | None


class Reports:
    """A report that says nothing new costs no write of its own: leases are renewed for many workers at a time."""

    def __init__(self, database: Database, bell: Bell, board: Board, clock: Callable[[], float]) -> None:
        self._database = database
        self._bell = bell
        self._board = board
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._beats: set[str] = set()
        self.connections: dict[str, int] = {}

    async def take(self, worker_id: str, report: WorkerReport) -> WorkerOrders:
        """What a worker is told in answer to its report. Raises :class:`NotFoundError` for one that is not in service."""
        said = _said(report)
        known = self._known.get(worker_id)
        self.connections[worker_id] = report.connections
        if known is None or known.said != said or known.foreign is not None or worker_id not in self._board.snapshot.workers:
            known = await self._database.write(self._write, worker_id, report, said)
            if known is None:
                self.forget(worker_id)
                raise NotFoundError(f"the worker {worker_id[:64]} is not in service")
            self._known[worker_id] = known
            self._bell.ring()
        self._beats.add(worker_id)
        interval = self.interval_s
        failed = report.failure is not None or report.state == RuntimeState.TERMINATED
        return WorkerOrders(interval_s=interval, lease_s=LEASE_S * interval / INTERVAL_S, stop_session=known.foreign, exit=failed)

    @property
    def interval_s(self) -> float:
        """How often each worker is to report."""
        return max(INTERVAL_S, len(self._board.snapshot.workers) / _REPORTS_PER_SECOND)

    @property
    def lease_s(self) -> float:
        """For how long a worker is trusted to be there after a report."""
        return LEASE_S * self.interval_s / INTERVAL_S

    def forget(self, worker_id: str) -> None:
        """A worker is out of service."""
        self._known.pop(worker_id, None)
        self.connections.pop(worker_id, None)

    async def flush(self) -> None:
        """Renews the leases of all who have reported since the last call."""
        beats, self._beats = self._beats, set()
        if beats:
            try:
                await self._database.write(worker_rows.beat, beats, self._clock() + self.lease_s)
            except ReactorException:
                self._beats |= beats
                raise
        for worker_id in [each for each in self._known if each not in self._board.snapshot.workers and each not in beats]:
            self.forget(worker_id)

    async def _write(
        self, connection: AsyncConnection, worker_id: str, report: WorkerReport, said: tuple[Any, ...]
    ) -> _Known | None:
        worker = await worker_rows.get(connection, worker_id)
        if worker is None or worker.state not in WORKER_ALIVE:
            return None
        now = self._clock()
        values: dict[str, Any] = {"port": report.port, "pid": report.pid or worker.pid, "lease_until": now + self.lease_s}
        if report.capabilities is not None:
            values["capabilities"] = report.capabilities.model_dump(exclude_none=True)
        await worker_rows.change(connection, worker_id, **values)
        if report.failure is not None or report.state == RuntimeState.TERMINATED:
            await worker_rows.moved(connection, worker_id, WorkerEvent.FAILED, failure=report.failure, session_id=None)
            await session_rows.lost_worker(connection, worker_id, SessionEvent.WORKER_LOST, now)
            return _Known(said, report.session_id)
        if worker.state is WorkerState.STARTING and report.state == RuntimeState.READY:
            await worker_rows.moved(connection, worker_id, WorkerEvent.LOADED, idle_since=now)
        return _Known(said, await self._sessions(connection, worker, report, now))

    async def _sessions(self, connection: AsyncConnection, worker: WorkerRecord, report: WorkerReport, now: float) -> str | None:
        """Ends what the worker says has ended, if it was given that. Returns a session that it runs and was not given."""
        ended = report.ended
        if ended is not None and ended.session_id == worker.session_id and report.session_id != worker.session_id:
            await session_rows.close(connection, ended.session_id, ended.reason or "ended", now, held_by=worker.id)
            await worker_rows.released(connection, worker.id, ended.session_id, now)
        running = report.session_id
        return running if running is not None and running != worker.session_id else None


def _said(report: WorkerReport) -> tuple[Any, ...]:
    ended = (report.ended.session_id, report.ended.reason) if report.ended is not None else None
    return (report.port, report.pid, report.state, report.session_id, ended, report.failure, report.capabilities is not None)
