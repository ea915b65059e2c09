"""SQLite, with one trip to a thread for each transaction: a trip for each statement costs several times what SQLite does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, CursorResult, NestedTransaction, create_engine, event
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")


class SqliteThreads:
    """So many connections, each used by one thread at a time. ``begin`` is the statement that begins a transaction."""

    def __init__(self, url: URL, begin: str, threads: int) -> None:
        self._engine = create_engine(url, pool_size=threads, max_overflow=0, hide_parameters=True)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sqlite")

        @event.listens_for(self._engine, "connect")
        def connected(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in _PRAGMAS:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(self._engine, "begin")
        def began(connection: Any) -> None:
            connection.exec_driver_sql(begin)

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Does ``work(connection)`` in a transaction, in a thread. It may wait for the connection, and for nothing else."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, work)

    def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        with self._engine.begin() as connection:
            return _finished(work(cast(AsyncConnection, _Here(connection))))

    async def close(self) -> None:
        """Lets what has begun come to its end, and closes the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


def _finished(work: Awaitable[T]) -> T:
    """What ``work`` returns. With a connection of this thread there is nothing that it could wait for."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return cast(T, end.value)
    raise RuntimeError("a transaction waits for the database alone")


class _Here:
    """As much of an AsyncConnection as transactions use, over a connection of this thread: every answer is there at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def run_sync(self, work: Callable[..., T], *args: Any) -> T:
        return work(self._connection, *args)

    def begin_nested(self) -> _Savepoint:
        return _Savepoint(self._connection)


class _Savepoint:
    """As much of an AsyncTransaction as transactions use."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._point: NestedTransaction | None = None

    def _begun(self) -> NestedTransaction:
        if self._point is None:
            self._point = self._connection.begin_nested()
        return self._point

    def __await__(self) -> Generator[Any, Any, _Savepoint]:
        self._begun()
        return self
        yield

    async def __aenter__(self) -> _Savepoint:
        self._begun()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._begun().__exit__(kind, error, traceback)

    async def commit(self) -> None:
        self._begun().commit()

    async def rollback(self) -> None:
        self._begun().rollback()
