"""Makes the pictures of the documentation: the operator's page under load, and the playground with ``restyle``.

``python docs/screenshots.py`` starts what it takes on this machine, looks at it with Chromium, and writes
``docs/admin.png`` and ``docs/playground.png``. Needs the development environment and a Chromium (``--chromium``).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from PIL import Image
from playwright.async_api import Browser, ViewportSize, async_playwright

from reactor_coordinator.config import read_config
from reactor_coordinator.office import open_office
from reactor_coordinator.records import Key, Role
from reactor_protocol.names import HEADER_API_KEY
from reactor_sdk import Reactor

DOCS: Final = Path(__file__).resolve().parent
EXAMPLES: Final = DOCS.parent / "examples"
SIZE: Final[ViewportSize] = {"width": 1440, "height": 900}
CHROMIUM: Final = "/usr/bin/chromium"
DEADLINE_S: Final = 120.0
CONFIG: Final = f"""
cluster: studio
models:
  brightness: {{path: {EXAMPLES / "brightness"}, warm: 1, max: 3}}
  restyle: {{path: {EXAMPLES / "restyle"}, warm: 1, max: 3}}
pool: {{workers: 5}}
limits: {{unseen_seconds: 600, requests_per_second: 500, request_burst: 1000}}
"""
TENANTS: Final[Sequence[tuple[str, int]]] = (("gallery", 0), ("kiosk-berlin", 0), ("kiosk-lyon", 0), ("studio", 5), ("lab", -1))
ENDED_BEFORE: Final = 4
WAITING: Final = 44


@dataclass(frozen=True, slots=True)
class House:
    """A coordinator that serves: where, and the keys of its tenants and of its operator."""

    url: str
    admin: str
    tenants: Sequence[str]


# ---------------------------------------------------------------------------------------------------------- serving


@contextlib.asynccontextmanager
async def _serving(folder: Path, *arguments: str) -> AsyncIterator[str]:
    """A ``reactor`` command that serves until the end of the block, and its address."""
    reactor = Path(sys.executable).with_name("reactor")
    process = await asyncio.create_subprocess_exec(
        *(str(reactor), *arguments, "--port", "0"),
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            url = await _address(process.stderr)
        reading = asyncio.ensure_future(_drain(process.stderr))
        yield url
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()
        if reading is not None:
            await reading


async def _address(lines: asyncio.StreamReader) -> str:
    async for line in lines:
        for word in line.decode(errors="replace").split():
            if word.startswith("http://127.0.0.1:"):
                return word.rstrip(".,")
    raise SystemExit("the server has not started")


async def _drain(lines: asyncio.StreamReader) -> None:
    async for _ in lines:
        continue


@contextlib.asynccontextmanager
async def _house(folder: Path) -> AsyncIterator[House]:
    """A coordinator with workers on this machine, and keys for its tenants."""
    file = folder / "reactor-cloud.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    async with open_office(read_config(file)) as office:
        keys = []
        for name, priority in TENANTS:
            template = Key(id="", name=name, prefix="", digest="", priority=priority, created_at=office.clock())
            keys.append((await office.create_key(template)).text)
        operator = Key(id="", name="operator", prefix="", digest="", role=Role.ADMIN, created_at=office.clock())
        admin = (await office.create_key(operator)).text
    async with _serving(folder, "coordinator") as url:
        yield House(url, admin, keys)


@contextlib.asynccontextmanager
async def _chromium(executable: str) -> AsyncIterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


# ------------------------------------------------------------------------------------------------------------ admin


async def admin(executable: str, file: Path) -> None:
    """The operator's page of a house whose workers are all busy, with some dozens of clients in its queues."""
    with tempfile.TemporaryDirectory(prefix="reactor-admin-") as folder:
        async with _house(Path(folder)) as house, _chromium(executable) as browser, aiohttp.ClientSession(house.url) as http:
            page = await browser.new_page(viewport=SIZE, color_scheme="light")
            await page.goto(f"{house.url}/admin")
            await page.get_by_label("Admin API key").fill(house.admin)
            await page.get_by_role("button", name="Sign in").click()
            await page.locator("#house").wait_for()
            async with _load(house, http):
                await page.wait_for_function(f"document.querySelectorAll('#queue tbody tr').length > {WAITING // 2}")
                await page.wait_for_function("document.querySelectorAll('#ends tbody tr').length > 2")
                await page.mouse.move(0, 0)
                await page.screenshot(path=file)


