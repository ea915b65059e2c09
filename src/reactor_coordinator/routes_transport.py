"""Signalling of both generations and clips, checked here and passed on to the worker that holds the session."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from reactor_coordinator.failures import RESPONSES, failure
from reactor_coordinator.headers import check_webrtc_version
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.service import Service, UnavailableError
from reactor_coordinator.turn import ice_servers
from reactor_coordinator.worker_client import WorkerReply
from reactor_protocol.errors import ConflictError, ReactorException, error_for_status
from reactor_protocol.lifecycles import SessionState
from reactor_protocol.names import HEADER_WEBRTC_VERSION, WEBRTC_VERSION
from reactor_protocol.resources import Answer, Candidates, ConnectionCreated, IceServers, Offer

_HEADERS = {HEADER_WEBRTC_VERSION: WEBRTC_VERSION}
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"description": "Taken.", "content": {"application/json": {}}}, **RESPONSES}
_ANSWERED: dict[int | str, dict[str, Any]] = {200: {"model": Answer}, 202: {"description": "Not yet; ask again."}, **RESPONSES}
_WAIT_S = 1.0


def transport_routes(service: Service) -> APIRouter:
    """``/sessions/{id}/transport/webrtc``, several connections a session and, for clients from before that, one."""
    router = APIRouter(
        prefix="/sessions/{session_id}/transport/webrtc", tags=["signalling"], dependencies=[Depends(check_webrtc_version)]
    )
    relay = Relay(service)

    @router.get("/ice_servers", responses=RESPONSES)
    async def servers(request: Request, session_id: str) -> IceServers:
        """The STUN and TURN servers to use, with credentials that live for a while."""
        session, _ = await service.session(await service.doorkeeper.caller(request), session_id)
        return ice_servers(service.config.ice, session.id, service.clock())

    @router.post("/connections", status_code=201, responses={201: {"model": ConnectionCreated}, **RESPONSES})
    async def register(request: Request, session_id: str) -> Response:
        """A new connection's id."""
        _, worker = await relay.find(request, session_id)
        limit = service.config.limits.connections_per_session
        if service.reports.connections.get(worker.id, 0) >= limit:
            return failure(429, "QUOTA_EXCEEDED", f"a session takes {limit} connections: close one", quota_type="connections")
        return await relay.pass_on(request, session_id, "POST", "/connections")

    @router.api_route("/connections/{connection_id}/sdp_params", methods=["POST", "PUT"], status_code=202, responses=_ACCEPTED)
    async def offer(request: Request, session_id: str, connection_id: int, body: Offer) -> Response:
        """Takes an offer."""
        return await relay.offer(request, session_id, f"/connections/{connection_id}/sdp_params", body)

    @router.get("/connections/{connection_id}/sdp_params", responses=_ANSWERED)
    async def answer(request: Request, session_id: str, connection_id: int) -> Response:
        """The answer: 200 with it, or 202 while it is made."""
        return await relay.pass_on(request, session_id, "GET", f"/connections/{connection_id}/sdp_params")

    @router.post("/connections/{connection_id}/ice_candidates", status_code=202, responses=_ACCEPTED)
    async def candidates(request: Request, session_id: str, connection_id: int, body: Candidates) -> Response:
        """Takes candidates that the client found after its offer."""
        content = body.model_dump_json(exclude_none=True).encode()
        return await relay.pass_on(request, session_id, "POST", f"/connections/{connection_id}/ice_candidates", content)

    @router.api_route("/sdp_params", methods=["POST", "PUT"], status_code=202, responses=_ACCEPTED)
    async def legacy_offer(request: Request, session_id: str, body: Offer) -> Response:
        """Takes the offer of a session's one connection."""
        return await relay.offer(request, session_id, "/sdp_params", body)

    @router.get("/sdp_params", responses=_ANSWERED)
    async def legacy_answer(request: Request, session_id: str) -> Response:
        """The answer to it: 200, or 202 while it is made."""
        return await relay.pass_on(request, session_id, "GET", "/sdp_params")

    return router


def clip_routes(service: Service) -> APIRouter:
    """``/clips``."""
    router = APIRouter(tags=["clips"])
    relay = Relay(service)

    @router.get("/clips", responses={202: {"description": "Not yet; ask again."}, **RESPONSES})
    async def clips(request: Request, session_id: str, start: float, end: float) -> Response:
        """A part of a recording, as an HLS playlist."""
        _, worker = await relay.find(request, session_id)
        path = f"/clips?session_id={session_id}&start={start:g}&end={end:g}"
        return _answer(await service.client.request(worker, "GET", path))

    return router


class Relay:
    """Finds the worker of a session and passes a request on; what comes back is put into our own shape."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def find(self, request: Request, session_id: str) -> tuple[SessionRecord, WorkerRecord]:
        """The caller's session and its worker.

        Raises :class:`NotFoundError`, :class:`ConflictError` for a session that is over, and :class:`UnavailableError` while
        it has no worker.
        """
        session, worker = await self._service.session(await self._service.doorkeeper.caller(request), session_id)
        if session.state is SessionState.CLOSED:
            raise ConflictError(f"the session is over: {session.reason or 'it has ended'}")
        if session.state is not SessionState.ACTIVE or worker is None:
            raise UnavailableError(f"the session has no worker yet (it is {session.state}): wait until it is ACTIVE", _WAIT_S)
        return session, worker

    async def offer(self, request: Request, session_id: str, path: str, offer: Offer) -> Response:
        """Passes an offer on, with the ICE servers that the worker is to use."""
        servers = ice_servers(self._service.config.ice, session_id, self._service.clock())
        sent = offer.model_copy(update={"ice_servers": servers.ice_servers})
        return await self.pass_on(request, session_id, request.method, path, sent.model_dump_json(exclude_none=True).encode())

    async def pass_on(self, request: Request, session_id: str, method: str, path: str, body: bytes | None = None) -> Response:
        """The worker's answer to a signalling request."""
        session, worker = await self.find(request, session_id)
        target = f"/sessions/{session.id}/transport/webrtc{path}"
        return _answer(await self._service.client.request(worker, method, target, body, _HEADERS))


def _answer(reply: WorkerReply) -> Response:
    if reply.status in (401, 403):
        raise UnavailableError("the worker does not accept this coordinator's orders", _WAIT_S)
    if reply.status >= 400:
        error: ReactorException = error_for_status(reply.status, reply.message())
        if reply.status >= 500:
            error = UnavailableError(reply.message(), _WAIT_S)
        return failure(error.status or 400, error.code, reply.message(), retry_after=error.retry_after)
    headers = {} if reply.retry_after is None else {"Retry-After": reply.retry_after}
    if reply.content_type == "application/json" and reply.body:
        return JSONResponse(reply.json(), reply.status, headers)
    return Response(reply.body, reply.status, headers, reply.content_type)
