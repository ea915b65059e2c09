"""The playground's page in a real Chromium, on a runtime that dies, comes back, and ends the session."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.interop.browser import FLAGS
from tests.interop.children import Child
from tests.interop.provisioning import ROOT, command
from tests.interop.servers import START_SECONDS, Server
from tests.ports import free_port

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

DEADLINE_MS = 40_000
FIGURES = ["fps", "in", "rtt", "loss", "jitter", "glass", "connect", "first", "picture"]
MOVES = """before => {
  const [video] = document.querySelectorAll("#screens video");
  return video.videoWidth === 320 && video.getVideoPlaybackQuality().totalVideoFrames > before + 30;
}"""
FILLED = """names => names.every(name => !document.querySelector(`[data-figure="${name}"]`).classList.contains("empty")
  && /\\d/.test(document.querySelector(`[data-figure="${name}"] .figure-value`).textContent))"""


@contextmanager
def runtime(port: int, logs: Path, *, waits: bool = True) -> Iterator[Server]:
    argv = [
        Path(sys.executable).with_name("reactor"),
        "run",
        ROOT / "examples" / "brightness",
        "--host",
        "127.0.0.1",
        "--port",
        port,
    ]
    with Child(argv, cwd=ROOT, env={}, log=logs / "runtime", seconds=170, ends_by=signal.SIGKILL) as child:
        server = Server(f"http://127.0.0.1:{port}", child)
        if waits:
            server.wait_for("/health", "available", START_SECONDS)
        yield server


@pytest.fixture
def browser() -> Iterator[Browser]:
    chromium = command("chromium", ["chromium"], print)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        try:
            yield launched
        finally:
            launched.close()


def expect_status(page: Page, status: str) -> None:
    expect(page.locator("#status")).to_have_attribute("data-status", status, timeout=DEADLINE_MS)


def stop_session(url: str, reason: str) -> None:
    body = json.dumps({"reason": reason}).encode()
    with urlopen(Request(f"{url}/stop_session", body, {"Content-Type": "application/json"}), timeout=20) as answer:
        assert answer.status == 200


def test_the_page_plays_survives_a_runtime_that_dies_and_tells_who_ended_the_session(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    page = browser.new_page(viewport={"width": 360, "height": 780})
    page.set_default_timeout(DEADLINE_MS)
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None)

    with runtime(port, tmp_path) as server:
        page.goto(server.url)
        expect_status(page, "ready")
        page.wait_for_function(MOVES, arg=0)
        page.wait_for_function(FILLED, arg=FIGURES)
        expect(page.locator('[data-figure="picture"] .figure-value')).to_have_text("320 × 240")
        expect(page).to_have_title("brightness – Reactor playground")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
    expect_status(page, "reconnecting")
    expect(page.locator("#notice")).to_be_visible()

    # The page comes back by itself, as soon as it can: nobody else sees this runtime available.
    with runtime(port, tmp_path, waits=False) as server:
        expect_status(page, "ready")
        page.wait_for_function(
            MOVES, arg=page.evaluate("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames")
        )
        stop_session(server.url, "The machine is needed.")
        expect_status(page, "ended")
        expect(page.locator("#notice-text")).to_have_text("The machine is needed.")
        page.get_by_role("button", name="Start a new session").click()
        expect_status(page, "ready")
    assert wrong == []
    assert {url.split("/")[2] for url in asked if not url.startswith("blob:")} == {f"127.0.0.1:{port}"}
