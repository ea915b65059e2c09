"""Routes of sessions (reference: client and REST, section 2)."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from reactor_coordinator.admission import Asked
from reactor_coordinator.bodies import StrictRoute, parse
from reactor_coordinator.callers import BEARER
from reactor_coordinator.failures import RESPONSES, documented
from reactor_coordinator.headers import check_api_version
from reactor_coordinator.intake import Wish
from reactor_coordinator.scopes import MAX_SESSION_DURATION_S
from reactor_coordinator.service import Service
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.streams import SessionStream
from reactor_coordinator.tokens import Caller
from reactor_protocol.errors import BadRequestError, ConflictError, NotFoundError
from reactor_protocol.lifecycles import SessionEvent, SessionState
from reactor_protocol.names import EVENT_STREAM, MAX_REASON_CHARS, TRANSPORT
from reactor_protocol.resources import Session

_ENDED_BY_CLIENT = "ended by its client"
_MAX_STREAMS = 16
"""Streams of one session, on one coordinator; who asks for more is answered once, and polls."""
_CHECKS = [Depends(check_api_version), Security(BEARER)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="allow")


class WantedModel(_Body):
    name: str = Field(min_length=1, max_length=128)
    version: str | None = Field(default=None, max_length=64)


class OfferedTransport(_Body):
    protocol: str = Field(max_length=32)
    version: str | None = Field(default=None, max_length=32)


class SessionRequest(_Body):
    """``queue`` false: answer 429 at once where no worker is free."""

    model: WantedModel
    supported_transports: list[OfferedTransport] | None = Field(default=None, max_length=16)
    queue: bool = True
    max_session_duration_seconds: int | None = Field(default=None, ge=1, le=MAX_SESSION_DURATION_S)


class EndRequest(_Body):
    reason: str | None = Field(default=None, max_length=MAX_REASON_CHARS)


class SessionsListed(BaseModel):
    sessions: list[Session]


class SessionInfo(BaseModel):
    session_id: str
    state: str
    cluster: str


class SessionMoved(BaseModel):
    state: str


SessionId = Annotated[str, "a session's id"]


def session_routes(service: Service) -> APIRouter:
    """``/sessions``."""
    router = APIRouter(prefix="/sessions", tags=["sessions"], route_class=StrictRoute, dependencies=_CHECKS)

    @router.post("", status_code=201, responses={201: {"model": Session}, **documented(402, 403), **RESPONSES})
    async def create(request: Request, body: SessionRequest) -> JSONResponse:
        """Begins a session. Where no worker is free it waits in the queue, unless ``queue`` is false."""
        caller = await service.doorkeeper.caller(request)
        service.check_open()
        session = await service.intake.open(_wish(service, caller, body))
        return JSONResponse(service.board.body(session), 201)

    @router.get("", responses={200: {"model": SessionsListed}, **RESPONSES})
    async def mine(request: Request) -> JSONResponse:
        """The caller's open sessions."""
        caller = await service.doorkeeper.caller(request)
        found = await service.database.read(session_rows.of_key, caller.key_id)
        seen = [each for each in found if caller.may_see(each.id, each.key_id, each.token_id)]
        return JSONResponse({"sessions": [service.board.body(each) for each in seen]})

    return router


