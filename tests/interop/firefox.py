"""Firefox as the distribution has it, driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi), with real input."""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from tests.interop.children import Child
from tests.ports import free_port

START_S: Final = 60.0
DEADLINE_S: Final = 40.0
LIFE_S: Final = 170.0
PREFS: Final[Mapping[str, object]] = {
    "media.autoplay.default": 0,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "browser.safebrowsing.update.enabled": False,
    "remote.prefs.recommended": True,
}
"""A fake camera, playing without a touch, downloads without a question, and nobody else asked for anything."""

_CALL: Final = "async (text) => JSON.stringify((await (FUNCTION)(...JSON.parse(text))) ?? null)"
_UNTIL: Final = """async (...given) => {
  for (;;) {
    const found = await (FUNCTION)(...given);
    if (found) return found;
    await new Promise((go) => setTimeout(go, 40));
  }
}"""
_MIDDLE: Final = """(selector) => {
  const found = document.querySelector(selector);
  if (!found || found.disabled || !found.checkVisibility()) return null;
  found.scrollIntoView({ block: "center", behavior: "instant" });
  const { left, top, width, height } = found.getBoundingClientRect();
  return [Math.round(left + width / 2), Math.round(top + height / 2)];
}"""


class PageError(Exception):
    """A function has thrown in the page, or the browser refuses a command."""


@dataclass
class Window:
    """The one window of a Firefox. ``downloads`` is the folder that files go to; ``faults`` is what pages complained of."""

    downloads: Path
    _socket: aiohttp.ClientWebSocketResponse
    faults: list[str] = field(default_factory=list)
    version: str = ""
    _context: str = ""
    _count: int = 0

    async def goto(self, url: str) -> None:
        """Opens a page, and waits until it has loaded."""
        await self._ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def before_pages(self, function: str) -> None:
        """Runs a function in every page to come, before its own scripts."""
        await self._ask("script.addPreloadScript", functionDeclaration=function, contexts=[self._context])

    async def evaluate(self, function: str, *given: Any) -> Any:
        """What a function of the page returns, as JSON. Raises :class:`PageError` with what it throws."""
        answer = await self._ask(
            "script.callFunction",
            functionDeclaration=_CALL.replace("FUNCTION", function),
            arguments=[{"type": "string", "value": json.dumps(given)}],
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise PageError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    async def until(self, function: str, *given: Any) -> Any:
        """The first value of a function of the page that counts as true. Raises TimeoutError."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self.evaluate(_UNTIL.replace("FUNCTION", function), *given)
        except TimeoutError:
            last = await self.evaluate(function, *given)
            raise TimeoutError(f"{function} of {given} is {last} at last; the page complained of {self.faults}") from None

    async def click(self, selector: str) -> None:
        """Clicks with the mouse, once there is something to click on."""
        x, y = await self.until(_MIDDLE, selector)
        moves = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}
        await self._ask("input.performActions", context=self._context, actions=[mouse])

    async def choose(self, selector: str, file: Path) -> None:
        """Gives a file to a field for files."""
        found = await self._ask(
            "browsingContext.locateNodes", context=self._context, locator={"type": "css", "value": selector}, maxNodeCount=1
        )
        node = {"sharedId": found["nodes"][0]["sharedId"]}
        await self._ask("input.setFiles", context=self._context, element=node, files=[str(file)])

    async def key(self, value: str, *, down: bool) -> None:
        """Presses a key, or lets it go; ``value`` as WebDriver has it."""
        action = {"type": "keyDown" if down else "keyUp", "value": value}
        await self._ask(
            "input.performActions", context=self._context, actions=[{"type": "key", "id": "keys", "actions": [action]}]
        )

    async def download(self, pattern: str) -> Path:
        """The newest file that was saved with such a name, once it is whole. Raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                files = [file for file in self.downloads.glob(pattern) if file.stat().st_size > 0]
                if files and not any(self.downloads.glob("*.part")):
                    return max(files, key=lambda file: file.stat().st_mtime)
                await asyncio.sleep(0.05)

    async def picture(self, file: Path) -> None:
        """What the window shows."""
        answer = await self._ask("browsingContext.captureScreenshot", context=self._context)
        file.write_bytes(base64.b64decode(answer["data"]))

    async def begin(self) -> None:
        """Begins the session of this socket, and finds the window."""
        self.version = str((await self._ask("session.new", capabilities={}))["capabilities"]["browserVersion"])
        await self._ask("session.subscribe", events=["log.entryAdded"])
        self._context = (await self._ask("browsingContext.getTree", maxDepth=0))["contexts"][0]["context"]

    async def size(self, width: int, height: int) -> None:
        """The size of the page in CSS pixels."""
        await self._ask("browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height})

    async def _ask(self, method: str, **params: Any) -> Any:
        """The result of a command; events that come before it are noted."""
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": params})
        while True:
            answer = await self._socket.receive_json(timeout=DEADLINE_S + 5)
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self.faults.append(str(answer["params"]["text"]))
            if answer.get("id") != self._count:
                continue
            if answer["type"] == "error":
                raise PageError(f"{method}: {answer['message']}")
            return answer["result"]


@asynccontextmanager
async def firefox(program: str, prefs: Mapping[str, object] | None = None) -> AsyncIterator[Window]:
    """A fresh Firefox with a profile of its own, ended with the block."""
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as folder:
        downloads = Path(folder) / "downloads"
        downloads.mkdir()
        told = {**PREFS, "browser.download.dir": str(downloads), **(prefs or {})}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in told.items()]
        (Path(folder) / "user.js").write_text("".join(lines), encoding="utf-8")
        port = free_port()
        argv = [program, "--headless", "--no-remote", "--profile", folder, f"--remote-debugging-port={port}", "about:blank"]
        with Child(argv, cwd=Path(folder), env={"HOME": folder}, log=Path(folder) / "firefox", seconds=LIFE_S):
            async with aiohttp.ClientSession() as http, await _connected(http, port) as socket:
                window = Window(downloads, socket)
                await window.begin()
                yield window


async def _connected(http: aiohttp.ClientSession, port: int) -> aiohttp.ClientWebSocketResponse:
    """The socket of a browser that is starting."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                return await http.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0)
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
