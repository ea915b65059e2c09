"""BodyLimit: no request body but an upload's is large."""

from __future__ import annotations

import contextlib

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1024 * 1024


class _TooLarge(Exception):
    """The body is above the limit."""


class BodyLimit:
    """Answers 413 to a body above 1 MiB. Uploads have a limit of their own, and are not held in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/uploads/"):
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            await _refuse(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise _TooLarge
            return message

        async def guarded(message: Message) -> None:
            # The application makes an answer of its own when its body cannot be read: ours says why.
            if received <= MAX_BODY_BYTES:
                await send(message)

        with contextlib.suppress(_TooLarge):
            await self._app(scope, counted, guarded)
        if received > MAX_BODY_BYTES:
            await _refuse(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    text = f"a request body is at most {MAX_BODY_BYTES} bytes; send files as uploads"
    body = {"code": "BODY_TOO_LARGE", "message": text, "detail": text}
    await JSONResponse(body, 413)(scope, receive, send)
