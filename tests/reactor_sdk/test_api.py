from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest
from aiohttp import web

from reactor_protocol.resources import Token
from reactor_sdk import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    CreditsExhaustedError,
    DecodeError,
    MissingApiKeyError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    VersionMismatchError,
    api,
    fetch_jwt_token,
)
from reactor_sdk.api import SIGNALLING_HEADERS, Api
from reactor_testing.fake_coordinator import FakeCoordinator

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[Api]:
    """A server that answers everything like this, and a client of it."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    client = Api(f"http://{host}:{port}")
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


def answering(
    status: int, body: str, headers: dict[str, str] | None = None
) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    async def handler(_request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    return handler


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, CreditsExhaustedError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, NotFoundError),
        (418, ApiError),
        (422, BadRequestError),
        (426, VersionMismatchError),
        (429, RateLimitedError),
        (500, ServerError),
        (501, VersionMismatchError),
        (503, ServerError),
    ],
)
async def test_each_status_is_an_exception_of_its_own(status: int, kind: type[ApiError]) -> None:
    async with served(answering(status, '{"message": "because"}')) as client:
        with pytest.raises(ApiError, match=f"HTTP {status}: because") as caught:
            await client.fetch("GET", "/x")
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"message": "a"}', "a"),
        ('{"error": "b"}', "b"),
        ('{"error": {"message": "c", "code": 1}}', "c"),
        ('{"detail": "d"}', "d"),
        ('{"detail": [{"loc": ["x"]}]}', '[{"loc": ["x"]}]'),
        ("plain e", "plain e"),
        ("", "Not Found"),
        ("x" * 5000, "x" * 500),
    ],
)
async def test_the_message_is_what_the_server_said(body: str, message: str) -> None:
    async with served(answering(404, body)) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.fetch("GET", "/x")
    assert str(caught.value) == f"HTTP 404: {message}"


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7.0),
        ({"Retry-After": "0"}, '{"retry_after_seconds": 9}', 0.0),
        ({}, '{"message": "slow down", "retry_after_seconds": 9}', 9.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0.0),
        ({"Retry-After": "soon"}, "", None),
        ({}, "", None),
    ],
)
async def test_retry_after_is_in_seconds(headers: dict[str, str], body: str, seconds: float | None) -> None:
    async with served(answering(429, body, headers)) as client:
        with pytest.raises(RateLimitedError) as caught:
            await client.fetch("GET", "/x")
    assert caught.value.retry_after == seconds


async def test_nobody_listening_is_told_at_once_with_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = Api(f"http://127.0.0.1:{port}/base")
    began = time.monotonic()
    with pytest.raises(NetworkError, match=rf"nobody answers at http://127\.0\.0\.1:{port}: Connection refused"):
        await client.fetch("GET", "/x")
    await client.close()
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_the_page_of_a_proxy_is_told_as_a_sentence(method: str) -> None:
    page = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body></body>\r\n</html>\r\n"
    headers = {"Content-Type": "text/html", "Server": "nginx/1.22.1"}

    async def nginx(_request: web.BaseRequest) -> web.Response:
        return web.Response(status=413, body=page.encode(), headers=headers)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * 10

    async with served(nginx) as client:
        asked: dict[str, Callable[[], Awaitable[object]]] = {
            "POST": lambda: client.fetch("POST", "/sessions", {}),
            "PUT": lambda: client.put_bytes(f"{client.address}/files", chunks(), 10, "image/png"),
        }
        with pytest.raises(ApiError) as caught:
            await asked[method]()
    assert caught.value.status == 413
    assert str(caught.value).removeprefix("HTTP 413: ") == (
        "what was sent is larger than the proxy in front of the server (nginx) lets through: "
        "raise its limit (nginx: client_max_body_size)"
    )


async def test_a_connection_that_breaks_is_a_network_error() -> None:
    async def hang_up(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with served(hang_up) as client:
        with pytest.raises(NetworkError, match=r"127\.0\.0\.1"):
            await client.fetch("POST", "/x")


async def test_a_server_that_does_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "REQUEST_TIMEOUT_S", 0.1)

    async def never(_request: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with served(never) as client:
        with pytest.raises(RequestTimeoutError, match=r"127\.0\.0\.1"):
            await client.fetch("GET", "/x")


async def test_an_answer_that_is_something_else_names_the_request() -> None:
    async with served(answering(200, '{"jwt": 5}')) as client:
        reply = await client.fetch("POST", "/tokens")
        with pytest.raises(DecodeError, match="POST /tokens.*jwt"):
            reply.parse(Token)
    async with served(answering(200, "<html>")) as client:
        with pytest.raises(DecodeError, match="GET /x"):
            (await client.fetch("GET", "/x")).parse(Token)


async def test_what_requests_carry() -> None:
    seen: list[dict[str, str]] = []

    async def note(request: web.BaseRequest) -> web.Response:
        seen.append({**request.headers, "path": request.path, "body": await request.text()})
        return web.Response()

    async with served(note) as client:
        client.authorize("the-token")
        await client.fetch("POST", "/sessions", {"a": 1})
        await client.fetch("GET", "/y", headers=SIGNALLING_HEADERS)
        await client.close()  # a closed client opens again
        client.authorize(None)
        await client.fetch("GET", "/z")
    session, signalling, open_ = seen
    assert (session["Reactor-API-Version"], session["Reactor-API-Accept-Version"]) == ("1", "1")
    assert (session["Authorization"], session["path"], session["body"]) == ("Bearer the-token", "/sessions", '{"a": 1}')
    assert signalling["Reactor-WebRTC-Version"] == "1.0"
    assert "Reactor-API-Version" not in signalling
    assert "Authorization" not in open_


async def test_bytes_go_to_a_presigned_address_without_our_token() -> None:
    seen: list[tuple[dict[str, str], str, bytes]] = []

    async def store(request: web.BaseRequest) -> web.Response:
        seen.append((dict(request.headers), request.raw_path, await request.read()))
        return web.Response()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"def"

    async with served(store) as client:
        client.authorize("the-token")
        await client.put_bytes(f"{client.address}/u/1?sig=a%2Bb%3D", chunks(), 6, "image/png")
    headers, path, body = seen[0]
    assert (path, body) == ("/u/1?sig=a%2Bb%3D", b"abcdef")
    assert (headers["Content-Type"], headers["Content-Length"]) == ("image/png", "6")
    assert "Authorization" not in headers


def test_the_address_does_not_show_what_stands_before_the_host() -> None:
    assert Api("http://user:secret@127.0.0.1:1/base").address == "http://127.0.0.1:1"


async def test_fetch_jwt_token(fake: FakeCoordinator) -> None:
    assert await fetch_jwt_token("rk_test", fake.url) == "jwt-of-the-test"
    request = fake.requested("POST /tokens")[0]
    assert request.headers["Reactor-API-Key"] == "rk_test"
    assert "rk_test" not in request.path


async def test_fetch_jwt_token_that_is_refused(fake: FakeCoordinator) -> None:
    with pytest.raises(AuthenticationError, match="HTTP 401") as caught:
        await fetch_jwt_token("rk_wrong", fake.url)
    assert "rk_wrong" not in str(caught.value)
    with pytest.raises(MissingApiKeyError, match="REACTOR_API_KEY"):
        await fetch_jwt_token("", fake.url)
