"""BodyLimit: 413 above 1 MiB, but for uploads."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reactor_http.body_limit import MAX_BODY_BYTES, BodyLimit


async def count(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


async def swallow(request: Request) -> Response:
    try:
        await request.body()
    except Exception as error:  # noqa: BLE001 - what web frameworks do with a body that cannot be read
        return JSONResponse({"detail": str(error)}, 400)
    return Response()


@pytest.fixture
def client() -> httpx.AsyncClient:
    routes = [Route(path, handler, methods=["POST"]) for path, handler in [("/count", count), ("/swallow", swallow)]]
    app = Starlette(routes=[*routes, Route("/uploads/x", count, methods=["POST"])], middleware=[])
    return httpx.AsyncClient(transport=httpx.ASGITransport(BodyLimit(app)), base_url="http://runtime")


async def parts(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 1024):
        yield b"x" * 1024


async def test_a_body_at_the_limit_passes(client: httpx.AsyncClient) -> None:
    assert (await client.post("/count", content=b"x" * MAX_BODY_BYTES)).json() == 1024 * 1024
    assert (await client.post("/count", content=parts(MAX_BODY_BYTES))).json() == 1024 * 1024


@pytest.mark.parametrize("path", ["/count", "/swallow"])
@pytest.mark.parametrize("announced", [True, False])
async def test_one_above_it_is_refused(client: httpx.AsyncClient, path: str, announced: bool) -> None:
    size = MAX_BODY_BYTES + 1024
    response = await client.post(path, content=b"x" * size if announced else parts(size))
    assert response.status_code == 413
    said = "a request body is at most 1048576 bytes; send files as uploads"
    assert response.json() == {"code": "BODY_TOO_LARGE", "message": said, "detail": said}


async def test_uploads_are_not_limited_here(client: httpx.AsyncClient) -> None:
    assert (await client.post("/uploads/x", content=b"x" * (MAX_BODY_BYTES + 1))).json() == MAX_BODY_BYTES + 1


async def test_a_length_that_is_no_number(client: httpx.AsyncClient) -> None:
    headers = [(b"content-length", "²".encode("latin-1"))]
    assert (await client.post("/count", content=parts(1024), headers=headers)).status_code == 200
