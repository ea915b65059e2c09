"""The routes of fake workers: many workers behind one port, told apart by the bearer secret."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from aiohttp import web
from pydantic import ValidationError

from reactor_protocol.errors import BadRequestError, ConflictError, NotFoundError, ReactorException
from reactor_protocol.lifecycles import RuntimeState
from reactor_protocol.names import LEGACY_CONNECTION_ID, MAX_REASON_CHARS, NIL_SESSION_ID
from reactor_protocol.resources import Candidates, Notice, Offer, Resource, UploadRequest
from reactor_runtime.fetching import is_source
from reactor_runtime.session import health_word
from reactor_testing.fake_worker_model import FakeWorker

FAKE_ANSWER: Final = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=a fake worker\r\nt=0 0\r\n"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WEBRTC = "/sessions/{sid}/transport/webrtc"

ResourceT = TypeVar("ResourceT", bound=Resource)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WorkerHandler = Callable[[FakeWorker, web.Request], Awaitable[web.Response]]


def application(workers: Mapping[str, FakeWorker]) -> web.Application:
    """The server of the workers, by secret. Workers may come and go."""

    def of(handler: WorkerHandler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            worker = workers.get(_secret(request))
            if worker is None:
                body = {"code": "UNAUTHORIZED", "message": "this is a worker", "detail": "this is a worker"}
                return web.json_response(body, status=401, headers={"WWW-Authenticate": "Bearer"})
            if worker.dead:
                return _vanish(request)
            try:
                return await handler(worker, request)
            except ReactorException as error:
                wait = {} if error.retry_after is None else {"Retry-After": f"{error.retry_after:g}"}
                return web.json_response({"detail": error.message, "code": error.code}, status=error.status or 400, headers=wait)
            except ValidationError as error:
                detail = error.errors(include_context=False, include_url=False, include_input=False)
                return web.json_response({"detail": detail}, status=422)

        return handle

    async def health(request: web.Request) -> web.StreamResponse:
        worker = workers.get(_secret(request)) or (next(iter(workers.values())) if len(workers) == 1 else None)
        if worker is not None and worker.dead:
            return _vanish(request)
        terminated = worker is not None and worker.state is RuntimeState.TERMINATED
        body = {
            "status": "unhealthy" if terminated else "healthy",
            "state": health_word(worker.state) if worker is not None else "available",
            "detail": (worker.table.failure or "") if worker is not None else "",
        }
        return web.json_response(body, status=503 if terminated else 200)

    app = web.Application(client_max_size=1024 * 1024)
    app.router.add_get("/health", health)
    for method, path, handler in _ROUTES:
        app.router.add_route(method, path, of(handler))
    app.router.add_route("*", "/{anything:.*}", of(_unknown))
    return app


def _secret(request: web.Request) -> str:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _vanish(request: web.Request) -> web.Response:
    """Breaks the connection off, as a dead process does."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _body(request: web.Request, kind: type[ResourceT]) -> ResourceT:
    return kind.model_validate_json(await request.read())


async def _unknown(_worker: FakeWorker, _request: web.Request) -> web.Response:
    raise NotFoundError("Not Found")


# ---------------------------------------------------------------------------------------------------------- sessions


async def _start(worker: FakeWorker, request: web.Request) -> web.Response:
    body = await _json(request)
    given = body.get("session_id")
    if not isinstance(given, str) or not _UUID.fullmatch(given) or given == NIL_SESSION_ID:
        raise BadRequestError("a worker starts a session by its session_id: a UUID in lower case, and not the all-zero one")
    worker.start(given)
    return web.json_response(_described(worker))


async def _stop(worker: FakeWorker, request: web.Request) -> web.Response:
    body = await _json(request)
    reason = body.get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON_CHARS:
        raise BadRequestError(f"a reason is at most {MAX_REASON_CHARS} characters")
    worker.stop(reason, moved=body.get("moved") is True)
    return web.Response()


async def _session(worker: FakeWorker, _request: web.Request) -> web.Response:
    return web.json_response(_described(worker))


async def _schema(worker: FakeWorker, _request: web.Request) -> web.Response:
    """A document without commands: what clients are told of the tracks is in the session's capabilities."""
    if worker.state is RuntimeState.CREATED:
        return web.json_response({})
    return web.json_response({"openapi": "3.1.0", "info": {"title": "fake", "version": "0.0.0"}, "paths": {}})


async def _notice(worker: FakeWorker, request: web.Request) -> web.Response:
    notice = await _body(request, Notice)
    if not worker.table.running:
        raise ConflictError(f"there is no session to notify: the runtime is {worker.state}")
    worker.asked.notices.append(notice)
    worker.changed()
    return web.Response()


