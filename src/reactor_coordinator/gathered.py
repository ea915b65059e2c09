"""Gathered: requests that are answered many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from reactor_protocol.errors import ServerError
from reactor_rtc.scope import TaskScope

AskedT = TypeVar("AskedT")
GivenT = TypeVar("GivenT")

_MOST: Final = 256


class Gathered(Generic[AskedT, GivenT]):
    """While one batch is being answered, the next one gathers: a transaction costs the same for one request and for a hundred.

    ``answer`` gives one answer for each request, in their order. An exception among them is raised to that request; one that it
    raises itself, to all of them.
    """

    def __init__(self, name: str, answer: Callable[[Sequence[AskedT]], Awaitable[Sequence[GivenT | Exception]]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[AskedT, asyncio.Future[GivenT]]] = []
        self._unanswered: set[asyncio.Future[GivenT]] = set()
        self._scope = TaskScope(name)
        self._busy = False
        self._closed = False

    async def ask(self, asked: AskedT) -> GivenT:
        """The answer to one request, once its batch is answered. Raises :class:`ServerError` (503) where that will not be."""
        if self._closed:
            raise _ending()
        future: asyncio.Future[GivenT] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        self._unanswered.add(future)
        if not self._busy:
            self._busy = True
            self._scope.start(self._work(), "batches")
        try:
            return await future
        finally:
            self._unanswered.discard(future)

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._settle(batch)
        finally:
            self._busy = False

    async def _settle(self, batch: Sequence[tuple[AskedT, asyncio.Future[GivenT]]]) -> None:
        given: Sequence[GivenT | Exception]
        try:
            given = await self._answer([asked for asked, _ in batch])
        except Exception as error:  # noqa: BLE001 - every caller gets it
            given = [error] * len(batch)
        for (_, future), each in zip(batch, given, strict=True):
            if future.done():
                continue
            if isinstance(each, Exception):
                future.set_exception(each)
            else:
                future.set_result(each)

    async def close(self) -> None:
        """Ends the task; who waits for an answer is told that there will be none."""
        self._closed = True
        await self._scope.close()
        for future in self._unanswered:
            if not future.done():
                future.set_exception(_ending())


def _ending() -> ServerError:
    return ServerError("this coordinator is shutting down: try again", status=503, retry_after=1)
