"""The published JavaScript client in a headless Chromium: its bundle, the site that serves it, and one visit."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Error as PageError
from playwright.sync_api import Page, sync_playwright
from tests.interop.provisioning import Say, alone, cache_folder, command, run

HERE = Path(__file__).parent
SOURCE = HERE / "js"

VISIT_SECONDS = 130.0

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class PageVisit:
    """What the page logged, and how the visit ended."""

    console: list[str]
    error: str | None

    def log(self) -> str:
        return "\n".join([*self.console[-80:], f"error: {self.error}"])


def bundle_site(say: Say) -> Path:
    """A folder with the page and the bundle of the client; the packages are fetched when they are missing."""
    npm = command("npm", ["nodejs", "npm"], say)
    with alone("interop-js"):
        return _site(npm, say)


def _site(npm: str, say: Say) -> Path:
    packages = cache_folder("interop-js")
    wanted = (SOURCE / "package.json").read_text()
    complete = packages / "complete.json"
    if not (complete.is_file() and complete.read_text() == wanted):
        say("fetching the published JavaScript client")
        shutil.copy(SOURCE / "package.json", packages)
        run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=packages)
        complete.write_text(wanted)
    site = cache_folder("interop-js/site")
    _bundle(packages / "node_modules", site / "page.bundle.js")
    shutil.copy(SOURCE / "index.html", site)
    return site


def _bundle(modules: Path, bundle: Path) -> None:
    options = ["--bundle", "--platform=browser", "--log-level=warning", '--define:process.env.NODE_ENV="production"']
    esbuild = modules / ".bin" / "esbuild"
    run([esbuild, SOURCE / "page.js", *options, f"--outfile={bundle}"], env={"NODE_PATH": str(modules)})


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the runtime's log is the one that matters."""


@contextmanager
def serve_site(site: Path) -> Iterator[str]:
    """Serves the page from a port of its own, so that its calls to the runtime cross origins."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def visit(chromium: str, page_url: str, words: list[Any]) -> PageVisit:
    """Opens the page in a fresh browser profile and lets it make its whole visit.

    ``words`` are the script, the address of the server, and the token or None if that is a runtime.
    """
    console: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        try:
            page = browser.new_page()
            page.on("console", lambda message: console.append(message.text))
            page.on("pageerror", lambda error: console.append(f"page error: {error}"))
            page.set_default_timeout(VISIT_SECONDS * 1000)
            return PageVisit(console, _run_visit(page, page_url, words))
        finally:
            browser.close()


def _run_visit(page: Page, page_url: str, words: list[Any]) -> str | None:
    """The page's own deadlines end the visit; an error of the page is evidence for the tests, not the end of them."""
    page.goto(page_url)
    try:
        page.evaluate("words => window.visit(...words)", words)
    except PageError as error:
        return str(error)
    return None
