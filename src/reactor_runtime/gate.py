"""WorkerGate: a worker takes requests from its coordinator alone."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from reactor_protocol.errors import AuthenticationError

_OPEN = ("GET", "/health")
_REFUSAL = "this is a worker: it answers its coordinator alone, by the bearer secret that the two share"


class WorkerGate:
    """Answers 401 to every request without ``Authorization: Bearer <secret>``, but for ``GET /health``."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._may_pass(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            body = {"code": AuthenticationError.code, "message": _REFUSAL, "detail": _REFUSAL}
            await JSONResponse(body, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _may_pass(self, scope: Scope) -> bool:
        if scope["type"] == "http" and (scope["method"], scope["path"]) == _OPEN:
            return True
        scheme, _, credentials = Headers(scope=scope).get("authorization", "").partition(" ")
        # Headers are read as Latin-1: going back gives the bytes that were sent.
        given = credentials.strip().encode("latin-1")
        return hmac.compare_digest(given, self._secret) and scheme.lower() == "bearer"
