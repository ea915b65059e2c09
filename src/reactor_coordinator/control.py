"""Control: the loop that looks at the house, decides, and has the steward do it.

Every coordinator looks, for the clients that wait here; the one that holds the lease also acts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator import deadlines, scheduler
from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Board, Snapshot
from reactor_coordinator.config import Limits
from reactor_coordinator.crew import Crew
from reactor_coordinator.outlook import EVERY_S, Outlook
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.reports import Reports
from reactor_coordinator.steward import Steward
from reactor_coordinator.store import leases as lease_rows
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database
from reactor_protocol.errors import ReactorException

logger = logging.getLogger(__name__)

LEASE: Final = "control"
LEASE_TTL_S: Final = 3.0
_RENEW_S: Final = 1.0
_LOOK_S: Final = 0.5
_STEP_S: Final = 0.05
_MOST_GONE: Final = 1000
_SEEN_S: Final = 5.0
_BEAT_S: Final = 0.5
_REST: Final = 8.0
"""After a look the loop rests so many times as long as it took to decide: a house of any size costs a fifth of a core at most.

Reading costs about as much again. What is done about what was seen does not count so much, for somebody waits for it; but the
loop rests at least twice as long as a look took in all, so that under load there is time for everybody else.
"""
_LONGEST_REST_S: Final = 1.0
_MAX_PLACEMENTS: Final = 64


class Control:
    """The loop. :attr:`leads` says whether this coordinator is the one that acts."""

    def __init__(self, database: Database, bell: Bell, board: Board, reports: Reports, steward: Steward, crew: Crew) -> None:
        self.holder = uuid4().hex
        self.leads = False
        self.outlook = Outlook(database)
        self._database = database
        self._bell = bell
        self._board = board
        self._reports = reports
        self._steward = steward
        self._crew = crew
        self._known = session_rows.Known()
        self._done_at: dict[str, float] = {}
        self._up_since = 0.0
        self._began = 0.0
        self._looked_at = 0.0
        self._deciding_s = 0.0

    async def run(self, limits: Limits, clock: Callable[[], float]) -> None:
        """Looks whenever the bell rings, and every now and then. A look that fails is logged, and made again."""
        self._began = clock()
        while True:
            began = clock()
            try:
                await self.look(limits, began)
            except (ReactorException, SQLAlchemyError) as error:
                logger.warning("the house could not be looked after: %s", error)
            await self._rest(clock, max(2 * (clock() - began), _REST * self._deciding_s))

    async def _rest(self, clock: Callable[[], float], seconds: float) -> None:
        """Waits until it is time to look again. Meanwhile those who wait are told of their positions, some at a time."""
        earliest = clock() + min(_LONGEST_REST_S, seconds)
        latest = earliest + _LOOK_S
        while (now := clock()) < latest:
            step = _STEP_S if self._board.crowded else latest - now
            if self._board.crowded:
                self._board.go_round(now)
            if now < earliest:
                await asyncio.sleep(min(step, earliest - now))
            elif await self._bell.wait(min(step, latest - now)):
                return

    async def look(self, limits: Limits, now: float) -> None:
        """One look: reads the house, shows it to those who wait, and acts on it where this coordinator leads."""
        if self._is_time("beat", _BEAT_S, now):
            await self._reports.flush()
        if self._is_time("seen", min(_SEEN_S, limits.unseen_seconds / 4), now) or self._board.returned:
            present = self._board.present()
            if present:
                await self._database.write(session_rows.seen, present, now)
        sessions, workers = await self._database.read(_house, self._known)
        began = time.perf_counter()
        if now - self._looked_at > LEASE_TTL_S:
            # Nobody could be heard while this coordinator, or the database, stood still: no silence counts from before.
            self._up_since = now
        outlook = self.outlook
        decision = scheduler.decide(scheduler.board_of(sessions, workers), outlook.estimates, outlook.earlier(now))
        snapshot = Snapshot(now, {each.id: each for each in sessions}, {each.id: each for each in workers}, decision.places)
        gone = self._board.show(snapshot)[:_MOST_GONE]
        self._deciding_s = time.perf_counter() - began
        if gone:
            for over in (await self._database.read(session_rows.by_ids, gone)).values():
                self._board.tell(over)
        outlook.note(snapshot)
        if self._is_time("outlook", EVERY_S, now):
            await outlook.update(snapshot, now - self._began)
        if self._is_time("lease", _RENEW_S, now):
            await self._renew(now)
        if self.leads:
            await self._act(snapshot, decision, limits)
        self._looked_at = now

    async def _renew(self, now: float) -> None:
        held = await self._database.write(lease_rows.hold, LEASE, self.holder, now, LEASE_TTL_S)
        if held is not False and not (held and self.leads):
            # While nobody led, nobody's silence was noted: leases and places begin anew.
            self._up_since = now
            workers = await self._database.write(_take_over, now, self._reports.lease_s)
            await self._crew.adopt(workers)
            logger.info("this coordinator leads")
        self.leads = held is not False

    async def _act(self, snapshot: Snapshot, decision: scheduler.Decision, limits: Limits) -> None:
        sessions, workers = snapshot.sessions.values(), snapshot.workers.values()
        dead = await self._crew.dead(workers)
        for worker_id, why in dead.items():
            await self._steward.write_off([worker_id], why)
        leases = deadlines.Leases(self._reports.lease_s, self._up_since, self._crew.load_seconds)
        silent = deadlines.lost(workers, snapshot.now, leases)
        await self._steward.write_off([each for each in silent if each not in dead], "it is not heard of any more")
        await self._steward.keep_deadlines(snapshot, deadlines.due(sessions, limits, snapshot.now, self._up_since))
        self._steward.release(snapshot)
        self._steward.start_pending(snapshot)
        gone = {*dead, *silent}
        sound = [each for each in decision.placements if each.worker_id not in gone][:_MAX_PLACEMENTS]
        await self._steward.place(snapshot, sound)
        await self._crew.tend(snapshot, decision.waiting)

    def _is_time(self, what: str, every_s: float, now: float) -> bool:
        if now - self._done_at.get(what, float("-inf")) < every_s:
            return False
        self._done_at[what] = now
        return True

    async def resign(self) -> None:
        """Gives the lease back, so that another coordinator need not wait for its end."""
        if self.leads:
            self.leads = False
            await self._database.write(lease_rows.release, LEASE, self.holder)


async def _house(connection: AsyncConnection, known: session_rows.Known) -> tuple[list[SessionRecord], list[WorkerRecord]]:
    return await session_rows.all_open(connection, known), await worker_rows.alive(connection)


async def _take_over(connection: AsyncConnection, now: float, lease_s: float) -> list[WorkerRecord]:
    workers = await worker_rows.alive(connection)
    await worker_rows.everybody_beats(connection, now + lease_s)
    await session_rows.everybody_seen(connection, now)
    return workers
