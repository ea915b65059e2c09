"""Signalling of both generations and clips, checked here and passed on to the worker that holds the session."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlencode

import aiohttp
from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.responses import JSONResponse, StreamingResponse

from reactor_coordinator.bodies import StrictRoute, parse
from reactor_coordinator.callers import BEARER
from reactor_coordinator.clips import ClipGoneError, Grant
from reactor_coordinator.failures import RESPONSES, documented, failure
from reactor_coordinator.headers import check_api_version, check_webrtc_version
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.service import Service, UnavailableError
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.turn import ice_servers
from reactor_coordinator.worker_client import WorkerReply
from reactor_protocol.errors import ConflictError, ReactorException, error_for_status
from reactor_protocol.lifecycles import SessionState
from reactor_protocol.names import HEADER_WEBRTC_VERSION, LAST_CONNECTION_ID, WEBRTC_VERSION
from reactor_protocol.resources import Answer, Candidates, ConnectionCreated, IceServers, Offer

_HEADERS = {HEADER_WEBRTC_VERSION: WEBRTC_VERSION}
_FAILURES: dict[int | str, dict[str, Any]] = {**documented(409), **RESPONSES}
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"description": "Taken."}, **_FAILURES}
_ANSWERED: dict[int | str, dict[str, Any]] = {200: {"model": Answer}, 202: {"description": "Not yet; ask again."}, **_FAILURES}
_CLIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "An HLS playlist.", "content": {"application/vnd.apple.mpegurl": {}}},
    202: {"description": "Not yet; ask again."},
    **documented(400, 401, 404, 409, 410, 422, 429, 503),
}
_PASSED_ON = frozenset({400, 404, 409, 410, 413, 416, 422, 426, 429, 501})
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
"""What a worker says is shown by no browser as a page of this server."""
_PART: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes.", "content": {"video/mp4": {}, "video/iso.segment": {}}},
    206: {"description": "A range of them.", "content": {"video/mp4": {}, "video/iso.segment": {}}},
    **documented(400, 403, 404, 410, 416, 422, 503),
}
_PART_HEADERS = ("Content-Type", "Content-Length", "Content-Range", "Accept-Ranges", "Cache-Control")
_PART_BYTES = 256 * 1024
_MAX_RANGE_CHARS = 64
_MAX_REFUSAL_BYTES = 4096
_WAIT_S = 1.0
_MOVING_S = 5.0

ConnectionId = Annotated[int, Path(ge=0, le=LAST_CONNECTION_ID)]
SessionId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
PartName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,48}\.(mp4|m4s)$")]
Seconds = Annotated[float, Query(ge=0, le=1e9, allow_inf_nan=False)]


def transport_routes(service: Service) -> APIRouter:
    """``/sessions/{id}/transport/webrtc``, several connections a session and, for clients from before that, one."""
    router = APIRouter(
        prefix="/sessions/{session_id}/transport/webrtc",
        tags=["signalling"],
        route_class=StrictRoute,
        dependencies=[Depends(check_webrtc_version), Security(BEARER)],
    )
    relay = Relay(service)

    @router.get("/ice_servers", responses=RESPONSES)
    async def servers(request: Request, session_id: str) -> IceServers:
        """The STUN and TURN servers to use, with credentials that live for a while."""
        session, _ = await service.session(await service.doorkeeper.caller(request), session_id)
        return ice_servers(service.config.ice, session.id, service.clock())

    @router.post("/connections", status_code=201, responses={201: {"model": ConnectionCreated}, **_FAILURES})
    async def register(request: Request, session_id: str) -> Response:
        """A new connection's id."""
        _, worker = await relay.find(request, session_id)
        limit = service.config.limits.connections_per_session
        if service.reports.connections.get(worker.id, 0) >= limit:
            return failure(429, "QUOTA_EXCEEDED", f"a session takes {limit} connections: close one", quota_type="connections")
        return await relay.pass_on(request, session_id, "POST", "/connections")

    @router.post("/connections/{connection_id}/sdp_params", status_code=202, response_class=Response, responses=_ACCEPTED)
    @router.put("/connections/{connection_id}/sdp_params", status_code=202, response_class=Response, responses=_ACCEPTED)
    async def offer(request: Request, session_id: str, connection_id: ConnectionId, body: Offer) -> Response:
        """Takes an offer."""
        return await relay.offer(request, session_id, f"/connections/{connection_id}/sdp_params", body)

    @router.get("/connections/{connection_id}/sdp_params", responses=_ANSWERED)
    async def answer(request: Request, session_id: str, connection_id: ConnectionId) -> Response:
        """The answer: 200 with it, or 202 while it is made."""
        return await relay.pass_on(request, session_id, "GET", f"/connections/{connection_id}/sdp_params")

    @router.post("/connections/{connection_id}/ice_candidates", status_code=202, response_class=Response, responses=_ACCEPTED)
    async def candidates(request: Request, session_id: str, connection_id: ConnectionId, body: Candidates) -> Response:
        """Takes candidates that the client found after its offer."""
        content = body.model_dump_json(exclude_none=True).encode()
        return await relay.pass_on(request, session_id, "POST", f"/connections/{connection_id}/ice_candidates", content)

    @router.post("/sdp_params", status_code=202, response_class=Response, responses=_ACCEPTED)
    @router.put("/sdp_params", status_code=202, response_class=Response, responses=_ACCEPTED)
    async def legacy_offer(request: Request, session_id: str, body: Offer) -> Response:
        """Takes the offer of a session's one connection."""
        return await relay.offer(request, session_id, "/sdp_params", body)

    @router.get("/sdp_params", responses=_ANSWERED)
    async def legacy_answer(request: Request, session_id: str) -> Response:
        """The answer to it: 200, or 202 while it is made."""
        return await relay.pass_on(request, session_id, "GET", "/sdp_params")

    return router


