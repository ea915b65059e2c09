"""Fetching bytes over HTTP: what may come yet, and what will not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import aiohttp
import pytest
from aiohttp import web

from reactor_runtime import fetching
from reactor_runtime.fetching import FetchRefused, HttpFetcher, NotThereYet, is_source


class Files:
    """A server whose every answer is the same, and the requests that it got."""

    def __init__(self) -> None:
        self.status = 200
        self.url = ""
        self.headers: list[dict[str, str]] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        if request.path == "/broken":
            response = web.StreamResponse(headers={"Content-Length": "10"})
            await response.prepare(request)
            await response.write(b"abc")
            assert request.transport is not None
            request.transport.close()
            return response
        if request.path == "/stalled":
            response = web.StreamResponse(headers={"Content-Length": "10"})
            await response.prepare(request)
            await response.write(b"abc")
            await asyncio.Event().wait()
        if request.path == "/moved":
            raise web.HTTPFound(f"{self.url}/file")
        return web.Response(status=self.status, body=b"abcdef")


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    files = Files()
    app = web.Application()
    app.router.add_get("/{name}", files.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    files.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield files
    await runner.cleanup()


async def fetch(url: str) -> bytes:
    async with aiohttp.ClientSession() as http, aclosing(HttpFetcher(http).fetch(url)) as parts:
        return b"".join([part async for part in parts])


async def test_the_bytes(files: Files) -> None:
    assert await fetch(f"{files.url}/file?sig=a%2Bb") == b"abcdef"
    (headers,) = files.headers
    assert "Authorization" not in headers
    assert "Cookie" not in headers
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [404, 409, 425, 429, 500, 502, 503])
async def test_not_there_yet(files: Files, status: int) -> None:
    files.status = status
    with pytest.raises(NotThereYet, match=f"HTTP {status}"):
        await fetch(f"{files.url}/file")


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 410, 416])
async def test_refused(files: Files, status: int) -> None:
    files.status = status
    with pytest.raises(FetchRefused, match=f"its source answers HTTP {status}"):
        await fetch(f"{files.url}/file")


async def test_no_redirect_is_followed(files: Files) -> None:
    with pytest.raises(FetchRefused, match="HTTP 302"):
        await fetch(f"{files.url}/moved")
    assert len(files.headers) == 1


async def test_nobody_is_there() -> None:
    with pytest.raises(NotThereYet):
        await fetch("http://127.0.0.1:9/file")


async def test_one_that_breaks_off_may_be_had_the_next_time(files: Files) -> None:
    with pytest.raises(NotThereYet):
        await fetch(f"{files.url}/broken")


async def test_a_source_that_stalls_is_given_up(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetching.IDLE_LIMIT_S == 5.0
    monkeypatch.setattr(fetching, "IDLE_LIMIT_S", 0.05)
    with pytest.raises(NotThereYet, match="its source does not answer"):
        await fetch(f"{files.url}/stalled")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("http://10.0.0.1:8090/uploads/a?sig=x", True),
        ("https://host/file", True),
        ("http://[::1]:1/file", True),
        ("", False),
        ("/uploads/a", False),
        ("http://", False),
        ("http:///file", False),
        ("http://[::1/file", False),
        ("file:///etc/passwd", False),
        ("ftp://host/file", False),
        ("HTTP", False),
        ("http://host/" + "x" * 8192, False),
    ],
)
def test_what_can_be_a_source(text: str, fits: bool) -> None:
    assert is_source(text) is fits
