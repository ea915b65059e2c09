"""Bell: tells the control loop that something has changed, on this coordinator and, over PostgreSQL, on all others."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.store.database import Database
from reactor_protocol.errors import ReactorException
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

_CHANNEL: Final = "openreactor"
_GATHER_S: Final = 0.02
_AGAIN_S: Final = 0.5


class Bell:
    """Rung by whoever has changed a row that somebody waits for. Rings that come together are one.

    A ring that is lost costs time, not truth: the control loop looks by itself every now and then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rung = asyncio.Event()
        self._pass_on = asyncio.Event()
        self._scope = TaskScope("bell")

    def start(self) -> None:
        """Begins to hear the other coordinators, and to be heard by them."""
        if not self._database.is_sqlite:
            self._scope.start(self._listen(), "listen")
            self._scope.start(self._notify(), "notify")

    def ring(self) -> None:
        """Something has changed."""
        self._rung.set()
        self._pass_on.set()

    async def wait(self, at_most_s: float) -> bool:
        """Returns whether the bell has rung since the last call: as soon as it has, or after so many seconds."""
        try:
            async with asyncio.timeout(at_most_s):
                await self._rung.wait()
                return True
        except TimeoutError:
            return False
        finally:
            self._rung.clear()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._database.listening(_CHANNEL, self._rung.set) as lost:
                    await lost.wait()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.debug("the bell hears nobody: %s", error)
            await asyncio.sleep(_AGAIN_S)

    async def _notify(self) -> None:
        async def notify(connection: AsyncConnection) -> None:
            await connection.execute(text(f"NOTIFY {_CHANNEL}"))

        while True:
            await self._pass_on.wait()
            await asyncio.sleep(_GATHER_S)
            self._pass_on.clear()
            try:
                await self._database.write(notify)
            except ReactorException as error:
                logger.debug("the bell was not heard: %s", error)

    async def close(self) -> None:
        """Ends the tasks."""
        await self._scope.close()
