"""Requests to workers. The one edge where a worker's failures become ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from reactor_coordinator.records import WorkerRecord
from reactor_coordinator.tokens import Signer
from reactor_protocol.errors import ConflictError, ServerError, error_for_status
from reactor_protocol.lifecycles import RuntimeState
from reactor_protocol.names import MAX_REASON_CHARS, NIL_SESSION_ID
from reactor_protocol.resources import Notice, UploadRequest

_ORDER_LIMIT_S: Final = 10.0
_CONNECT_LIMIT_S: Final = 2.0
_STREAM_LIMIT_S: Final = 600.0
_MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_MAX_ERROR_CHARS: Final = 500


class WorkerUnreachableError(ServerError):
    """The worker does not answer; its session is placed on another one when it stays away."""

    code = "UNAVAILABLE"
    status = 503

    def __init__(self, message: str) -> None:
        super().__init__(message, status=503, retry_after=1)


class NotNowError(ConflictError):
    """The worker is about to report something after which the order is none any more, or can be given again."""


@dataclass(frozen=True, slots=True)
class WorkerReply:
    """What a worker answered."""

    status: int
    body: bytes = field(repr=False)
    content_type: str
    retry_after: str | None = None

    def json(self) -> dict[str, Any]:
        """The body as an object; empty where it is none."""
        try:
            body = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    def message(self) -> str:
        """What it says went wrong."""
        body = self.json()
        said = body.get("detail") or body.get("message") or self.body.decode("utf-8", "replace")
        return (said if isinstance(said, str) else json.dumps(said))[:_MAX_ERROR_CHARS]

    def checked(self) -> WorkerReply:
        """Itself. Raises the :class:`ApiError` of a failed answer."""
        if self.status < 400:
            return self
        raise error_for_status(self.status, self.message())


class WorkerClient:
    """Talks to workers, each with its own secret."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._http: aiohttp.ClientSession | None = None

    async def request(
        self, worker: WorkerRecord, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> WorkerReply:
        """The answer of a worker, whatever it is. Raises :class:`WorkerUnreachableError`."""
        if worker.url is None:
            raise WorkerUnreachableError(f"the worker {worker.id} has not reported yet")
        sent = {**(headers or {}), "Authorization": f"Bearer {self._signer.worker_secret(worker.id)}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            async with self._session().request(
                method, worker.url + path, data=body, headers=sent, allow_redirects=False
            ) as reply:
                content = await reply.content.read(_MAX_ANSWER_BYTES + 1)
                while len(content) <= _MAX_ANSWER_BYTES and (part := await reply.content.read(_MAX_ANSWER_BYTES)):
                    content += part
                if len(content) > _MAX_ANSWER_BYTES:
                    raise WorkerUnreachableError(f"the worker {worker.id} answers with more than {_MAX_ANSWER_BYTES} bytes")
                return WorkerReply(reply.status, content, reply.content_type, reply.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise WorkerUnreachableError(f"the worker {worker.id} does not answer ({type(error).__name__})") from error

    async def open(self, worker: WorkerRecord, path: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """An answer whose body is still to be read; whoever asks for it closes it. Raises :class:`WorkerUnreachableError`."""
        if worker.url is None:
            raise WorkerUnreachableError(f"the worker {worker.id} has not reported yet")
        sent = {**headers, "Authorization": f"Bearer {self._signer.worker_secret(worker.id)}"}
        limit = aiohttp.ClientTimeout(total=_STREAM_LIMIT_S, sock_connect=_CONNECT_LIMIT_S, sock_read=_ORDER_LIMIT_S)
        try:
            return await self._session().get(worker.url + path, headers=sent, timeout=limit, allow_redirects=False)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise WorkerUnreachableError(f"the worker {worker.id} does not answer ({type(error).__name__})") from error

    async def start(self, worker: WorkerRecord, session_id: str) -> dict[str, Any]:
        """Orders a worker to run a session; its description of it. Doing it twice is fine.

        Raises :class:`NotNowError` where the worker has just ended a session: this one, or the one before.
        """
        body = json.dumps({"session_id": session_id}).encode()
        try:
            return (await self.request(worker, "POST", "/start_session", body)).checked().json()
        except ConflictError:
            # An order whose answer was lost, or another coordinator's, has been carried out already.
            running = (await self.request(worker, "GET", "/session")).checked().json()
            if running.get("session_id") == session_id:
                return running
            if running.get("session_id") == NIL_SESSION_ID or running.get("state") == RuntimeState.CLOSING:
                raise NotNowError(f"the worker {worker.id} does not begin the session now; its next report says why") from None
            raise

    async def stop(self, worker: WorkerRecord, reason: str, *, moved: bool = False) -> None:
        """Orders a worker to end its session; one that has none is fine. ``moved`` tells clients nothing: they come back."""
        body = {"reason": reason[:MAX_REASON_CHARS], **({"moved": True} if moved else {})}
        reply = await self.request(worker, "POST", "/stop_session", json.dumps(body).encode())
        if reply.status != ConflictError.status:
            reply.checked()

    async def notify(self, worker: WorkerRecord, notice: Notice) -> None:
        """Has a worker tell its clients something."""
        (await self.request(worker, "POST", "/notice", notice.model_dump_json().encode())).checked()

    async def reserve(self, worker: WorkerRecord, session_id: str, upload: UploadRequest) -> None:
        """Tells a worker of a file, and where its bytes can be had."""
        body = upload.model_dump_json(exclude_none=True).encode()
        (await self.request(worker, "POST", f"/sessions/{session_id}/uploads", body)).checked()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None or self._http.closed:
            timeout = aiohttp.ClientTimeout(total=_ORDER_LIMIT_S, sock_connect=_CONNECT_LIMIT_S)
            connector = aiohttp.TCPConnector(limit=0)
            self._http = aiohttp.ClientSession(timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._http

    async def close(self) -> None:
        """Closes the HTTP connections."""
        if self._http is not None:
            await self._http.close()
