"""The routes of pages: headers, what is cached, and that nothing else than the page's own files can be had."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from reactor_pages import routes
from reactor_protocol.errors import NotFoundError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CLIP = bytes(range(100))


async def _missing(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({}, 404)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A server of the playground; ``clip.mp4`` and ``secret.txt`` lie beside each other, and both are offered as samples."""
    (tmp_path / "clip.mp4").write_bytes(CLIP)
    (tmp_path / "secret.txt").write_text("hunter2")
    app = FastAPI()
    app.add_exception_handler(NotFoundError, _missing)
    app.include_router(routes.page("/", "playground"))
    app.include_router(routes.page("/play", "playground", mode="hosted", connect=["https://store.example"]))
    app.include_router(routes.assets("/playground", "playground"))
    clips = {name: tmp_path / name for name in ("clip.mp4", "secret.txt", "gone.mp4")}
    app.include_router(routes.sample_clips("/playground/samples", clips))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
        yield client


async def test_the_page_comes_with_a_strict_policy(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    assert '<meta name="reactor-mode" content="local">' in answer.text


async def test_a_hosted_page_says_so_and_may_send_uploads_to_a_store(http: httpx.AsyncClient) -> None:
    answer = await http.get("/play")
    assert '<meta name="reactor-mode" content="hosted">' in answer.text
    assert 'content="local"' not in answer.text
    assert "connect-src 'self' https://store.example;" in answer.headers["content-security-policy"]


async def test_pages_hold_no_inline_script_or_style_and_ask_nobody_else(http: httpx.AsyncClient) -> None:
    text = (await http.get("/")).text
    assert " style=" not in text
    assert "<style" not in text
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("<script") == text.count('<script type="module" src="playground/') == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("playground.css", "text/css; charset=utf-8"),
        ("theme.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_assets_have_their_types(http: httpx.AsyncClient, name: str, kind: str) -> None:
    answer = await http.get(f"/playground/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/playground/main.js"])
async def test_what_has_not_changed_is_not_sent_again(http: httpx.AsyncClient, path: str) -> None:
    tag = (await http.get(path)).headers["etag"]
    again = await http.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await http.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_page_answers_head(http: httpx.AsyncClient) -> None:
    assert (await http.head("/")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "missing.js",
        "../theme.css",
        "%2e%2e%2ftheme.css",
        "..%2F..%2Froutes.py",
        "%2Fetc%2Fpasswd",
        ".hidden.js",
        "main.js%00.css",
        "main.js.map",
        "routes.py",
    ],
)
async def test_nothing_but_the_pages_own_files_can_be_had(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(f"/playground/{path}")).status_code == 404


async def test_a_sample_is_sent_in_ranges(http: httpx.AsyncClient) -> None:
    answer = await http.get("/playground/samples/clip.mp4", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, CLIP[10:20])
    assert answer.headers["content-range"] == "bytes 10-19/100"
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["other.mp4", "secret.txt", "gone.mp4", "..%2Fclip.mp4"])
async def test_only_clips_that_are_offered_and_there_are_sent(http: httpx.AsyncClient, name: str) -> None:
    assert (await http.get(f"/playground/samples/{name}")).status_code == 404


async def test_a_sample_that_is_too_large_is_not_sent(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MAX_SAMPLE_BYTES", 99)
    assert (await http.get("/playground/samples/clip.mp4")).status_code == 404