def schema_routes(service: Service) -> APIRouter:
    """``/sessions/{id}/schema``."""
    router = APIRouter(tags=["sessions"], route_class=StrictRoute, dependencies=[Depends(check_api_version), Security(BEARER)])
    relay = Relay(service)

    @router.get("/sessions/{session_id}/schema", responses={200: {"model": dict[str, Any]}, **_FAILURES})
    async def schema(request: Request, session_id: str) -> Response:
        """The schema document of a session's model (OpenAPI 3.1): its commands, messages and tracks."""
        _, worker = await relay.find(request, session_id)
        return _answer(await service.client.request(worker, "GET", "/schema"))

    return router


def clip_routes(service: Service) -> APIRouter:
    """``/clips``."""
    router = APIRouter(tags=["clips"], route_class=StrictRoute)
    relay = Relay(service)

    @router.get("/clips", responses=_CLIP, response_class=Response, dependencies=[Security(BEARER)])
    async def clips(request: Request, session_id: str, start: Seconds, end: Seconds) -> Response:
        """A part of a recording, as an HLS playlist."""
        worker = await relay.recorder(request, session_id)
        path = "/clips?" + urlencode({"session_id": session_id, "start": f"{start:.3f}", "end": f"{end:.3f}"})
        reply = await service.client.request(worker, "GET", path)
        if reply.status != 200:
            return _answer(reply)
        text = service.clips.signed(reply.body, session_id, worker.id, service.base_url(request))
        return Response(text, 200, {**_HARMLESS, "Cache-Control": "no-store"}, "application/vnd.apple.mpegurl")

    @router.get("/clips/chunks/{session_id}/{name}", responses=_PART, response_class=Response)
    async def part(request: Request, session_id: SessionId, name: PartName, grant: Annotated[Grant, Depends(_grant)]) -> Response:
        """A part of a recording, at the address that a playlist gave for it; ``Range`` is understood."""
        service.clips.check(session_id, grant)
        worker = await service.database.read(worker_rows.get, grant.worker)
        if worker is None:
            raise ClipGoneError("the worker that had this recording is gone")
        wanted = request.headers.get("range", "")[:_MAX_RANGE_CHARS]
        reply = await service.client.open(worker, f"/clips/chunks/{session_id}/{name}", {"Range": wanted} if wanted else {})
        if reply.status in (200, 206):
            headers = {each: reply.headers[each] for each in _PART_HEADERS if each in reply.headers}
            return StreamingResponse(_parts(reply), reply.status, {**headers, **_HARMLESS})
        async with reply:
            content = await reply.content.read(_MAX_REFUSAL_BYTES)
            return _answer(WorkerReply(reply.status, content, reply.content_type))

    return router


def _grant(
    worker: Annotated[str, Query(max_length=64)],
    expires: Annotated[int, Query(ge=0, le=2**53, description="Epoch seconds.")],
    signature: Annotated[str, Query(max_length=128, pattern=r"^[\x20-\x7e]*$")],
) -> Grant:
    return Grant(worker, expires, signature)


