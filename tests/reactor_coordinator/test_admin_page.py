"""The operator's page and the hosted playground in a real Chromium, over a coordinator whose one worker is a real process."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.interop.provisioning import command
from tests.reactor_coordinator.house import configuration

from reactor_coordinator.app import build_app
from reactor_coordinator.keys import new_key
from reactor_coordinator.pools.local import LocalPool
from reactor_coordinator.records import Key, Role
from reactor_coordinator.serve import Coordinator, build
from reactor_coordinator.store import keys as key_rows
from reactor_http.listen import Server, address, bind

pytestmark = [pytest.mark.network, pytest.mark.timeout(150)]

DEADLINE_MS = 30_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
SHOWS_A_PICTURE = "() => [...document.querySelectorAll('video')].some(video => video.videoWidth === 256)"


@dataclass(frozen=True)
class Place:
    """A coordinator that serves, and who may do what there."""

    coordinator: Coordinator
    url: str
    admin: str
    client: str

    async def begin(self) -> str:
        """A session of a client without a page. Returns its id."""
        headers = {"Authorization": f"Bearer {self.client}"}
        async with (
            aiohttp.ClientSession(self.url, headers=headers) as http,
            http.post("/sessions", json={"model": {"name": "echo"}}) as reply,
        ):
            assert reply.status == 201
            return str((await reply.json())["session_id"])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    config = configuration(tmp_path)
    coordinator = await build(config, LocalPool(tmp_path, 1, 1, os.environ))
    listener = bind("127.0.0.1", 0)
    options = uvicorn.Config(
        build_app(coordinator.service), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = Server(options)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await coordinator.open([address(listener)])
        admin = await _key(coordinator, name="operator", role=Role.ADMIN)
        client = await _key(coordinator, name="gallery")
        yield Place(coordinator, address(listener), admin, client)
    finally:
        await coordinator.end_everything()
        server.should_exit = True
        await serving
        await coordinator.close()


async def _key(coordinator: Coordinator, **properties: Any) -> str:
    made = new_key(Key(id="", prefix="", digest="", **properties))
    await coordinator.database.write(key_rows.add, made.record)
    return made.text


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = command("chromium", ["chromium"], print)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield launched
        finally:
            await launched.close()


@contextlib.asynccontextmanager
async def opened(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A page of its own, which must make no mistake and ask nobody else for anything."""
    page = await browser.new_page()
    page.set_default_timeout(DEADLINE_MS)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(("http://127.0.0.1", "blob:")) else None)
    page.on("request", lambda asked: wrong.append(f"a key in {asked.url}") if "rk_" in asked.url else None)
    await page.goto(address)
    yield page
    assert wrong == []
    await page.close()


async def sign_in(page: Page, label: str, key: str) -> None:
    await page.get_by_label(label, exact=True).fill(key)
    await page.get_by_role("button", name="Sign in").click()


async def faults(page: Page) -> list[str]:
    """What axe finds serious on a page, and on its dark form, which differs in colours alone."""
    light = (await Axe().run(page)).response["violations"]
    await page.emulate_media(color_scheme="dark")
    dark = (await Axe().run(page, options={"runOnly": ["color-contrast"]})).response["violations"]
    return [
        f"{each['id']}: {node['target']}: {node['failureSummary']}"
        for each in (*light, *dark)
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def rows(page: Page, table: str) -> Any:
    return page.locator(f"#{table} tbody tr")


async def test_an_operator_looks_on_while_a_client_waits_and_plays(place: Place, browser: Browser) -> None:
    expect.set_options(timeout=DEADLINE_MS)
    async with opened(browser, f"{place.url}/admin") as admin, opened(browser, f"{place.url}/play") as play:
        await _gets_in_with_an_admins_key_alone(admin, place)
        await expect(rows(admin, "workers")).to_have_count(1)
        running = await place.begin()
        await expect(rows(admin, "sessions")).to_contain_text([running[:8]])
        await expect(rows(admin, "sessions")).to_contain_text(["active"])
        await _waits_in_the_queue(play, place)
        await expect(rows(admin, "queue")).to_contain_text(["gallery"])
        await expect(admin.locator(".counter.waiting .counter-value")).to_have_text("1")
        assert [await faults(page) for page in (admin, play)] == [[], []]
        await _ends(admin, running)
        await _plays(play)
        await expect(rows(admin, "queue")).to_have_count(0)
        await _drains_the_worker(admin)
        await _leaves(play)
        await expect(rows(admin, "ends")).to_contain_text(["ended by its client", "the shop closes"])


async def _gets_in_with_an_admins_key_alone(admin: Page, place: Place) -> None:
    await sign_in(admin, "Admin API key", "rk_this-is-none")
    await expect(admin.locator("#refused")).to_contain_text("This key is not valid")
    await sign_in(admin, "Admin API key", place.client)
    await expect(admin.locator("#refused")).to_contain_text("make one with reactor keys create NAME --admin")
    await expect(admin.locator("#house")).to_be_hidden()
    await sign_in(admin, "Admin API key", place.admin)
    await expect(admin.locator("#live")).to_have_text("Live")
    assert await admin.evaluate("() => [sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]


async def _waits_in_the_queue(play: Page, place: Place) -> None:
    await sign_in(play, "API key", "rk_this-is-none")
    await expect(play.get_by_role("alert")).to_contain_text("This key is not valid")
    await sign_in(play, "API key", place.client)
    await expect(play.locator(".model")).to_have_text(["echoall workers are busy"])
    await play.get_by_role("button", name="Play").click()
    await expect(play.locator(".place-text")).to_contain_text("Place 1 of 1 in the queue")
    await expect(play.locator(".place-number")).to_have_text("1")


async def _ends(admin: Page, session_id: str) -> None:
    await admin.get_by_role("button", name=f"End session {session_id[:8]}").click()
    dialog = admin.get_by_role("dialog")
    await expect(dialog).to_contain_text(session_id)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    await admin.get_by_role("button", name=f"End session {session_id[:8]}").click()
    await dialog.get_by_label("Reason").fill("the shop closes")
    await dialog.get_by_role("button", name="End session").click()
    await expect(admin.locator("#said")).to_have_text(f"Session {session_id[:8]} is ended: the shop closes.")


async def _plays(play: Page) -> None:
    await expect(play.locator("#status-text")).to_have_text("Connected")
    await play.wait_for_function(SHOWS_A_PICTURE)
    form = play.locator("form.command", has_text="say")
    await form.get_by_role("textbox").fill("good morning")
    await form.locator("button[type=submit]").click()
    await expect(play.locator("#log")).to_contain_text("good morning")


async def _drains_the_worker(admin: Page) -> None:
    await admin.get_by_role("button", name="Drain worker").click()
    await admin.get_by_role("dialog").get_by_role("button", name="Drain worker").click()
    await expect(admin.locator("#said")).to_contain_text("is draining: it stops after session")
    await expect(rows(admin, "workers")).to_contain_text(["busy, draining"])


async def _leaves(play: Page) -> None:
    await play.get_by_role("button", name="Leave", exact=True).click()
    await expect(play.locator(".entrance-alert")).to_contain_text("Session over")
    await expect(play.locator(".model")).to_have_count(1)
