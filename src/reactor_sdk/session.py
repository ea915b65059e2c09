"""Sessions over HTTP, in two worlds: a coordinator that allots workers, and a runtime on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

from reactor_protocol.errors import (
    ConflictError,
    InvalidArgumentError,
    InvalidStateError,
    ModelFailedError,
    NotFoundError,
    RequestTimeoutError,
    ServerError,
    SessionEndedError,
    TransportError,
)
from reactor_protocol.lifecycles import SESSION_RUNNING, RuntimeState
from reactor_protocol.names import TRANSPORT, WEBRTC_VERSION
from reactor_protocol.resources import Session
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.queueing import OnSession, Queueing, check_alive, described, follow
from reactor_sdk.tokens import make_credentials
from reactor_sdk.version import CLIENT_INFO

_FIRST_POLL_S: Final = 0.05
_CLOSING_LIMIT_S: Final = 15.0
_END_LIMIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session to connect to, and whether this client made it: only then does it end it."""

    session: Session
    created: bool


class Sessions(Protocol):
    """How sessions are had and given back. Raises :class:`ApiError`, :class:`NetworkError` and what the methods name."""

    async def authorize(self) -> None:
        """Gets a fresh token, where one is needed."""
        ...

    async def open(self, session_id: str | None, *, fail_fast: bool = False) -> OpenedSession:
        """A new session, or that one. With ``fail_fast`` a new one does not wait in a queue: :class:`CapacityError`."""
        ...

    async def wait(self, session: Session, on_session: OnSession | None = None) -> Session:
        """The session when it has a worker, however long that takes; ``on_session`` is told of each change that is seen.

        Raises :class:`SessionEndedError`.
        """
        ...

    async def find(self, session_id: str) -> Session:
        """The session of an earlier connection. Raises :class:`SessionEndedError` where it is over."""
        ...

    def follow(self, session_id: str) -> AsyncGenerator[Session, None]:
        """The session, now and after every change, for as long as the server tells; none where it does not."""
        ...

    async def end(self, session_id: str, connection_id: int | None = None) -> None:
        """Ends a session; one that is over already is fine. ``connection_id`` is that of the client that leaves it."""
        ...


def make_sessions(api: Api, config: ClientConfig) -> Sessions:
    """The world that the configuration asks for."""
    return LocalSessions(api, joins=config.joins, spares=config.spares) if config.local else HostedSessions(api, config)


def check_described(session: Session) -> None:
    """Raises :class:`TransportError` for a session that this client cannot connect to."""
    transport, capabilities = session.selected_transport, session.capabilities
    if transport is None or transport.protocol != TRANSPORT:
        name = "none" if transport is None else transport.protocol
        raise TransportError(f"the session offers the transport {name!r}, and this client speaks {TRANSPORT!r}")
    if capabilities is None or not capabilities.tracks:
        raise TransportError("the model has no tracks: there is nothing to connect to")


class HostedSessions:
    """Sessions of a coordinator (reference: client and REST, section 2)."""

    def __init__(self, api: Api, config: ClientConfig) -> None:
        self._api = api
        self._model = config.model_name
        self._max_duration_s = config.max_session_duration_s
        self._credentials = make_credentials(api, config)
        api.authorize(self._credentials)

    async def authorize(self) -> None:
        await self._credentials.renew()

    async def open(self, session_id: str | None, *, fail_fast: bool = False) -> OpenedSession:
        if session_id is not None:
            return OpenedSession(await self.find(session_id), created=False)
        body: dict[str, Any] = {
            "model": {"name": self._model},
            "client_info": dict(CLIENT_INFO),
            "supported_transports": [{"protocol": TRANSPORT, "version": WEBRTC_VERSION}],
        }
        if fail_fast:
            body["queue"] = False
        if self._max_duration_s is not None:
            body["max_session_duration_seconds"] = self._max_duration_s
        reply = await self._api.fetch("POST", "/sessions", body)
        return OpenedSession(reply.parse(Session), created=True)

    async def find(self, session_id: str) -> Session:
        session = (await self._api.fetch("GET", f"/sessions/{quote(session_id, safe='')}")).parse(Session)
        check_alive(session)
        return session

    async def wait(self, session: Session, on_session: OnSession | None = None) -> Session:
        return await Queueing(self._api, session, on_session or _nobody).until_described()

    def follow(self, session_id: str) -> AsyncGenerator[Session, None]:
        return follow(self._api, session_id)

    async def end(self, session_id: str, connection_id: int | None = None) -> None:
        with contextlib.suppress(NotFoundError):
            await _within(_END_LIMIT_S, self._api, "DELETE", f"/sessions/{session_id}")


