"""Database: transactions on SQLite or PostgreSQL. The one edge where errors of the database become ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from reactor_coordinator.config import CloudConfigError
from reactor_protocol.errors import ServerError

logger = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")
Work: TypeAlias = Callable[Concatenate[AsyncConnection, P], Awaitable[T]]

_READERS: Final = 4
_CONNECTIONS: Final = 12
_PATIENCE_S: Final = 5.0
_PAUSE_S: Final = 0.05


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
        self._engine: AsyncEngine | None = None
        self._reader: AsyncEngine | None = None

    @property
    def engine(self) -> AsyncEngine:
        if self._engine is None:
            self._open()
            assert self._engine is not None
        return self._engine

    def _open(self) -> None:
        if not self.is_sqlite:
            self._engine = self._reader = create_async_engine(
                self._url, pool_size=_CONNECTIONS, max_overflow=0, pool_pre_ping=False, pool_timeout=_PATIENCE_S
            )
            return
        Path(self._url.database or "").parent.mkdir(parents=True, exist_ok=True)
        # SQLite has one writer at a time: transactions that write begin as such, and wait for each other here, not in the file.
        self._engine = _sqlite_engine(self._url, "BEGIN IMMEDIATE", 1)
        self._reader = _sqlite_engine(self._url, "BEGIN", _READERS)

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Does ``work(connection, ...)`` in a transaction. Raises :class:`StoreUnavailableError`."""

        async def once() -> T:
            async with self.engine.begin() as connection:
                return await work(connection, *args, **kwargs)

        return await self._patiently(once)

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Does ``work(connection, ...)``, which only reads. Raises :class:`StoreUnavailableError`."""

        async def once() -> T:
            engine = self.engine
            async with (self._reader or engine).begin() as connection:
                return await work(connection, *args, **kwargs)

        return await self._patiently(once)

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
        """Closes all connections."""
        for engine in {self._engine, self._reader} - {None}:
            assert engine is not None
            await engine.dispose()
        self._engine = self._reader = None


def _sqlite_engine(url: URL, begin: str, size: int) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=size, max_overflow=0, pool_timeout=30)

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def began(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _driver_url(text_url: str) -> URL:
    try:
        url = make_url(text_url)
    except ArgumentError as error:
        raise CloudConfigError("database: give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME") from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite+aiosqlite")
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
