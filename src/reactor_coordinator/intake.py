"""Intake: what clients ask of sessions, done for many at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.admission import WINDOW_S, Admitted, Asked, House, Refused, Verdict, admit
from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Board
from reactor_coordinator.config import Limits
from reactor_coordinator.gathered import Gathered
from reactor_coordinator.queue import Estimate
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database
from reactor_protocol.errors import ApiError
from reactor_protocol.lifecycles import SESSION_QUEUED, SessionState

_UNSEEN = 1000
"""More sessions are not begun between two looks of the control loop."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A session that somebody asks for, and for how many seconds at most."""

    asked: Asked
    max_duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """A session that is to end, and why."""

    session_id: str
    reason: str


Found: TypeAlias = tuple[SessionRecord, WorkerRecord | None]


class Intake:
    """Begins, finds and ends sessions. Requests that come together are one transaction."""

    def __init__(self, database: Database, bell: Bell, board: Board, limits: Limits, clock: Callable[[], float]) -> None:
        self._database = database
        self._bell = bell
        self._board = board
        self._limits = limits
        self._clock = clock
        self._opening = Gathered("open", self._open)
        self._finding = Gathered("find", self._find)
        self._ending = Gathered("end", self._end)
        self.estimates: dict[str, Estimate] = {}

    async def open(self, wish: Wish) -> SessionRecord:
        """A new session, in the queue. Raises the :class:`ApiError` that it is refused with."""
        return await self._opening.ask(wish)

    async def find(self, session_id: str) -> Found | None:
        """A session, and the worker that holds it."""
        return await self._finding.ask(session_id)

    async def end(self, session_id: str, reason: str) -> None:
        """The end of a session; one that is over already is left alone."""
        await self._ending.ask(Ending(session_id, reason))

    async def _open(self, wishes: Sequence[Wish]) -> list[SessionRecord | Exception]:
        verdicts = await self._database.write(self._decide, wishes)
        self._bell.ring()
        return [_refusal(each) if isinstance(each, Refused) else each for each in verdicts]

    async def _find(self, session_ids: Sequence[str]) -> list[Found | None]:
        found = await self._database.read(session_rows.with_workers, session_ids)
        return [found.get(each) for each in session_ids]

    async def _end(self, endings: Sequence[Ending]) -> list[None]:
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for each in endings:
            by_reason[each.reason].append(each.session_id)
        now = self._clock()

        async def write(connection: AsyncConnection) -> None:
            for reason, session_ids in by_reason.items():
                await session_rows.close_all(connection, session_ids, reason, now)

        await self._database.write(write)
        self._bell.ring()
        return [None] * len(endings)

    async def _decide(self, connection: AsyncConnection, wishes: Sequence[Wish]) -> list[SessionRecord | Refused]:
        now = self._clock()
        # Where a connection was lost while a transaction ended, what is done again here may have been done already.
        there = await session_rows.by_ids(connection, [wish.asked.session_id for wish in wishes])
        new = [wish for wish in wishes if wish.asked.session_id not in there]
        house = await self._house(connection, [wish.asked for wish in new], now)
        verdicts = admit([wish.asked for wish in new], house)
        decided = {wish.asked.session_id: _record(wish, verdict, house) for wish, verdict in zip(new, verdicts, strict=True)}
        await session_rows.add(connection, [each for each in decided.values() if isinstance(each, SessionRecord)])
        return [there.get(wish.asked.session_id) or decided[wish.asked.session_id] for wish in wishes]

    async def _house(self, connection: AsyncConnection, asked: Sequence[Asked], now: float) -> House:
        ids = {each.key_id for each in asked}
        keys = await key_rows.by_ids(connection, ids, lock=not self._database.is_sqlite)
        bounded = {key.id for key in keys.values() if (key.max_sessions or self._limits.sessions_per_key) is not None}
        paced = {key.id for key in keys.values() if (key.sessions_per_minute or self._limits.sessions_per_minute) is not None}
        tokens = {each.token_id for each in asked if each.token_max_sessions is not None}
        queued = Counter(each.model for each in self._board.snapshot.sessions.values() if each.state in SESSION_QUEUED)
        at_once = not all(each.queue for each in asked)
        if at_once or max(queued.values(), default=0) + _UNSEEN > self._limits.queue_length:
            # The snapshot does not know those who came since; where one more or less matters, they are counted.
            queued = Counter(await session_rows.queued_by_model(connection))
        return House(
            limits=self._limits,
            now=now,
            keys=keys,
            open_by_key=await session_rows.open_by_key(connection, bounded) if bounded else {},
            created_by_token=await session_rows.made_by_token(connection, tokens) if tokens else {},
            recent_by_key=await session_rows.made_since(connection, paced, now - WINDOW_S) if paced else {},
            queued=queued,
            idle=await worker_rows.idle_by_model(connection) if at_once else {},
            estimates=self.estimates,
        )

    async def close(self) -> None:
        """Ends the tasks."""
        for each in (self._opening, self._finding, self._ending):
            await each.close()


def _refusal(refused: Refused) -> ApiError:
    refused.error.quota_type = refused.quota_type
    return refused.error


def _record(wish: Wish, verdict: Verdict, house: House) -> SessionRecord | Refused:
    if not isinstance(verdict, Admitted):
        return verdict
    asked = wish.asked
    return SessionRecord(
        id=asked.session_id,
        key_id=asked.key_id,
        token_id=asked.token_id,
        model=asked.model,
        state=SessionState.WAITING,
        priority=house.keys[asked.key_id].priority,
        created_at=house.now,
        queued_at=house.now,
        seen_at=house.now,
        max_duration_s=wish.max_duration_s,
    )
