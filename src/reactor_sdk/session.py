"""Sessions over HTTP, in two worlds: a coordinator that allots workers, and a runtime on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final, Protocol

from reactor_protocol.errors import (
    AuthenticationError,
    ConflictError,
    InvalidArgumentError,
    ModelFailedError,
    NetworkError,
    NotFoundError,
    RateLimitedError,
    ReactorException,
    RequestTimeoutError,
    ServerError,
    SessionEndedError,
    TransportError,
)
from reactor_protocol.lifecycles import SESSION_RUNNING
from reactor_protocol.names import TRANSPORT, WEBRTC_VERSION
from reactor_protocol.resources import Session
from reactor_sdk.api import Api, fetch_token
from reactor_sdk.config import ClientConfig
from reactor_sdk.version import CLIENT_INFO

_FIRST_POLL_S: Final = 0.05
_LONGEST_POLL_S: Final = 10.0
_POLL_FAILURES: Final = 5
"""So many polls in a row may fail before waiting is given up: a queue can last longer than a network is well."""
_CLOSING_LIMIT_S: Final = 15.0
_END_LIMIT_S: Final = 5.0
_PASSING: Final = (NetworkError, RequestTimeoutError, ServerError, RateLimitedError)


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

    async def open(self, session_id: str | None) -> OpenedSession:
        """A new session, or that one."""
        ...

    async def wait(self, session: Session) -> Session:
        """The session when it has a worker, however long that takes. Raises :class:`SessionEndedError`."""
        ...

    async def find(self, session_id: str) -> Session:
        """The session of an earlier connection. Raises :class:`SessionEndedError` where it is over."""
        ...

    async def end(self, session_id: str) -> None:
        """Ends a session; one that is over already is fine."""
        ...


def make_sessions(api: Api, config: ClientConfig) -> Sessions:
    """The world that the configuration asks for."""
    return LocalSessions(api) if config.local else HostedSessions(api, config)


def described(session: Session) -> bool:
    """Whether a session says all that a connection needs to know."""
    return session.capabilities is not None and session.selected_transport is not None


def check_described(session: Session) -> None:
    """Raises :class:`TransportError` for a session that this client cannot connect to."""
    transport, capabilities = session.selected_transport, session.capabilities
    if transport is None or transport.protocol != TRANSPORT:
        name = "none" if transport is None else transport.protocol
        raise TransportError(f"the session offers the transport {name!r}, and this client speaks {TRANSPORT!r}")
    if capabilities is None or not capabilities.tracks:
        raise TransportError("the model has no tracks: there is nothing to connect to")


class _Patience:
    """When to ask again: soon at first, then ever less often. Waiting survives a few failures in a row."""

    def __init__(self) -> None:
        self._pause = _FIRST_POLL_S
        self._least = 0.0
        self._failures = 0

    def answered(self) -> None:
        self._failures, self._least = 0, 0.0

    def failed(self, error: ReactorException) -> None:
        """Raises ``error`` if it is one too many."""
        self._failures += 1
        self._least = error.retry_after or 0.0
        if self._failures > _POLL_FAILURES:
            raise error

    def next_pause(self) -> float:
        """Seconds to wait now."""
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_POLL_S)
        return max(pause, self._least)


class HostedSessions:
    """Sessions of a coordinator (reference: client and REST, section 2)."""

    def __init__(self, api: Api, config: ClientConfig) -> None:
        self._api = api
        self._model = config.model_name
        self._key = config.api_key

    async def authorize(self) -> None:
        self._api.authorize(None)
        self._api.authorize(await fetch_token(self._api, self._key))

    async def open(self, session_id: str | None) -> OpenedSession:
        if session_id is not None:
            return OpenedSession(await self.find(session_id), created=False)
        body = {
            "model": {"name": self._model},
            "client_info": dict(CLIENT_INFO),
            "supported_transports": [{"protocol": TRANSPORT, "version": WEBRTC_VERSION}],
        }
        reply = await self._api.fetch("POST", "/sessions", body)
        return OpenedSession(reply.parse(Session), created=True)

    async def find(self, session_id: str) -> Session:
        session = await self._describe(session_id)
        _check_alive(session)
        return session

    async def wait(self, session: Session) -> Session:
        patience, restarted = _Patience(), False
        while not described(session):
            _check_alive(session)
            if session.state.upper() == "INACTIVE":
                if restarted:
                    raise SessionEndedError(f"session {session.session_id} is inactive and did not come back")
                await self._restart(session.session_id)
                restarted = True
            try:
                session = await self._describe(session.session_id)
                patience.answered()
            except AuthenticationError as error:  # the token has a life of its own, shorter than some queues
                patience.failed(error)
                await self.authorize()
            except _PASSING as error:
                patience.failed(error)
            if not described(session):
                await asyncio.sleep(patience.next_pause())
        return session

    async def _describe(self, session_id: str) -> Session:
        return (await self._api.fetch("GET", f"/sessions/{session_id}")).parse(Session)

    async def _restart(self, session_id: str) -> None:
        """Asks for another worker for a session that has lost its own."""
        try:
            await self._api.fetch("PUT", f"/sessions/{session_id}")
        except (NotFoundError, ConflictError) as error:
            raise SessionEndedError(f"session {session_id} is inactive and cannot be restarted: {error}") from error

    async def end(self, session_id: str) -> None:
        with contextlib.suppress(NotFoundError):
            await _within(_END_LIMIT_S, self._api, "DELETE", f"/sessions/{session_id}")


class LocalSessions:
    """The one session of a runtime on this machine (reference: runtime, section 3). No token, no queue."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def authorize(self) -> None:
        return None

    async def open(self, session_id: str | None) -> OpenedSession:
        if session_id is not None:
            raise InvalidArgumentError("session_id= is for hosted sessions: connect() joins the one session of a local runtime")
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _CLOSING_LIMIT_S
        while True:
            try:
                reply = await self._api.fetch("POST", "/start_session", {})
                return OpenedSession(reply.parse(Session), created=True)
            except ConflictError:
                session = await self._current()
                if session.state.lower() in SESSION_RUNNING:
                    return OpenedSession(session, created=False)
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

    async def _current(self) -> Session:
        return (await self._api.fetch("GET", "/session")).parse(Session)

    async def wait(self, session: Session) -> Session:
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

    async def end(self, session_id: str) -> None:
        # The route takes no id: another client's session must not be ended in place of ours.
        if (await self._current()).session_id == session_id:
            with contextlib.suppress(ConflictError):
                await _within(_END_LIMIT_S, self._api, "POST", "/stop_session")


def _check_alive(session: Session) -> None:
    if session.state.upper() in ("CLOSED", "TERMINATED"):
        raise SessionEndedError(f"session {session.session_id} is over ({session.state})")


async def _within(limit_s: float, api: Api, method: str, path: str) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await api.fetch(method, path)
    except TimeoutError as error:
        raise RequestTimeoutError(f"{method} {path} was not answered within {limit_s:g} s") from error
