"""Database: transactions on SQLite or PostgreSQL. The one edge where errors of the database become ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeAlias, TypeVar
from weakref import WeakSet

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from reactor_coordinator.config import CloudConfigError
from reactor_coordinator.store.sqlite import SqliteThreads
from reactor_protocol.errors import ServerError

logger = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")
Work: TypeAlias = Callable[Concatenate[AsyncConnection, P], Awaitable[T]]

_READERS: Final = 4
_CONNECTIONS: Final = 12
_PATIENCE_S: Final = 5.0
_PAUSE_S: Final = 0.05
_END_S: Final = 1.0


class StoreUnavailableError(ServerError):
    """The database does not answer; what was asked has not been done."""

    code = "UNAVAILABLE"
    status = 503

    def __init__(self, message: str) -> None:
        super().__init__(message, status=503, retry_after=1)


class Database:
    """Transactions. Work that meets a lost connection or a busy database is done again for up to 5 s.

    So work must be safe to repeat: every write is a compare-and-set, or an insert of a row with an id of its own.
    """

    def __init__(self, url: str) -> None:
        self._url = _driver_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._open: _Open | None = None
        self._closed = False

    def _opened(self) -> _Open:
        if self._closed:
            raise StoreUnavailableError("the database has been closed")
        if self._open is None:
            self._open = _sqlite(self._url) if self.is_sqlite else _postgres(self._url)
        return self._open

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Does ``work(connection, ...)`` in a transaction. Raises :class:`StoreUnavailableError`.

        ``work`` waits for nothing but the connection, and may run in another thread.
        """
        return await self._patiently(lambda: self._opened().writer.transact(lambda each: work(each, *args, **kwargs)))

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Does ``work(connection, ...)``, which only reads. Raises :class:`StoreUnavailableError`."""
        return await self._patiently(lambda: self._opened().reader.transact(lambda each: work(each, *args, **kwargs)))

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _PATIENCE_S
        while True:
            try:
                return await attempt()
            except (SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not _passing(error):
                    raise
                if loop.time() >= give_up:
                    raise StoreUnavailableError(f"the database does not answer ({type(error).__name__}): try again") from error
                logger.debug("the database is away: %s", error)
            await asyncio.sleep(_PAUSE_S)

    async def now(self) -> float | None:
        """The database's own time in epoch seconds, where several coordinators may share it; None for a local file."""
        if self.is_sqlite:
            return None

        async def ask(connection: AsyncConnection, /) -> float:
            return float((await connection.execute(text("SELECT extract(epoch FROM clock_timestamp())"))).scalar_one())

        return await self.read(ask)

    @asynccontextmanager
    async def listening(self, channel: str, heard: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
        """Calls ``heard`` for each notification on ``channel`` (PostgreSQL); the event is set when the connection is lost."""
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._url.set(drivername="postgresql").render_as_string(hide_password=False))
        connection.add_termination_listener(lambda *_: lost.set())
        try:
            await connection.add_listener(channel, lambda *_: heard())
            yield lost
        finally:
            await connection.close(timeout=1)

    async def close(self) -> None:
        """Closes all connections, for good: transactions that are under way have 1 s to end, and none begins any more."""
        self._closed = True
        opened, self._open = self._open, None
        if opened is not None:
            for each in (opened.writer, opened.reader):
                await each.close()


class _Transacting(Protocol):
    """Transactions of one kind."""

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Open:
    """A database that is open."""

    writer: _Transacting
    reader: _Transacting


class _Connections:
    """Transactions over a pool of connections."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._made: WeakSet[asyncpg.Connection] = WeakSet()

        @event.listens_for(engine.sync_engine, "connect")
        def connected(connection: Any, _record: Any) -> None:
            self._made.add(connection.driver_connection)

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        self._under_way += 1
        self._idle.clear()
        try:
            async with self._engine.begin() as connection:
                return await work(connection)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await self._idle.wait()
        await self._engine.dispose()
        # A pool that is disposed of forgets the connections that are in use: whoever holds one gives it back to nobody.
        for connection in list(self._made):
            if not connection.is_closed():
                connection.terminate()
        await asyncio.sleep(0)  # a transport that is aborted closes its socket in the loop's next turn


def _sqlite(url: URL) -> _Open:
    _make_private(Path(url.database or ""))
    # SQLite has one writer at a time: transactions that write begin as such, and wait for each other here, not in the file.
    return _Open(SqliteThreads(url, "BEGIN IMMEDIATE", 1), SqliteThreads(url, "BEGIN", _READERS))


def _make_private(file: Path) -> None:
    """The file holds the signing key: it is its owner's alone, and so are those that SQLite puts beside it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise CloudConfigError(f"database: {file} cannot be written: {error.strerror}") from error


def _postgres(url: URL) -> _Open:
    engine = create_async_engine(url, pool_size=_CONNECTIONS, max_overflow=0, hide_parameters=True, pool_timeout=_PATIENCE_S)
    connections = _Connections(engine)
    return _Open(connections, connections)


def _driver_url(text_url: str) -> URL:
    try:
        url = make_url(text_url)
    except ArgumentError as error:
        raise CloudConfigError("database: give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME") from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    if backend == "postgresql":
        return url.set(drivername="postgresql+asyncpg")
    raise CloudConfigError("database: give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")


def _passing(error: BaseException) -> bool:
    """Whether doing it again may help: a lost connection, a server that starts or stops, a lock."""
    if isinstance(error, OperationalError | InterfaceError | OSError | asyncpg.InterfaceError):
        return True
    if isinstance(error, DBAPIError):
        code = str(getattr(error.orig, "sqlstate", "") or getattr(error.orig, "pgcode", "") or "")
        return error.connection_invalidated or code[:2] in ("08", "40", "57", "53")
    return isinstance(error, asyncpg.PostgresError) and str(getattr(error, "sqlstate", ""))[:2] in ("08", "40", "57", "53")
