"""FakeCoordinator: a small server of the REST API on 127.0.0.1, with a real WebRTC model behind it, for tests of clients.

It answers as a coordinator does (tokens, sessions that wait before they are active, uploads, signalling) and as a local runtime
does (``/start_session``, ``/session``, ``/stop_session``). Tests tell it how to fail, and ask it what it was asked.
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from pydantic import ValidationError

from reactor_protocol.messages import RuntimeMessage, SessionEnded
from reactor_protocol.names import API_VERSION, EXTENSION_ACKS, HEADER_API_KEY, HEADER_API_VERSION, HEADER_WEBRTC_VERSION
from reactor_protocol.resources import Candidates, Offer, UploadRequest
from reactor_rtc.port import PeerFactory
from reactor_rtc.wrtc_peer import make_peer
from reactor_testing.fake_coordinator_model import DEFAULT_TRACKS, FakeModel

API_KEY = "rk_test"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request that was made. ``route`` is its path with ids replaced, as in ``GET /sessions/{id}``."""

    method: str
    path: str
    route: str
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body, parsed; None where there was none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer to give instead of the right one."""

    status: int
    body: Any = None
    retry_after: float | None = None


@dataclass(slots=True)
class FakeSession:
    """A session, and how often it has been asked about."""

    session_id: str
    model_name: str
    model: FakeModel
    state: str = "CREATED"
    polls: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the server is. ``polls`` is how often a session is asked about before it is active."""

    acks: bool = True
    polls: int = 2
    tracks: tuple[dict[str, str], ...] = DEFAULT_TRACKS
    models: tuple[str, ...] = ("echo",)
    answer_delay: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


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
        self._slots: dict[str, UploadRequest] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application(middlewares=[self._watch], client_max_size=64 * 1024 * 1024)
        application.add_routes(self._routes())
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
        for session in self.sessions.values():
            await session.model.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # ------------------------------------------------------------------------------------------- what tests ask for

    def fail_next(self, route: str, status: int, body: Any = None, *, retry_after: float | None = None, times: int = 1) -> None:
        """The next ``times`` answers to ``route`` (as in ``"POST /sessions"``, ids written ``{id}``) are this failure.

        ``body`` is a dict for JSON, or text; ``retry_after`` is sent as the header.
        """
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

    async def drop(self) -> None:
        """Ends every connection without a word; the sessions live on."""
        for session in self.sessions.values():
            await session.model.drop()

    async def end_session(self, reason: str) -> None:
        """Ends the newest session, and tells its clients why."""
        session = self.session
        session.state = "CLOSED"
        for connection in session.model.connections:
            await connection.opened.wait()
        session.model.broadcast(SessionEnded(reason))
        await session.model.drop()

    def say(self, kind: str, data: dict[str, Any]) -> None:
        """Sends a message of the platform to everybody."""
        self.model.broadcast(RuntimeMessage(kind, data))

    # ---------------------------------------------------------------------------------------------------- requests

    def _routes(self) -> list[web.RouteDef]:
        webrtc = "/sessions/{id}/transport/webrtc"
        offers = webrtc + "/connections/{cid}/sdp_params"
        return [
            web.post("/tokens", self._token),
            web.post("/sessions", self._create),
            web.get("/sessions/{id}", self._describe),
            web.put("/sessions/{id}", self._restart),
            web.delete("/sessions/{id}", self._delete),
            web.post("/sessions/{id}/uploads", self._reserve),
            web.put("/uploads/{id}", self._store),
            web.get(webrtc + "/ice_servers", self._ice_servers),
            web.post(webrtc + "/connections", self._register),
            web.post(offers, self._offer),
            web.put(offers, self._offer),
            web.get(offers, self._answer),
            web.post(webrtc + "/connections/{cid}/ice_candidates", self._candidates),
            web.post("/start_session", self._start_local),
            web.get("/session", self._local),
            web.post("/stop_session", self._stop_local),
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
            return _failed(waiting.popleft())
        if "/transport/webrtc" in route and request.headers.get(HEADER_WEBRTC_VERSION) != "1.0":
            return _refused(426, "Reactor-WebRTC-Version must be 1.0")
        if route.startswith("/sessions") and "/transport" not in route and request.headers.get(HEADER_API_VERSION) != API_VERSION:
            return _refused(426, "Reactor-API-Version must be 1")
        return await handler(request)

    def _session(self, request: web.Request) -> FakeSession:
        session = self.sessions.get(request.match_info["id"])
        if session is None:
            raise _error(web.HTTPNotFound, f"no session {request.match_info['id']}")
        return session

    async def _token(self, request: web.Request) -> web.Response:
        if request.headers.get(HEADER_API_KEY) != API_KEY:
            return _refused(401, "the API key is not valid")
        return web.json_response({"jwt": "jwt-of-the-test", "expires_at": 4_000_000_000})

    async def _create(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer jwt-of-the-test":
            return _refused(401, "the token is not valid")
        name = (await request.json())["model"]["name"]
        if name not in self.behaviour.models:
            return _refused(404, f"no model {name!r}")
        session = self._open(name)
        slim = {"session_id": session.session_id, "model": {"name": name}, "state": session.state, "cluster": "test"}
        return web.json_response({**slim, "server_info": {"server_version": "0.0.test"}}, status=201)

    def _open(self, name: str) -> FakeSession:
        model = FakeModel(self.behaviour.tracks, self._make_peer, acks=self.behaviour.acks)
        session = FakeSession(str(uuid.uuid4()), name, model, extra=dict(self.behaviour.extra))
        self.sessions[session.session_id] = session
        return session

    async def _describe(self, request: web.Request) -> web.Response:
        session = self._session(request)
        session.polls += 1
        if session.state in ("CREATED", "WAITING"):
            session.state = "ACTIVE" if session.polls >= self.behaviour.polls else "WAITING"
        return web.json_response(self._body(session))

    def _body(self, session: FakeSession) -> dict[str, Any]:
        body: dict[str, Any] = {
            "session_id": session.session_id,
            "state": session.state,
            "cluster": "test",
            "model": {"name": session.model_name},
            "server_info": {"server_version": "0.0.test"},
            **session.extra,
        }
        if session.state in ("ACTIVE", "waiting", "streaming", "orphaned"):
            extensions = {"extensions": {EXTENSION_ACKS: 1}} if self.behaviour.acks else {}
            body["selected_transport"] = {"protocol": "webrtc", "version": "1.0"}
            body["capabilities"] = {
                "protocol_version": "v0",
                "tracks": list(self.behaviour.tracks),
                "commands": [{"name": "echo", "description": "says it back"}],
                "emission_fps": 30.0,
                **extensions,
            }
        return body

    async def _restart(self, request: web.Request) -> web.Response:
        session = self._session(request)
        session.state = "WAITING"
        return web.json_response(self._body(session))

    async def _delete(self, request: web.Request) -> web.Response:
        session = self._session(request)
        session.state = "CLOSED"
        await session.model.drop()
        return web.Response(status=204)

    # ----------------------------------------------------------------------------------------------------- uploads

    async def _reserve(self, request: web.Request) -> web.Response:
        self._session(request)
        wanted = UploadRequest.model_validate_json(await request.read())
        upload_id = uuid.uuid4().hex
        self._slots[upload_id] = wanted
        slot = {"presigned_id": upload_id, "presigned_url": f"{self.url}/uploads/{upload_id}?sig=a%2Bb", "path": wanted.name}
        return web.json_response(slot, status=201)

    async def _store(self, request: web.Request) -> web.Response:
        upload_id = request.match_info["id"]
        wanted = self._slots.get(upload_id)
        if wanted is None or request.query.get("sig") != "a+b":
            return _refused(404, "no such upload")
        content = await request.read()
        if len(content) != wanted.size:
            return _refused(400, f"{len(content)} bytes instead of {wanted.size}")
        self.uploads[upload_id] = content
        return web.Response()

    # -------------------------------------------------------------------------------------------------- signalling

    async def _ice_servers(self, request: web.Request) -> web.Response:
        self._session(request)
        return web.json_response({"ice_servers": []})

    async def _register(self, request: web.Request) -> web.Response:
        return web.json_response({"connection_id": self._session(request).model.register()}, status=201)

    async def _offer(self, request: web.Request) -> web.Response:
        session = self._session(request)
        connection_id = int(request.match_info["cid"])
        if not session.model.knows(connection_id):
            return _refused(404, f"no connection {connection_id}")
        try:
            offer = Offer.model_validate_json(await request.read())
        except ValidationError as error:
            return web.json_response({"detail": error.errors(include_context=False)}, status=422)
        await session.model.offer(connection_id, offer)
        return web.json_response({"connection_id": connection_id}, status=202)

    async def _answer(self, request: web.Request) -> web.Response:
        connection_id = int(request.match_info["cid"])
        answer = self._session(request).model.answer(connection_id)
        polls = len(self.requested("GET /sessions/{id}/transport/webrtc/connections/{cid}/sdp_params"))
        if answer is None or polls <= self.behaviour.answer_delay:
            return web.Response(status=202)
        return web.json_response({"sdp_answer": answer, "connection_id": connection_id})

    async def _candidates(self, request: web.Request) -> web.Response:
        found = Candidates.model_validate_json(await request.read())
        await self._session(request).model.candidates(int(request.match_info["cid"]), found)
        return web.Response(status=202)

    # --------------------------------------------------------------------------------------------- a local runtime

    async def _start_local(self, _request: web.Request) -> web.Response:
        if self.sessions and self.session.state in ("waiting", "streaming", "orphaned", "closing"):
            return web.json_response({"detail": "a session is running"}, status=409)
        session = self._open("echo")
        session.state = "waiting"
        return web.json_response(self._body(session))

    async def _local(self, _request: web.Request) -> web.Response:
        if not self.sessions:
            return web.json_response({"session_id": "", "state": "ready"})
        return web.json_response(self._body(self.session))

    async def _stop_local(self, _request: web.Request) -> web.Response:
        if not self.sessions or self.session.state == "ready":
            return web.json_response({"detail": "no session is running"}, status=409)
        self.session.state = "ready"
        await self.session.model.drop()
        return web.Response()


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def _error(kind: type[web.HTTPException], message: str) -> web.HTTPException:
    return kind(text=json.dumps({"message": message}), content_type="application/json")


def _failed(failure: Failure) -> web.Response:
    headers = {} if failure.retry_after is None else {"Retry-After": f"{failure.retry_after:g}"}
    if isinstance(failure.body, str):
        return web.Response(status=failure.status, text=failure.body, headers=headers)
    body = {"message": "told to fail"} if failure.body is None else failure.body
    return web.json_response(body, status=failure.status, headers=headers)