@contextlib.asynccontextmanager
async def _load(house: House, http: aiohttp.ClientSession) -> AsyncIterator[None]:
    """Sessions that have ended, sessions that run with a client each, and many that wait."""
    tokens = [await _token(http, key) for key in house.tenants]
    await asyncio.gather(*(_visit(house, number) for number in range(ENDED_BEFORE)))
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            Reactor(model, api_key=house.tenants[number % len(tokens)], api_url=house.url)
            for number, model in enumerate(("brightness", "restyle", "brightness", "restyle", "restyle"))
        ]
        for client in clients:
            stack.push_async_callback(client.disconnect)
        await asyncio.gather(*(client.connect() for client in clients))
        for number in range(WAITING):
            model = "restyle" if number % 3 else "brightness"
            await _begin(http, tokens[number * 7 % 11 % len(tokens)], model)
            # A queue does not come at once: the curve of its length is part of the picture.
            await asyncio.sleep(0.5 if number < WAITING // 2 else 0.2)
        yield


async def _visit(house: House, number: int) -> None:
    """A session that has been, and is over."""
    async with Reactor("brightness", api_key=house.tenants[number % len(house.tenants)], api_url=house.url) as client:
        await client.connect()
        await asyncio.sleep(1 + number)


async def _token(http: aiohttp.ClientSession, key: str) -> str:
    async with http.post("/tokens", headers={HEADER_API_KEY: key}) as reply:
        reply.raise_for_status()
        return str((await reply.json())["jwt"])


async def _begin(http: aiohttp.ClientSession, token: str, model: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with http.post("/sessions", headers=headers, json={"model": {"name": model}}) as reply:
        reply.raise_for_status()


# ------------------------------------------------------------------------------------------------------- playground


async def playground(executable: str, file: Path) -> None:
    """The playground of ``restyle`` while its sample clip plays, with an effect and a caption."""
    async with _serving(EXAMPLES / "restyle", "run") as url, _chromium(executable) as browser:
        page = await browser.new_page(viewport=SIZE, color_scheme="light")
        await page.goto(url)
        await page.locator("#status[data-status=ready]").wait_for(timeout=1000 * DEADLINE_S)
        await page.locator("#inputs button", has_text="bigbuckbunny").first.click()
        # What has one choice is sent as soon as it is made; a text waits for its button.
        await page.locator("[data-command=set_effect] select").select_option(label="comic")
        await page.locator("[data-command=set_caption]").get_by_role("textbox").fill("restyled live")
        await page.locator("[data-command=set_caption] button[type=submit]").click()
        await page.locator("[data-command=set_caption] output[data-state=ok]").wait_for()
        await page.wait_for_function(_PLAYS, timeout=1000 * DEADLINE_S)
        await page.evaluate("window.scrollTo(0, 0)")
        await page.screenshot(path=file)
    _smaller(file)


def _smaller(file: Path) -> None:
    """Makes a picture with a film in it small enough for a page: 256 colours, which a drawn film hardly shows."""
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


_PLAYS: Final = """() => {
  const video = document.querySelector("#screens video");
  return video && video.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames > 150;
}"""


# ---------------------------------------------------------------------------------------------------------- command

PICTURES: Final = {"admin": admin, "playground": playground}


def main() -> None:
    """Makes the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", metavar="NAME", help=f"which ones, of {', '.join(PICTURES)}; else all")
    parser.add_argument("--chromium", default=CHROMIUM, help=f"the browser's program (default: {CHROMIUM})")
    parser.add_argument("--to", type=Path, default=DOCS, help="the folder that they go to")
    options = parser.parse_args()
    if unknown := set(options.pictures) - PICTURES.keys():
        parser.error(f"there is no picture {', '.join(sorted(unknown))}")
    for name in options.pictures or PICTURES:
        file = options.to / f"{name}.png"
        asyncio.run(PICTURES[name](options.chromium, file))
        print(f"{file}: {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
