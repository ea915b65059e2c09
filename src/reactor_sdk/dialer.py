"""From a session to an open connection: what has to be asked is asked at the same time wherever it can be."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from reactor_protocol.errors import BadRequestError, ConflictError, NotFoundError, TransportError
from reactor_protocol.names import EXTENSION_VIEW_ONLY
from reactor_protocol.resources import Session, Track
from reactor_rtc.port import PeerFactory
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.connection import Connection, ConnectionOwner
from reactor_sdk.preparation import Offer, Preparation
from reactor_sdk.queueing import OnSession, described
from reactor_sdk.session import check_described, make_sessions
from reactor_sdk.signalling import Signalling

READY_LIMIT_S: Final = 30.0
"""For how long a connection may take from its offer until it is ready."""

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Line:
    """An open connection, by which id the server knows it, and the session that it leads to."""

    connection: Connection
    connection_id: int
    session: Session


@dataclass(frozen=True, slots=True)
class Target:
    """What to dial: a session, and a connection id to use; ``again`` where that connection is one that was lost.

    ``resumes`` where there was a connection before, whether its id is of use or not.
    """

    session: Session
    connection_id: int | None = None
    again: bool = False
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of the session on the way: ``seen`` each time the server describes it, ``described`` once it has a worker."""

    seen: OnSession
    described: OnSession


class Dialer:
    """Everything that connecting needs and that outlives a connection: the server's address, and how peers are made."""

    def __init__(self, config: ClientConfig, make_peer: PeerFactory) -> None:
        self.config = config
        self.api = Api(config.url)
        self.sessions = make_sessions(self.api, config)
        self._make_peer = make_peer

    def prepare(self, owner: ConnectionOwner) -> Preparation:
        """The local half of a connection to come. Dial within its context: what was begun is closed again on failure."""
        return Preparation(self._make_peer, owner, self._preset())

    async def dial(self, target: Target, preparation: Preparation, told: Told) -> Line:
        """Waits for the session's worker, and connects to it.

        A worker that refuses a connection which ``resumes`` raises :class:`TransportError`: the session is alive, and is perhaps
        being moved to another worker.
        """
        session, signalling = await self._find_worker(target.session, preparation, told.seen)
        told.described(session)
        try:
            return await self._connect(session, signalling, preparation, target)
        except (BadRequestError, ConflictError, NotFoundError) as error:
            if not target.resumes:
                raise
            raise TransportError(f"the session's worker did not take the connection: {error}", status=error.status) from error

    async def _find_worker(self, session: Session, preparation: Preparation, seen: OnSession) -> tuple[Session, Signalling]:
        additions = {"view_only": self.config.view_only, "in_step": self.config.in_step}
        signalling = Signalling(self.api, session.session_id, **additions)
        if not described(session):
            session, _ = await both(self.sessions.wait(session, seen), preparation.begin(signalling))
        check_described(session)
        return session, signalling

    def _preset(self) -> Sequence[Track]:
        return _seen(self.config.tracks) if self.config.view_only else self.config.tracks

    async def _connect(self, session: Session, signalling: Signalling, preparation: Preparation, target: Target) -> Line:
        tracks = session.capabilities.tracks if session.capabilities is not None else []
        if self.config.view_only:
            _check_spectators(session)
            tracks = _seen(tracks)
        (connection, offer), connection_id = await both(
            preparation.finish(signalling, tracks), _connection_id(signalling, target.connection_id)
        )
        deadline = asyncio.get_running_loop().time() + READY_LIMIT_S
        connection_id, answer = await _exchange(signalling, connection_id, offer, again=target.again)
        await connection.accept(answer)
        connection.scope.start(signalling.trickle(connection_id, connection.candidates), "trickle")
        await connection.ready(deadline - asyncio.get_running_loop().time())
        return Line(connection, connection_id, session)


def _seen(tracks: Sequence[Track]) -> list[Track]:
    """The tracks that a spectator gets."""
    return [track for track in tracks if track.direction == "recvonly"]


def _check_spectators(session: Session) -> None:
    """Raises :class:`BadRequestError` where the server does not know spectators, and would take this client for another one."""
    extensions = session.capabilities.extensions if session.capabilities is not None else {}
    if extensions.get(EXTENSION_VIEW_ONLY, 0) < 1:
        raise BadRequestError("view_only: this server does not know connections that only watch")


async def _connection_id(signalling: Signalling, given: int | None) -> int:
    return await signalling.register() if given is None else given


async def _exchange(signalling: Signalling, connection_id: int, offer: Offer, *, again: bool) -> tuple[int, str]:
    """The answer, and the id under which it came: a lost connection's id is used again only if the server still knows it."""
    sdp, mapping = offer
    if again:
        try:
            return connection_id, await signalling.exchange(connection_id, sdp, mapping, again=True)
        except NotFoundError:
            connection_id = await signalling.register()
    return connection_id, await signalling.exchange(connection_id, sdp, mapping)


async def both(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Runs two coroutines at once. The first failure ends the other and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            one, two = group.create_task(first), group.create_task(second)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return one.result(), two.result()
