"""The routes of :8080 (reference: runtime, sections 3 and 4; client and REST, 1.15 for the legacy ones)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from reactor_http.body_limit import BodyLimit
from reactor_http.routes import add_routes
from reactor_pages import routes as pages
from reactor_protocol.errors import ApiError, BadRequestError, ConflictError, NegotiationError, ReactorException
from reactor_protocol.names import MAX_REASON_CHARS, NIL_SESSION_ID
from reactor_protocol.resources import Notice, UploadRequest, UploadSlot
from reactor_runtime.descriptor import describe
from reactor_runtime.gate import WorkerGate
from reactor_runtime.recording.routes import recording_routes
from reactor_runtime.runtime import TAKEN_AWAY, Runtime
from reactor_runtime.session import STOPPED, EndReason
from reactor_runtime.signalling_routes import connection_routes, legacy_routes, require_session
from reactor_runtime.starting import read_terms
from reactor_runtime.watching.health import Facts, health_of
from reactor_runtime.watching.routes import watching_routes

_EXPOSED = ["Retry-After", "Content-Range"]
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class StopRequest(BaseModel):
    """Why a session is stopped. ``moved`` is said to workers: the session goes on elsewhere.

    With ``if_unused`` a session that clients are connected to is not stopped; ``leaving`` is the connection of who asks.
    """

    moderate: bool = False
    moved: bool = False
    if_unused: bool = False
    leaving: int | None = None
    reason: str = Field(default="", max_length=MAX_REASON_CHARS)


def build_app(runtime: Runtime) -> FastAPI:
    """The HTTP application of a runtime."""
    app = FastAPI(title="openreactor runtime")
    app.add_middleware(BodyLimit)
    if runtime.settings.worker is not None:
        app.add_middleware(WorkerGate, secret=runtime.settings.worker.secret)
        add_routes(app, _notices(runtime))
    else:
        app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], expose_headers=_EXPOSED)
        for router in _playground(runtime):
            add_routes(app, router)
    app.add_exception_handler(ApiError, _refuse)
    app.add_exception_handler(NegotiationError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_malformed)
    add_routes(app, _lifecycle(runtime))
    add_routes(app, _uploads(runtime))
    add_routes(app, recording_routes(runtime.recordings))
    add_routes(app, watching_routes(runtime.watch))
    add_routes(app, connection_routes(runtime))
    add_routes(app, legacy_routes(runtime))
    return app


def _playground(runtime: Runtime) -> list[APIRouter]:
    """The page for playing with the model, what it is made of, and the clips that the model's author offers."""
    clips = {clip.name: clip for clip in runtime.manifest.playground.samples}
    return [
        pages.page("/", "playground"),
        pages.assets("/playground", "playground"),
        pages.sample_clips("/playground/samples", clips),
    ]


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ReactorException)
    headers = {"Retry-After": f"{error.retry_after:g}"} if error.retry_after is not None else None
    return JSONResponse({"detail": error.message, "code": error.code}, error.status or 400, headers)


async def _refuse_malformed(_request: Request, error: Exception) -> JSONResponse:
    """Says what is wrong without repeating what was sent: it may hold a password, or what JSON cannot say."""
    assert isinstance(error, RequestValidationError)
    detail = [{"type": part["type"], "loc": part["loc"], "msg": part["msg"]} for part in error.errors()]
    return JSONResponse({"detail": detail}, 422)


# ---------------------------------------------------------------------------------------------------- lifecycle


def _lifecycle(runtime: Runtime) -> APIRouter:
    router = APIRouter()

    @router.post("/start_session")
    async def start_session(parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """Begins a session and describes it. A worker's session has the id that its coordinator gives it."""
        runtime.watch.session_asked(parameters or {})
        given = _given_id(parameters) if runtime.settings.worker is not None else None
        await runtime.start_session(given, read_terms(parameters or {}))
        return describe(runtime)

    @router.get("/session")
    async def session() -> dict[str, Any]:
        """Describes the session, or the runtime when there is none."""
        return describe(runtime)

    @router.post("/stop_session")
    async def stop_session(request: StopRequest | None = None) -> Response:
        """Ends the session; its clients are told why, or, where it goes on at another worker, that they may come back."""
        stop = request or StopRequest()
        if stop.if_unused and runtime.table.clients - {stop.leaving}:
            raise ConflictError("others use the session: it goes on for them")
        if stop.moved and runtime.settings.worker is not None:
            await runtime.stop_session(EndReason.EVICTED, stop.reason or TAKEN_AWAY)
        else:
            await runtime.stop_session(EndReason.MODERATED if stop.moderate else EndReason.STOPPED, stop.reason or STOPPED)
        return Response()

    @router.get("/schema")
    async def schema() -> dict[str, Any]:
        """The model's schema document; empty before the model is loaded."""
        return runtime.schema_document()

    @router.get("/health")
    async def health() -> JSONResponse:
        """Whether the runtime can serve, and what is not as it should be."""
        facts = Facts(
            state=runtime.table.state,
            failure=runtime.table.failure,
            reloading=runtime.watch.reloading,
            recorder=runtime.recordings.failure,
            silent_s=runtime.watch.silent_s,
        )
        found = health_of(facts)
        return JSONResponse({"status": found.status, "state": found.state, "detail": found.detail}, found.code)

    return router


def _given_id(parameters: dict[str, Any] | None) -> str:
    """The session id in the parameters. Raises :class:`BadRequestError` for anything but a UUID in lower case."""
    given = (parameters or {}).get("session_id")
    if not isinstance(given, str) or not _UUID.fullmatch(given) or given == NIL_SESSION_ID:
        raise BadRequestError("a worker starts a session by its session_id: a UUID in lower case, and not the all-zero one")
    return given


def _notices(runtime: Runtime) -> APIRouter:
    router = APIRouter()

    @router.post("/notice")
    async def notify(notice: Notice) -> Response:
        """Passes a message of the platform on to every client of the session."""
        runtime.notify(notice)
        return Response()

    return router


# ------------------------------------------------------------------------------------------------------ uploads


def _uploads(runtime: Runtime) -> APIRouter:
    router = APIRouter()

    @router.post("/sessions/{session_id}/uploads", status_code=201)
    async def reserve(session_id: str, upload: UploadRequest, request: Request) -> UploadSlot:
        """Makes a place for a file."""
        require_session(runtime, session_id)
        file = runtime.uploads.reserve(upload)
        url = f"{str(request.base_url).rstrip('/')}/uploads/{file.upload_id}"
        path = f"sessions/{session_id}/uploads/{file.upload_id}/{file.name}"
        return UploadSlot(presigned_id=file.upload_id, presigned_url=url, path=path)

    @router.put("/uploads/{upload_id}")
    async def write(upload_id: str, request: Request) -> Response:
        """Takes the bytes of a file."""
        length = request.headers.get("content-length")
        await runtime.uploads.write(upload_id, int(length) if length and length.isdecimal() else None, _body(request))
        return Response()

    return router


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body in parts; one that breaks off is simply short."""
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect:
        return