def _nobody(_session: Session) -> None:
    """Listens to nothing."""


class LocalSessions:
    """The one session of a runtime on this machine (reference: runtime, section 3). No token, no queue.

    Without ``joins``, opening raises :class:`InvalidStateError` where somebody else uses the session; with ``spares``, ending
    leaves a session that somebody else uses.
    """

    def __init__(self, api: Api, *, joins: bool = True, spares: bool = False) -> None:
        self._api = api
        self._joins = joins
        self._spares = spares

    async def authorize(self) -> None:
        return None

    async def open(self, session_id: str | None, *, fail_fast: bool = False) -> OpenedSession:
        if session_id is not None:
            raise InvalidArgumentError("session_id= is for hosted sessions: connect() joins the one session of a local runtime")
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _CLOSING_LIMIT_S
        while True:
            try:
                reply = await self._api.fetch("POST", "/start_session", {})
                return OpenedSession(reply.parse(Session), created=True)
            except ConflictError:
                if (session := await self._joined()) is not None:
                    # Who spares others leaves nothing behind that they have left, either: the last to go ends it.
                    return OpenedSession(session, created=self._spares)
                # The session before this one is being put away; the runtime is free in a moment.
                if loop.time() > give_up:
                    raise
                await asyncio.sleep(_FIRST_POLL_S)
            except ServerError as error:
                if error.status != 503:
                    raise
                if error.retry_after is None:
                    raise ModelFailedError(error.message, status=503) from error
                await asyncio.sleep(max(error.retry_after, _FIRST_POLL_S))
                give_up = loop.time() + _CLOSING_LIMIT_S

    async def _joined(self) -> Session | None:
        """The running session, where there is one that this client may join."""
        session = await self._current()
        state = session.state.lower()
        if state not in SESSION_RUNNING or self._joins:
            return session if state in SESSION_RUNNING else None
        if state == RuntimeState.ORPHANED:
            await self._stop(None)  # whoever made it has gone without ending it
            return None
        raise InvalidStateError(
            f"somebody else uses the session of the runtime at {self._api.address}, and there is one world in it: "
            "end that session, use a runtime of its own (url=), or share the world (share=True)"
        ) from None

    async def _current(self) -> Session:
        return (await self._api.fetch("GET", "/session")).parse(Session)

    async def wait(self, session: Session, on_session: OnSession | None = None) -> Session:
        while not described(session):
            await asyncio.sleep(_FIRST_POLL_S)
            session = await self._current()
            if session.state.lower() not in SESSION_RUNNING:
                raise SessionEndedError(f"the session ended before anybody could connect (the runtime is {session.state})")
        return session

    async def find(self, session_id: str) -> Session:
        session = await self._current()
        if session.session_id != session_id or session.state.lower() not in SESSION_RUNNING:
            raise SessionEndedError(
                f"session {session_id} is over: the runtime at {self._api.address} was restarted or has ended it; call connect()"
            )
        return session

    async def follow(self, session_id: str) -> AsyncGenerator[Session, None]:
        # A runtime that is gone takes its session with it: there is nobody to tell.
        nothing: tuple[Session, ...] = ()
        for session in nothing:
            yield session

    async def end(self, session_id: str, connection_id: int | None = None) -> None:
        # The route takes no id: another client's session must not be ended in place of ours.
        if (await self._current()).session_id == session_id:
            await self._stop(connection_id)

    async def _stop(self, leaving: int | None) -> None:
        body = {"if_unused": True, "leaving": leaving} if self._spares else None
        with contextlib.suppress(ConflictError):
            await _within(_END_LIMIT_S, self._api, "POST", "/stop_session", body)


async def _within(limit_s: float, api: Api, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await api.fetch(method, path, body)
    except TimeoutError as error:
        raise RequestTimeoutError(f"{method} {path} was not answered within {limit_s:g} s") from error
