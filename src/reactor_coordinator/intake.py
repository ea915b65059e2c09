"""Intake: requests for sessions, decided and written many at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.admission import WINDOW_S, Admitted, Asked, House, Refused, Verdict, admit
from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Board
from reactor_coordinator.config import Limits
from reactor_coordinator.queue import Estimate
from reactor_coordinator.records import SessionRecord
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database
from reactor_protocol.lifecycles import SESSION_QUEUED, SessionState
from reactor_rtc.scope import TaskScope

_MAX_BATCH = 256


@dataclass(frozen=True, slots=True)
class Wish:
    """A session that somebody asks for, and for how many seconds at most."""

    asked: Asked
    max_duration_s: float | None = None


class Intake:
    """While one batch is being written, the next one gathers: a transaction costs the same for one request and for a hundred."""

    def __init__(self, database: Database, bell: Bell, board: Board, limits: Limits, clock: Callable[[], float]) -> None:
        self._database = database
        self._bell = bell
        self._board = board
        self._limits = limits
        self._clock = clock
        self._waiting: list[tuple[Wish, asyncio.Future[SessionRecord]]] = []
        self._scope = TaskScope("intake")
        self._busy = False
        self.estimates: dict[str, Estimate] = {}

    async def open(self, wish: Wish) -> SessionRecord:
        """A new session, in the queue. Raises the :class:`ApiError` that it is refused with."""
        future: asyncio.Future[SessionRecord] = asyncio.get_running_loop().create_future()
        self._waiting.append((wish, future))
        if not self._busy:
            self._busy = True
            self._scope.start(self._work(), "intake")
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
                await self._answer(batch)
        finally:
            self._busy = False

    async def _answer(self, batch: Sequence[tuple[Wish, asyncio.Future[SessionRecord]]]) -> None:
        try:
            decided = await self._database.write(self._decide, [wish for wish, _ in batch])
        except Exception as error:  # noqa: BLE001 - every caller gets it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        self._bell.ring()
        for (_, future), verdict in zip(batch, decided, strict=True):
            if future.done():
                continue
            if isinstance(verdict, Refused):
                verdict.error.quota_type = verdict.quota_type
                future.set_exception(verdict.error)
            else:
                future.set_result(verdict)

    async def _decide(self, connection: AsyncConnection, wishes: Sequence[Wish]) -> list[SessionRecord | Refused]:
        now = self._clock()
        house = await self._house(connection, [wish.asked for wish in wishes], now)
        verdicts = admit([wish.asked for wish in wishes], house)
        outcome = [_record(wish, verdict, house) for wish, verdict in zip(wishes, verdicts, strict=True)]
        await session_rows.add(connection, [each for each in outcome if isinstance(each, SessionRecord)])
        return outcome

    async def _house(self, connection: AsyncConnection, asked: Sequence[Asked], now: float) -> House:
        ids = {each.key_id for each in asked}
        keys = await key_rows.by_ids(connection, ids, lock=not self._database.is_sqlite)
        bounded = {key.id for key in keys.values() if (key.max_sessions or self._limits.sessions_per_key) is not None}
        paced = {key.id for key in keys.values() if (key.sessions_per_minute or self._limits.sessions_per_minute) is not None}
        tokens = {each.token_id for each in asked if each.token_max_sessions is not None}
        queued = Counter(each.model for each in self._board.snapshot.sessions.values() if each.state in SESSION_QUEUED)
        return House(
            limits=self._limits,
            now=now,
            keys=keys,
            open_by_key=await session_rows.open_by_key(connection, bounded) if bounded else {},
            created_by_token=await session_rows.made_by_token(connection, tokens) if tokens else {},
            recent_by_key=await session_rows.made_since(connection, paced, now - WINDOW_S) if paced else {},
            queued=queued,
            idle=await worker_rows.idle_by_model(connection) if not all(each.queue for each in asked) else {},
            estimates=self.estimates,
        )

    async def close(self) -> None:
        """Ends the task."""
        await self._scope.close()


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
