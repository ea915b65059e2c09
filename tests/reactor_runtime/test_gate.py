"""WorkerGate: 401 without the secret, but for GET /health."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from reactor_runtime.gate import WorkerGate

SECRET = "s3cret"


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Starlette(routes=[Route(path, hello, methods=["GET", "POST"]) for path in ("/health", "/session")])
    return httpx.AsyncClient(transport=httpx.ASGITransport(WorkerGate(app, SECRET)), base_url="http://worker")


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret "])
async def test_the_secret_opens(client: httpx.AsyncClient, header: str) -> None:
    response = await client.get("/session", headers={"Authorization": header})
    assert (response.status_code, response.text) == (200, "hello")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer s3cre",
        "Bearer s3crets",
        "Bearer S3CRET",
        "Basic s3cret",
        "s3cret",
        "Bearer s3 cret",
    ],
)
async def test_nothing_else_does(client: httpx.AsyncClient, header: str | None) -> None:
    response = await client.get("/session", headers={} if header is None else {"Authorization": header})
    refusal = "this is a worker: it answers its coordinator alone, by the bearer secret that the two share"
    assert response.status_code == 401
    assert response.json() == {"code": "UNAUTHORIZED", "message": refusal, "detail": refusal}
    assert response.headers["www-authenticate"] == "Bearer"


async def test_bytes_that_are_no_text(client: httpx.AsyncClient) -> None:
    response = await client.get("/session", headers=[(b"authorization", b"Bearer \xff\xfe")])
    assert response.status_code == 401


async def test_health_is_open_for_reading_alone(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).status_code == 200
    for method, path in [
        ("POST", "/health"),
        ("GET", "/health/"),
        ("GET", "//health"),
        ("GET", "/health/x"),
        ("OPTIONS", "/health"),
    ]:
        assert (await client.request(method, path)).status_code == 401, (method, path)


async def test_a_websocket_is_closed_and_the_lifespan_passes() -> None:
    passed: list[str] = []
    sent: list[Message] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        sent.append(message)

    gate = WorkerGate(app, SECRET)
    await gate({"type": "lifespan"}, receive, send)
    await gate({"type": "websocket", "path": "/health", "headers": []}, receive, send)
    assert passed == ["lifespan"]
    assert sent == [{"type": "websocket.close", "code": 1008}]
