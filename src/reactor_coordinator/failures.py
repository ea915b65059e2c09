"""Failures: every error that leaves this server has one shape (:class:`reactor_protocol.resources.Failure`)."""

from __future__ import annotations

import logging
import math
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from reactor_protocol.errors import ApiError, ReactorException
from reactor_protocol.resources import Failure

logger = logging.getLogger(__name__)

_MEANINGS: Final = {
    400: "The request cannot be used; the message says why.",
    401: "The key or token is missing, wrong or expired.",
    402: "The key has no credit left.",
    403: "A quota is used up, the address is not valid or has expired, or an admin's key is needed.",
    404: "There is no such thing, or it is somebody else's.",
    409: "Not in the state that it is in.",
    410: "It is gone.",
    413: "The body is too large.",
    416: "The range lies outside.",
    422: "The request is malformed.",
    426: "The client is too old.",
    429: "Too many requests, or no free worker.",
    501: "The client is too new.",
    503: "Not now; try again.",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How failures with these statuses look, for the OpenAPI document."""
    return {status: {"model": Failure, "description": _MEANINGS[status]} for status in statuses}


RESPONSES: Final = documented(400, 401, 404, 413, 422, 426, 429, 501, 503)


def failure(
    status: int, code: str, message: str, *, retry_after: float | None = None, quota_type: str | None = None
) -> JSONResponse:
    """An answer that says what went wrong and what to do. ``retry_after`` is in seconds."""
    body = Failure(code=code, message=message, retry_after_seconds=retry_after, quota_type=quota_type)
    headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body.model_dump(exclude_none=True), status, headers)


def install(app: FastAPI) -> None:
    """Has every error of the application answered in that shape."""
    app.add_exception_handler(ReactorException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_malformed)
    app.add_exception_handler(HTTPException, _refuse_unknown)
    app.add_exception_handler(Exception, _fail)


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ReactorException)
    return failure(
        error.status or 400,
        error.code,
        error.message,
        retry_after=error.retry_after,
        quota_type=error.quota_type if isinstance(error, ApiError) else None,
    )


async def _refuse_malformed(_request: Request, error: Exception) -> JSONResponse:
    """Says what is wrong without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    parts = [f"{'.'.join(str(place) for place in part['loc'])}: {part['msg']}" for part in error.errors()[:5]]
    return failure(422, "BAD_REQUEST", "; ".join(parts) or "the request is malformed")


async def _refuse_unknown(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
    reply = failure(error.status_code, codes.get(error.status_code, "BAD_REQUEST"), str(error.detail))
    reply.headers.update(error.headers or {})
    return reply


async def _fail(request: Request, error: Exception) -> JSONResponse:
    logger.error("%r %r failed", request.method, request.scope["path"], exc_info=error)
    return failure(500, "SERVER_ERROR", "the server has made a mistake; its log says which")
