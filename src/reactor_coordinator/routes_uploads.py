"""Routes of uploads: a place is asked for with a token; the bytes go to the address that was given for them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response, Security
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import ClientDisconnect

from reactor_coordinator.bodies import StrictRoute
from reactor_coordinator.callers import BEARER
from reactor_coordinator.failures import RESPONSES, documented
from reactor_coordinator.headers import check_api_version
from reactor_coordinator.service import Service
from reactor_protocol.errors import ConflictError, ReactorException
from reactor_protocol.lifecycles import SessionState
from reactor_protocol.resources import UploadRequest, UploadSlot

logger = logging.getLogger(__name__)

Expires = Annotated[int, Query(ge=0, le=2**53, description="Epoch seconds.")]
Signature = Annotated[str, Query(max_length=128, pattern=r"^[\x20-\x7e]*$")]


_BYTES: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_WRITTEN: dict[str, Any] = {"requestBody": {"content": _BYTES}}
_READ: dict[int | str, dict[str, Any]] = {200: {"description": "The bytes.", "content": _BYTES}}


def upload_routes(service: Service) -> APIRouter:
    """``/sessions/{id}/uploads`` and ``/uploads/{id}``."""
    router = APIRouter(tags=["uploads"], route_class=StrictRoute)

    @router.post(
        "/sessions/{session_id}/uploads",
        status_code=201,
        responses={201: {"model": UploadSlot}, **documented(409), **RESPONSES},
        dependencies=[Depends(check_api_version), Security(BEARER)],
    )
    async def reserve(request: Request, session_id: str, body: UploadRequest) -> JSONResponse:
        """Makes a place for a file, and gives the address to ``PUT`` its bytes to."""
        session, worker = await service.session(await service.doorkeeper.caller(request), session_id)
        if session.state is SessionState.CLOSED:
            raise ConflictError("the session is over: begin a new one")
        slot, upload = await service.uploads.reserve(session, body, service.base_url(request))
        if session.state is SessionState.ACTIVE and worker is not None:
            try:
                await service.uploads.announce(service.client, worker, upload)
            except ReactorException as error:
                # The session's next worker is told of all its files; this one is lost, or has no room.
                logger.warning("the worker %s was not told of an upload: %s", worker.id, error)
        return JSONResponse(slot.model_dump(), 201)

    @router.put("/uploads/{upload_id}", responses=documented(400, 403, 404, 409, 422, 503), openapi_extra=_WRITTEN)
    async def write(request: Request, upload_id: str, expires: Expires, signature: Signature) -> Response:
        """Takes the bytes of a file, once."""
        length = request.headers.get("content-length", "")
        size = int(length) if length.isdecimal() and len(length) < 20 else None
        await service.uploads.write(upload_id, expires, signature, size, _body(request))
        return Response()

    @router.get("/uploads/{upload_id}", responses={**_READ, **documented(400, 403, 404, 422, 503)}, response_class=Response)
    async def read(upload_id: str, expires: Expires, signature: Signature) -> StreamingResponse:
        """Gives the bytes of a file to the worker that was told of it."""
        upload, parts = await service.uploads.read(upload_id, expires, signature)
        headers = {"Content-Length": str(upload.size), "X-Content-Type-Options": "nosniff"}
        return StreamingResponse(parts, headers=headers, media_type="application/octet-stream")

    return router


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body in parts; one that breaks off is simply short."""
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect:
        return