async def _json(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    try:
        body = json.loads(text or "{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadRequestError("a JSON object is expected")
    return body


def _described(worker: FakeWorker) -> dict[str, Any]:
    body = {
        "session_id": worker.session_id or NIL_SESSION_ID,
        "state": str(worker.state),
        "cluster": "local",
        "model": {"name": "fake"},
        "server_info": {"server_version": "0.0.fake"},
        "selected_transport": {"protocol": "webrtc", "version": "1.0"},
    }
    if worker.state is not RuntimeState.CREATED:
        body["capabilities"] = worker.kind.capabilities.model_dump(exclude_none=True)
    return body


def _require(worker: FakeWorker, request: web.Request) -> None:
    if not worker.table.running:
        raise BadRequestError("No session running")
    if request.match_info["sid"] != worker.session_id:
        raise NotFoundError("Unknown session")


# ------------------------------------------------------------------------------------------- uploads and signalling


async def _upload(worker: FakeWorker, request: web.Request) -> web.Response:
    _require(worker, request)
    upload = await _body(request, UploadRequest)
    if not upload.name or not upload.mime_type or upload.size <= 0:
        raise BadRequestError("an upload needs a name, a mime_type and a size")
    if upload.source is not None and not is_source(upload.source):
        raise BadRequestError("a source is the address of the bytes, http://... or https://...")
    upload_id = upload.upload_id or uuid.uuid4().hex
    known = worker.asked.uploads.get(upload_id)
    if known is not None and known.size != upload.size:
        raise ConflictError(f"the upload id {upload_id} is taken")
    worker.asked.uploads[upload_id] = upload
    worker.changed()
    path = f"sessions/{worker.session_id}/uploads/{upload_id}/{upload.name}"
    slot = {"presigned_id": upload_id, "presigned_url": f"{worker.url}/uploads/{upload_id}", "path": path}
    return web.json_response(slot, status=201)


async def _ice_servers(worker: FakeWorker, request: web.Request) -> web.Response:
    _require(worker, request)
    return web.json_response({"ice_servers": []})


async def _register(worker: FakeWorker, request: web.Request) -> web.Response:
    _require(worker, request)
    track_map = {
        track.name: {"kind": track.kind, "direction": "in" if track.direction == "sendonly" else "out", "rate": None}
        for track in worker.kind.capabilities.tracks
    }
    return web.json_response({"connection_id": worker.register(), "track_map": track_map}, status=201)


async def _offer(worker: FakeWorker, request: web.Request) -> web.Response:
    _require(worker, request)
    connection_id = _connection(request)
    worker.take_offer(connection_id, await _body(request, Offer))
    return web.json_response({"connection_id": connection_id}, status=202)


async def _answer(worker: FakeWorker, request: web.Request) -> web.Response:
    _require(worker, request)
    connection_id = _connection(request)
    if not worker.has_offer(connection_id):
        return web.Response(status=202)
    return web.json_response({"sdp_answer": FAKE_ANSWER, "connection_id": connection_id})


async def _candidates(worker: FakeWorker, request: web.Request) -> web.Response:
    _require(worker, request)
    worker.asked.candidates.extend((await _body(request, Candidates)).candidates)
    worker.changed()
    return web.Response(status=202)


async def _clips(_worker: FakeWorker, request: web.Request) -> web.Response:
    """A playlist of two files, whichever session is asked for: whose it is has been checked before."""
    root = f"/clips/chunks/{request.query['session_id']}"
    if request.query["end"] == "9999.000":
        return web.Response(status=202, headers={"Retry-After": "1"})
    text = f'#EXTM3U\n#EXT-X-MAP:URI="{root}/init.mp4"\n#EXTINF:1.000,\n{root}/chunk_00000_0_1.m4s\n#EXT-X-ENDLIST\n'
    return web.Response(text=text, content_type="application/vnd.apple.mpegurl")


async def _part(_worker: FakeWorker, request: web.Request) -> web.Response:
    body = f"{request.match_info['name']} of {request.match_info['sid']}".encode()
    if request.headers.get("Range") == "bytes=0-3":
        headers = {"Content-Range": f"bytes 0-3/{len(body)}", "Content-Type": "video/iso.segment"}
        return web.Response(status=206, body=body[:4], headers=headers)
    if "Range" in request.headers:
        return web.json_response({"detail": "the range lies outside"}, status=416)
    return web.Response(body=body, content_type="video/iso.segment", headers={"Accept-Ranges": "bytes"})


def _connection(request: web.Request) -> int:
    text = request.match_info.get("cid", str(LEGACY_CONNECTION_ID))
    if not text.isdecimal():
        raise BadRequestError("a connection id is a number")
    return int(text)


_OFFERS: Final = (f"{_WEBRTC}/connections/{{cid}}/sdp_params", f"{_WEBRTC}/sdp_params")

_ROUTES: Final[tuple[tuple[str, str, WorkerHandler], ...]] = (
    ("POST", "/start_session", _start),
    ("POST", "/stop_session", _stop),
    ("GET", "/session", _session),
    ("GET", "/schema", _schema),
    ("POST", "/notice", _notice),
    ("POST", "/sessions/{sid}/uploads", _upload),
    ("GET", "/clips", _clips),
    ("GET", "/clips/chunks/{sid}/{name}", _part),
    ("GET", f"{_WEBRTC}/ice_servers", _ice_servers),
    ("POST", f"{_WEBRTC}/connections", _register),
    *((method, path, _offer) for path in _OFFERS for method in ("POST", "PUT")),
    *(("GET", path, _answer) for path in _OFFERS),
    ("POST", f"{_WEBRTC}/connections/{{cid}}/ice_candidates", _candidates),
)
