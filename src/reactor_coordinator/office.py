"""Office: what an operator does at the database itself, whether a coordinator runs or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from reactor_coordinator.clock import SteadyClock
from reactor_coordinator.config import CloudConfig
from reactor_coordinator.keys import NewKey, new_key
from reactor_coordinator.records import Key, SessionRecord, WorkerRecord
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database
from reactor_coordinator.store.migrate import migrate
from reactor_protocol.errors import ConflictError, NotFoundError
from reactor_protocol.lifecycles import SessionState

ENDED_BY_OPERATOR = "ended by the operator"


@dataclass(frozen=True, slots=True)
class Office:
    """The desk with the books. What is written here a running coordinator sees within half a second."""

    database: Database
    clock: Callable[[], float]

    async def create_key(self, template: Key) -> NewKey:
        """A new key with the properties of ``template``; its text is not kept."""
        made = new_key(template)
        await self.database.write(key_rows.add, made.record)
        return made

    async def keys(self) -> list[Key]:
        """All keys, oldest first."""
        return await self.database.read(key_rows.listing)

    async def revoke_key(self, id_or_prefix: str) -> Key:
        """Revokes a key: tokens that it was exchanged for begin no sessions any more.

        Raises :class:`NotFoundError`, and :class:`ConflictError` where several keys begin like that.
        """
        found = await self.database.write(key_rows.revoke, id_or_prefix, self.clock())
        if not found:
            raise NotFoundError(f"there is no key {id_or_prefix!r}: `reactor keys list` shows those that are")
        if len(found) > 1:
            raise ConflictError(f"{len(found)} keys begin with {id_or_prefix!r}: give the id of one (`reactor keys list --json`)")
        return found[0]

    async def sessions(self, limit: int, *, closed: bool) -> list[SessionRecord]:
        """The newest sessions, newest first."""
        return await self.database.read(session_rows.newest, limit, closed=closed)

    async def end_session(self, session_id: str, reason: str) -> None:
        """Ends a session, which may be named by how its id begins.

        Raises :class:`NotFoundError`, and :class:`ConflictError` for one that is over, or where several begin like that.
        """
        begin_so = await self.database.read(session_rows.beginning, session_id)
        if session_id not in begin_so and len(begin_so) > 1:
            raise ConflictError(f"several sessions begin with {session_id!r}: give more of the id")
        session_id = begin_so[0] if len(begin_so) == 1 else session_id
        if await self.database.write(session_rows.close, session_id, reason or ENDED_BY_OPERATOR, self.clock()):
            return
        known = await self.database.read(session_rows.get, session_id)
        if known is not None and known.state is SessionState.CLOSED:
            raise ConflictError(f"the session {session_id} is over already: {known.reason}")
        raise NotFoundError(f"there is no session {session_id}")

    async def workers(self) -> list[WorkerRecord]:
        """The workers that are alive, oldest first."""
        return await self.database.read(worker_rows.alive)

    async def drain_worker(self, worker_id: str) -> None:
        """Lets a worker's session come to its end, and then replaces the worker. Raises :class:`NotFoundError`."""
        if not await self.database.write(worker_rows.change, worker_id, draining=True):
            raise NotFoundError(f"there is no worker {worker_id} alive: `reactor workers list` shows those that are")


@asynccontextmanager
async def open_office(config: CloudConfig) -> AsyncIterator[Office]:
    """The office of a configuration's database, brought to the present schema."""
    database = Database(config.database)
    try:
        await migrate(database)
        yield Office(database, SteadyClock(await database.now()))
    finally:
        await database.close()