async def _parts(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body as it comes; one that breaks off leaves the client with less than it was told to expect."""
    async with reply:
        async for part in reply.content.iter_chunked(_PART_BYTES):
            yield part


class Relay:
    """Finds the worker of a session and passes a request on; what comes back is put into our own shape."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def find(self, request: Request, session_id: str) -> tuple[SessionRecord, WorkerRecord]:
        """The caller's session and its worker. One that is being moved to another worker is waited for, for some seconds.

        Raises :class:`NotFoundError`, :class:`ConflictError` for a session that is over, and :class:`UnavailableError` while
        it has no worker.
        """
        caller = await self._service.doorkeeper.caller(request)
        session, worker = await self._service.session(caller, session_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MOVING_S):
                while _is_moving(session):
                    await self._service.board.shown()
                    session, worker = await self._service.session(caller, session_id)
        if session.state is SessionState.CLOSED:
            raise ConflictError(f"the session is over: {session.reason or 'it has ended'}")
        if session.state is not SessionState.ACTIVE or worker is None:
            raise UnavailableError(f"the session has no worker yet (it is {session.state}): wait until it is ACTIVE", _WAIT_S)
        self._service.clips.held(session.id, worker.id)
        return session, worker

    async def recorder(self, request: Request, session_id: str) -> WorkerRecord:
        """The worker that has the recording of the caller's session, which may be over.

        Raises as :meth:`find`, and :class:`ClipGoneError` where nobody has it any more.
        """
        caller = await self._service.doorkeeper.caller(request)
        session, _ = await self._service.session(caller, session_id)
        if session.state is not SessionState.CLOSED:
            return (await self.find(request, session_id))[1]
        worker = await self._service.database.read(worker_rows.get, self._service.clips.holder(session.id))
        if worker is None:
            raise ClipGoneError("the session is over, and the worker that had its recording is gone")
        return worker

    async def offer(self, request: Request, session_id: str, path: str, offer: Offer) -> Response:
        """Passes an offer on, with the ICE servers that the worker is to use."""
        session, worker = await self.find(request, session_id)
        servers = ice_servers(self._service.config.ice, session.id, self._service.clock())
        sent = offer.model_copy(update={"ice_servers": servers.ice_servers})
        return await self._send(session, worker, request.method, path, sent.model_dump_json(exclude_none=True).encode())

    async def pass_on(self, request: Request, session_id: str, method: str, path: str, body: bytes | None = None) -> Response:
        """The worker's answer to a signalling request."""
        return await self._send(*await self.find(request, session_id), method, path, body)

    async def _send(self, session: SessionRecord, worker: WorkerRecord, method: str, path: str, body: bytes | None) -> Response:
        target = f"/sessions/{session.id}/transport/webrtc{path}"
        return _answer(await self._service.client.request(worker, method, target, body, _HEADERS))


def _is_moving(session: SessionRecord) -> bool:
    """Whether a session has had a worker and is about to get another: older clients take a refusal for its end."""
    return session.restarts > 0 and session.state in (SessionState.INACTIVE, SessionState.PENDING)


def _answer(reply: WorkerReply) -> Response:
    if reply.status in (401, 403):
        raise UnavailableError("the worker does not accept this coordinator's orders", _WAIT_S)
    if reply.status >= 400:
        error: ReactorException = error_for_status(reply.status, reply.message())
        if reply.status not in _PASSED_ON:
            error = UnavailableError(reply.message(), _WAIT_S)
        return failure(error.status or 400, error.code, reply.message(), retry_after=error.retry_after)
    if not 200 <= reply.status < 300:
        raise UnavailableError(f"the worker answers with {reply.status}", _WAIT_S)
    headers = _HARMLESS if reply.retry_after is None else {**_HARMLESS, "Retry-After": reply.retry_after}
    if reply.content_type == "application/json" and reply.body:
        return JSONResponse(_object(reply.body), reply.status, headers)
    return Response(reply.body, reply.status, headers, reply.content_type if reply.body else None)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = parse(body)
    except ValueError as error:
        raise UnavailableError("the worker's answer cannot be read", _WAIT_S) from error
    if not isinstance(value, dict):
        raise UnavailableError("the worker's answer cannot be read", _WAIT_S)
    return value