def one_session_routes(service: Service) -> APIRouter:
    """``/sessions/{id}``."""
    router = APIRouter(prefix="/sessions/{session_id}", tags=["sessions"], route_class=StrictRoute, dependencies=_CHECKS)
    described: dict[int | str, dict[str, Any]] = {200: {"model": Session, "content": {EVENT_STREAM: {}}}, **RESPONSES}

    @router.get("", responses=described, response_model=None)
    async def describe(request: Request, session_id: SessionId) -> Response:
        """A session. With ``Accept: text/event-stream`` it comes again after every change, until it is ACTIVE or over."""
        return await _described(service, request, session_id, whole=False)

    @router.get("/events", responses=described, response_model=None)
    async def events(request: Request, session_id: SessionId) -> Response:
        """A session. With ``Accept: text/event-stream`` it comes again after every change, for as long as it lasts: its clients
        hear at once that its worker is lost."""
        return await _described(service, request, session_id, whole=True)

    @router.get("/info", responses=RESPONSES)
    async def info(request: Request, session_id: SessionId) -> SessionInfo:
        """A session's state, in short."""
        session, _ = await service.session(await service.doorkeeper.caller(request), session_id)
        return SessionInfo(session_id=session.id, state=str(session.state), cluster=service.config.cluster)

    @router.get("/runtime", responses=RESPONSES)
    async def runtime(request: Request, session_id: SessionId) -> SessionMoved:
        """A session's state alone."""
        session, _ = await service.session(await service.doorkeeper.caller(request), session_id)
        return SessionMoved(state=str(session.state))

    @router.put("", responses={200: {"model": Session}, **documented(409), **RESPONSES})
    async def restart(request: Request, session_id: SessionId) -> JSONResponse:
        """Has a session placed on another worker, under the same id. One that is waiting for a worker already is left alone."""
        session, _ = await service.session(await service.doorkeeper.caller(request), session_id)
        if session.state is SessionState.CLOSED:
            raise ConflictError("the session is over and cannot be restarted: begin a new one")
        if session.state is SessionState.ACTIVE and session.worker_id is not None:
            held, now = session.worker_id, service.clock()
            await service.database.write(session_rows.lost_worker, held, SessionEvent.RESTART, now)
            service.bell.ring()
            session, _ = await service.intake.find(session.id) or (session, None)
        return JSONResponse(service.board.body(session))

    @router.delete("", status_code=204, responses=RESPONSES)
    async def end(request: Request, session_id: SessionId) -> Response:
        """Ends a session. Its worker is free within a second; ending it twice is fine."""
        session, _ = await service.session(await service.doorkeeper.caller(request), session_id)
        await service.intake.end(session.id, await _reason(request))
        return Response(status_code=204)

    return router


async def _described(service: Service, request: Request, session_id: str, *, whole: bool) -> Response:
    caller = await service.doorkeeper.caller(request)
    session, worker = await service.session(caller, session_id)
    service.board.heard(session_id)
    if EVENT_STREAM in request.headers.get("accept", "") and service.board.watchers(session_id) < _MAX_STREAMS:
        return _Streamed(SessionStream(service.board, session, worker, whole=whole))
    return JSONResponse(service.board.body(session, worker))


class _Streamed(Response):
    """Lets an ASGI answer pass for one of the framework's."""

    def __init__(self, stream: SessionStream) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._stream(scope, receive, send)


async def _reason(request: Request) -> str:
    """Why a client ends its session, if it says so."""
    with contextlib.suppress(ValueError):
        return EndRequest.model_validate(parse(await request.body() or b"{}")).reason or _ENDED_BY_CLIENT
    return _ENDED_BY_CLIENT


def _wish(service: Service, caller: Caller, body: SessionRequest) -> Wish:
    transports = body.supported_transports
    if transports is not None and not any(each.protocol == TRANSPORT for each in transports):
        raise BadRequestError(f"none of the supported_transports is {TRANSPORT!r}, which is what is spoken here")
    if not caller.may_start(body.model.name):
        raise NotFoundError(f"the token does not grant the model {body.model.name!r}")
    model = service.model(body.model.name)
    scope = caller.scope_for(body.model.name)
    bounds = scope.constraints if scope is not None else None
    lengths = [body.max_session_duration_seconds, bounds.max_session_duration_seconds if bounds is not None else None]
    asked = Asked(
        session_id=str(uuid4()),
        key_id=caller.key_id,
        token_id=caller.token_id,
        model=model,
        queue=body.queue,
        token_max_sessions=bounds.max_sessions if bounds is not None else None,
    )
    return Wish(asked, min((length for length in lengths if length is not None), default=None))
