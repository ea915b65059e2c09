"""FakeCoordinator: a small server of the REST API on 127.0.0.1, with a real WebRTC model behind it, for tests of clients.

It answers as a coordinator does (tokens, sessions that wait before they are active, a queue, streams of a session's changes,
uploads, signalling) and as a local runtime does (``/start_session``, ``/session``, ``/stop_session``). Tests tell it how to fail,
how long the queue is and when a worker is lost, and ask it what it was asked.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from reactor_protocol.messages import RuntimeMessage, SessionEnded
from reactor_protocol.names import (
    API_VERSION,
    EVENT_STREAM,
    HEADER_API_KEY,
    HEADER_API_VERSION,
    HEADER_WEBRTC_VERSION,
    NOTICE_EXPIRATION,
)
from reactor_protocol.resources import QueuePlace
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import PeerFactory
from reactor_testing.fake_coordinator_model import FakeModel
from reactor_testing.fake_coordinator_runtime import RuntimeRoutes
from reactor_testing.fake_coordinator_state import (
    API_KEY,
    Behaviour,
    Failure,
    FakeSession,
    FakeTokens,
    Recorded,
    not_found,
    refused,
)

__all__ = ["API_KEY", "Behaviour", "Failure", "FakeCoordinator", "FakeSession", "Recorded"]

_TICK_S = 0.01


class FakeCoordinator:
    """The server, as an async context manager; :attr:`url` is where it listens."""

    def __init__(self, behaviour: Behaviour | None = None, *, peer_factory: PeerFactory = make_peer) -> None:
        self.behaviour = behaviour or Behaviour()
        self.requests: list[Recorded] = []
        self.sessions: dict[str, FakeSession] = {}
        self.uploads: dict[str, bytes] = {}
        self.url = ""
        self._make_peer = peer_factory
        self._failures: dict[str, deque[Failure]] = {}
        self._tokens = FakeTokens()
        self._place: QueuePlace | None = None
        self._streams: set[asyncio.Transport] = set()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application(middlewares=[self._watch], client_max_size=64 * 1024 * 1024)
        application.add_routes([*self._routes(), *RuntimeRoutes(self).routes()])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.break_streams()
        for session in self.sessions.values():
            await session.model.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # ------------------------------------------------------------------------------------------- what tests ask for

    def fail_next(
        self,
        route: str,
        status: int,
        body: Any = None,
        *,
        code: str | None = None,
        retry_after: float | None = None,
        times: int = 1,
    ) -> None:
        """The next ``times`` answers to ``route`` (as in ``"POST /sessions"``, ids written ``{id}``) are this failure.

        ``body`` is a dict for JSON, or text; ``code`` (``"QUOTA_EXCEEDED"``, ...) is added to a dict; ``retry_after`` is sent as
        the header.
        """
        if code is not None:
            body = {"code": code, "message": "told to fail", **(body or {})}
        self._failures.setdefault(route, deque()).extend([Failure(status, body, retry_after)] * times)

    def requested(self, route: str) -> list[Recorded]:
        """The requests to a route, in order."""
        return [request for request in self.requests if f"{request.method} {request.route}" == route]

    def change(self, **fields: Any) -> None:
        """Changes the behaviour from now on."""
        self.behaviour = replace(self.behaviour, **fields)

    @property
    def session(self) -> FakeSession:
        """The newest session."""
        return list(self.sessions.values())[-1]

    @property
    def model(self) -> FakeModel:
        """The model of the newest session."""
        return self.session.model

    @property
    def streams(self) -> int:
        """How many clients listen to the changes of a session."""
        return len(self._streams)

    def place_in_queue(self, position: int, waiting: int, estimate: float | None = None) -> None:
        """No worker is free: the newest session, if it waits, and those to come stand there until :meth:`give_worker`.

        ``estimate`` is the estimated wait in seconds. A client that would not wait is answered 429 (NO_CAPACITY).
        """
        self._place = QueuePlace(position=position, waiting=waiting, estimated_wait_s=estimate)
        if self.sessions and self.session.state in ("CREATED", "WAITING"):
            self.session.state, self.session.queue = "WAITING", self._place

    def give_worker(self) -> None:
        """The newest session gets a worker, be it the first or another one; nobody has to wait any more."""
        self._place = None
        if self.sessions:
            self.session.activate()

    async def lose_worker(self) -> None:
        """The worker of the newest session is gone, with all connections: INACTIVE until :meth:`give_worker`."""
        session, lost = self.session, self.model
        session.state, session.model = "INACTIVE", self._new_model()
        await lost.close()

    def break_streams(self) -> None:
        """Cuts the connection of everybody who listens to a session."""
        for transport in self._streams:
            transport.abort()

    def expire_tokens(self) -> None:
        """Tokens that were given out until now are refused (401) from now on."""
        self._tokens.expire()

    async def drop(self) -> None:
        """Ends every connection without a word; the sessions live on."""
        for session in self.sessions.values():
            await session.model.drop()

    async def end_session(self, reason: str) -> None:
        """Ends the newest session, and tells its clients why."""
        session = self.session
        session.state = "CLOSED"
        session.extra["reason"] = reason
        for connection in session.model.connections:
            await connection.opened.wait()
        session.model.broadcast(SessionEnded(reason))
        await session.model.drop()

    def say(self, kind: str, data: dict[str, Any]) -> None:
        """Sends a message of the platform to everybody."""
        self.model.broadcast(RuntimeMessage(kind, data))

    def announce_expiration(self, expires_at: float, remaining_s: float) -> None:
        """Tells everybody when the newest session will end (epoch seconds), as a server does ahead of it."""
        self.session.extra["expires_at"] = expires_at
        self.say(NOTICE_EXPIRATION, {"expires_at": expires_at, "remaining_s": remaining_s})

    # ---------------------------------------------------------------------------------------------------- requests

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.post("/tokens", self._token),
            web.post("/sessions", self._create),
            web.get("/sessions", self._list),
            web.get("/sessions/{id}", self._describe),
            web.put("/sessions/{id}", self._restart),
            web.delete("/sessions/{id}", self._delete),
        ]

    @web.middleware
    async def _watch(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else request.path
        body = b"" if route == "/uploads/{id}" else await request.read()
        self.requests.append(Recorded(request.method, request.path, route, dict(request.headers), body))
        waiting = self._failures.get(f"{request.method} {route}")
        if waiting:
            return waiting.popleft().response()
        if "/transport/webrtc" in route and request.headers.get(HEADER_WEBRTC_VERSION) != "1.0":
            return refused(426, "Reactor-WebRTC-Version must be 1.0")
        if route.startswith("/sessions") and "/transport" not in route and request.headers.get(HEADER_API_VERSION) != API_VERSION:
            return refused(426, "Reactor-API-Version must be 1")
        if self._is_hosted(request, route) and not self._tokens.accepts(request.headers.get("Authorization")):
            return refused(401, "the token is not valid")
        return await handler(request)

    def _is_hosted(self, request: web.Request, route: str) -> bool:
        """Whether a request is for the coordinator, which wants a token; a local runtime wants none."""
        session = self.sessions.get(request.match_info.get("id", ""))
        return route.startswith("/sessions") and (session is None or session.hosted)

    def find(self, request: web.Request) -> FakeSession:
        session = self.sessions.get(request.match_info["id"])
        if session is None:
            raise not_found(f"no session {request.match_info['id']}")
        return session

    def open(self, model_name: str) -> FakeSession:
        session = FakeSession(str(uuid.uuid4()), model_name, self._new_model(), extra=dict(self.behaviour.extra))
        self.sessions[session.session_id] = session
        return session

    def _new_model(self) -> FakeModel:
        return FakeModel(self.behaviour.tracks, self._make_peer, acks=self.behaviour.acks)

    async def _token(self, request: web.Request) -> web.Response:
        if request.headers.get(HEADER_API_KEY) != API_KEY:
            return refused(401, "the API key is not valid")
        asked = await request.json() if request.can_read_body else {}
        jwt, end = self._tokens.issue(asked.get("expires_after", self.behaviour.token_life))
        granted = {name: asked[name] for name in ("authorization_details",) if name in asked}
        return web.json_response({"jwt": jwt, "expires_at": end, **granted})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = asked["model"]["name"]
        if name not in self.behaviour.models:
            return refused(404, f"no model {name!r}")
        if self._place is not None and asked.get("queue") is False:
            return refused(429, "no worker is free", retry_after=self._place.estimated_wait_s)
        session = self.open(name)
        session.hosted, session.queue = True, self._place
        session.max_duration_s = asked.get("max_session_duration_seconds")
        slim = {"session_id": session.session_id, "model": {"name": name}, "state": session.state, "cluster": "test"}
        return web.json_response({**slim, "server_info": {"server_version": "0.0.test"}}, status=201)

    async def _list(self, _request: web.Request) -> web.Response:
        open_ones = [session for session in self.sessions.values() if session.hosted and session.state != "CLOSED"]
        return web.json_response({"sessions": [session.body(self.behaviour) for session in open_ones]})

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        session = self.find(request)
        if self.behaviour.streams and EVENT_STREAM in request.headers.get("Accept", ""):
            return await self._stream(request, session)
        session.advance(self.behaviour.polls)
        return web.json_response(session.body(self.behaviour))

    async def _stream(self, request: web.Request, session: FakeSession) -> web.StreamResponse:
        """Tells of every change, until there is a worker or the session is over."""
        response = web.StreamResponse(headers={"Content-Type": EVENT_STREAM, "Cache-Control": "no-store"})
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return response
        self._streams.add(transport)
        try:
            await self._tell(transport, response, session)
        except ConnectionError:
            pass  # the client has gone
        finally:
            self._streams.discard(transport)
        return response

    async def _tell(self, transport: asyncio.Transport, response: web.StreamResponse, session: FakeSession) -> None:
        told, told_at, loop = "", 0.0, asyncio.get_running_loop()
        while not transport.is_closing():
            session.advance(self.behaviour.polls)
            body = session.body(self.behaviour)
            if (text := json.dumps(body)) != told:
                told, told_at = text, loop.time()
                await response.write(f"data: {text}\n\n".encode())
                if "capabilities" in body or session.state == "CLOSED":
                    return
            elif loop.time() - told_at >= self.behaviour.keep_alive:
                told_at = loop.time()
                await response.write(b": keep-alive\n\n")
            await asyncio.sleep(_TICK_S)

    async def _restart(self, request: web.Request) -> web.Response:
        session = self.find(request)
        if session.state == "CLOSED":
            return refused(409, "the session is over")
        session.state = "WAITING"
        return web.json_response(session.body(self.behaviour))

    async def _delete(self, request: web.Request) -> web.Response:
        session = self.find(request)
        session.state = "CLOSED"
        await session.model.drop()
        return web.Response(status=204)
