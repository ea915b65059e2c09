"""Waiting until a hosted session has a worker: listening where the server tells, asking now and then where it does not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, TypeAlias

from reactor_protocol.errors import (
    ConflictError,
    NetworkError,
    NotFoundError,
    RateLimitedError,
    ReactorException,
    RequestTimeoutError,
    ServerError,
    SessionEndedError,
)
from reactor_protocol.lifecycles import SessionState
from reactor_protocol.resources import Session
from reactor_sdk.api import Api, Reply

OnSession: TypeAlias = Callable[[Session], None]
"""Is told of a session each time the server describes it."""

_FIRST_POLL_S: Final = 0.05
_LONGEST_POLL_S: Final = 10.0
_POLL_FAILURES: Final = 5
"""So many failures in a row are always survived."""
_UNANSWERED_POLLS: Final = 3
"""Waiting goes on for so many of the longest pauses without an answer: a queue can last longer than a server runs."""
_LONGEST_RETRY_S: Final = 60.0
_PASSING: Final = (NetworkError, RequestTimeoutError, ServerError, RateLimitedError)


def described(session: Session) -> bool:
    """Whether a session says all that a connection needs to know."""
    return session.capabilities is not None and session.selected_transport is not None


def check_alive(session: Session) -> None:
    """Raises :class:`SessionEndedError` for a session that is over."""
    if session.state.upper() in (SessionState.CLOSED, "TERMINATED"):
        why = f"{session.state}: {session.reason}" if session.reason else session.state
        raise SessionEndedError(f"session {session.session_id} is over ({why})")


class Patience:
    """When to ask again: soon at first, then ever less often. Waiting survives failures until they last too long.

    Pauses differ from client to client, so that a server that comes back is not asked by everybody at once.
    """

    def __init__(self, now: float) -> None:
        self._pause = _FIRST_POLL_S
        self._least = 0.0
        self._failures = 0
        self._answered_at = now

    def answered(self, now: float) -> None:
        """The server has said something."""
        self._failures, self._least, self._answered_at = 0, 0.0, now

    def listened(self, duration_s: float) -> None:
        """A stream has ended; after one that lived, the next is opened soon."""
        if duration_s > self._pause:
            self._pause = _FIRST_POLL_S

    def failed(self, error: ReactorException, now: float) -> None:
        """Raises ``error`` if it is one too many."""
        self._failures += 1
        self._least = min(error.retry_after or 0.0, _LONGEST_RETRY_S)
        if self._failures > _POLL_FAILURES and now - self._answered_at >= _UNANSWERED_POLLS * _LONGEST_POLL_S:
            raise error

    def next_pause(self) -> float:
        """Seconds to wait now."""
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_POLL_S)
        return max(pause * random.uniform(0.5, 1.0), self._least)


async def follow(api: Api, session_id: str) -> AsyncGenerator[Session, None]:
    """A session that has a worker, now and after every change, until the server tells no more of it, or cannot."""
    loop = asyncio.get_running_loop()
    patience = Patience(loop.time())
    while True:
        began = loop.time()
        try:
            async with aclosing(api.watch(f"/sessions/{session_id}/events")) as replies:
                async for reply in replies:
                    if not reply.streamed:
                        return
                    session = reply.parse(Session)
                    patience.answered(loop.time())
                    yield session
                    if session.state.upper() == SessionState.CLOSED:
                        return
        except _PASSING as error:
            patience.failed(error, loop.time())
        patience.listened(loop.time() - began)
        await asyncio.sleep(patience.next_pause())


class Queueing:
    """One session's wait for a worker. ``session`` is what the server said last."""

    def __init__(self, api: Api, session: Session, on_session: OnSession) -> None:
        self.session = session
        self._api = api
        self._path = f"/sessions/{session.session_id}"
        self._on_session = on_session
        self._listens = True
        self._streamed = False
        self._restarted = False

    async def until_described(self) -> Session:
        """The session when it has a worker, however long that takes.

        Raises :class:`SessionEndedError`, the server's refusals, and what keeps on failing for too long.
        """
        loop = asyncio.get_running_loop()
        patience = Patience(loop.time())
        while not described(self.session):
            check_alive(self.session)
            began = loop.time()
            try:
                await self._hear(patience)
            except _PASSING as error:
                patience.failed(error, loop.time())
            if described(self.session):
                break
            check_alive(self.session)
            if self._streamed:
                patience.listened(loop.time() - began)
            elif self.session.state.upper() == SessionState.INACTIVE:
                await self._restart()
            await asyncio.sleep(patience.next_pause())
        return self.session

    async def _hear(self, patience: Patience) -> None:
        """Takes what the server says, until it says no more or enough."""
        self._streamed = False
        replies = self._api.watch(self._path) if self._listens else self._asked()
        heard = False
        try:
            async with aclosing(replies):
                async for reply in replies:
                    heard, self._streamed = True, reply.streamed
                    self.session = reply.parse(Session)
                    patience.answered(asyncio.get_running_loop().time())
                    self._on_session(self.session)
                    if described(self.session) or self.session.state.upper() == SessionState.CLOSED:
                        return
        except RequestTimeoutError:
            self._listens = heard  # something in between that holds streams back lets plain answers through
            raise
        if not heard:
            raise NetworkError(f"{self._api.address} had nothing to say about the session")

    async def _asked(self) -> AsyncGenerator[Reply, None]:
        yield await self._api.fetch("GET", self._path)

    async def _restart(self) -> None:
        """Asks for another worker for a session that has lost its own, which servers that do not stream want to be asked for."""
        if self._restarted:
            raise SessionEndedError(f"session {self.session.session_id} is inactive and did not come back")
        self._restarted = True
        try:
            await self._api.fetch("PUT", self._path)
        except (NotFoundError, ConflictError) as error:
            raise SessionEndedError(f"session {self.session.session_id} is inactive and cannot be restarted: {error}") from error
