"""The routes by which clients exchange descriptions and candidates with a runtime (reference: runtime, section 4)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from reactor_protocol.errors import BadRequestError, NotFoundError
from reactor_protocol.names import LEGACY_CONNECTION_ID
from reactor_protocol.resources import Answer, Candidates, IceCredentials, IceServer, IceServers, Offer
from reactor_runtime.runtime import Runtime

_PREFIX = "/sessions/{session_id}/transport/webrtc"


def require_session(runtime: Runtime, session_id: str) -> None:
    """Raises :class:`BadRequestError` when no session runs, :class:`NotFoundError` when it is another one."""
    if not runtime.table.running:
        raise BadRequestError("No session running")
    if not runtime.is_session(session_id):
        raise NotFoundError("Unknown session")


def connection_routes(runtime: Runtime) -> APIRouter:
    """Several connections a session, each with an id."""
    router = APIRouter(prefix=_PREFIX)

    @router.get("/ice_servers")
    async def ice_servers(session_id: str) -> dict[str, Any]:
        """The STUN and TURN servers that clients should use."""
        require_session(runtime, session_id)
        servers = [
            IceServer(
                uris=list(server.urls),
                credentials=IceCredentials(username=server.username, password=server.password) if server.username else None,
            )
            for server in runtime.settings.peer.ice_servers
        ]
        return IceServers(ice_servers=servers).model_dump(exclude_none=True)

    @router.post("/connections", status_code=201)
    async def register(session_id: str) -> dict[str, Any]:
        """A new connection id, and the tracks from the model's point of view."""
        require_session(runtime, session_id)
        track_map = {t.name: {"kind": t.kind, "direction": t.flow, "rate": t.rate} for t in runtime.tracks}
        return {"connection_id": runtime.signalling.register(), "track_map": track_map}

    @router.post("/connections/{connection_id}/sdp_params", status_code=202)
    @router.put("/connections/{connection_id}/sdp_params", status_code=202)
    async def offer(session_id: str, connection_id: int, body: Offer) -> dict[str, int]:
        """Takes an offer; one for a known connection replaces it."""
        return await _take(runtime, session_id, connection_id, body, legacy=False)

    @router.get("/connections/{connection_id}/sdp_params")
    async def answer(session_id: str, connection_id: int) -> Response:
        """The answer: 200 with it, or 202 while it is made."""
        return _give(runtime, session_id, connection_id)

    @router.post("/connections/{connection_id}/ice_candidates", status_code=202)
    async def candidates(session_id: str, connection_id: int, body: Candidates) -> Response:
        """Takes candidates that the client found after its offer."""
        require_session(runtime, session_id)
        await runtime.signalling.add_candidates(connection_id, body.candidates)
        return Response(status_code=202)

    return router


def legacy_routes(runtime: Runtime) -> APIRouter:
    """One connection a session, without an id (reference: client and REST, 1.15)."""
    router = APIRouter(prefix=_PREFIX)

    @router.post("/sdp_params", status_code=202)
    @router.put("/sdp_params", status_code=202)
    async def offer(session_id: str, body: Offer) -> dict[str, int]:
        """Takes an offer."""
        return await _take(runtime, session_id, LEGACY_CONNECTION_ID, body, legacy=True)

    @router.get("/sdp_params")
    async def answer(session_id: str) -> Response:
        """The answer: 200 with it, or 202 while it is made."""
        return _give(runtime, session_id, LEGACY_CONNECTION_ID)

    return router


async def _take(runtime: Runtime, session_id: str, connection_id: int, offer: Offer, *, legacy: bool) -> dict[str, int]:
    require_session(runtime, session_id)
    with runtime.watch.negotiating(connection_id):
        await runtime.signalling.offer(connection_id, offer, runtime.tracks, legacy=legacy)
    runtime.watch.answered(connection_id, runtime.signalling.answer(connection_id))
    return {"connection_id": connection_id}


def _give(runtime: Runtime, session_id: str, connection_id: int) -> Response:
    require_session(runtime, session_id)
    sdp = runtime.signalling.answer(connection_id)
    if sdp is None:
        return Response(status_code=202)
    return JSONResponse(Answer(sdp_answer=sdp, connection_id=connection_id).model_dump())
