"""The playground in a real Chromium: one browser, one page, and what can be read from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect, sync_playwright
from tests.interop.browser import FLAGS
from tests.interop.provisioning import command

PATIENCE_MS: Final = 25_000
DESKTOP: Final = {"width": 1280, "height": 900}
PHONE: Final = {"width": 360, "height": 740}

SCRIPT: Final = """
window.fakePads = [];
navigator.getGamepads = () => window.fakePads;
const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
const look = canvas.getContext("2d", { willReadFrequently: true });
window.squareOf = (number) => {
  const video = document.querySelector("#screens video");
  if (!video || video.videoWidth === 0) return [-1, -1, -1];
  look.drawImage(video, 0, 0, 320, 240);
  return [...look.getImageData(80 * (number % 4) + 40, 80 * Math.floor(number / 4) + 40, 1, 1).data.slice(0, 3)];
};
"""
"""Before the page's own: a gamepad that tests move, and the colour in the middle of a square of the model's picture."""

NEAR: Final = "([number, [r, g, b]]) => window.squareOf(number).every((seen, i) => Math.abs(seen - [r, g, b][i]) <= 12)"
"""The colour went through a lossy encoder with a narrow range: it comes back a little different."""


@dataclass
class Tour:
    """The open page. ``squares`` names the picture's squares, in their order; ``faults`` is what the page complained of."""

    page: Page
    squares: tuple[str, ...]
    faults: list[str] = field(default_factory=list)

    def command(self, name: str) -> Locator:
        return self.page.locator(f'#controls [data-command="{name}"]')

    def result(self, name: str, state: str = "ok") -> Locator:
        return self.command(name).locator(f'.result[data-state="{state}"]')

    def send(self, name: str) -> None:
        self.command(name).get_by_role("button", name="Send").click()

    def sees(self, square: str, colour: tuple[int, int, int] | int) -> None:
        """Waits until a square of the picture has that colour, or that grey."""
        wanted = (colour,) * 3 if isinstance(colour, int) else colour
        number = self.squares.index(square)
        try:
            self.page.wait_for_function(NEAR, arg=[number, list(wanted)])
        except AssertionError as error:
            raise AssertionError(f"{square} is {self.page.evaluate('squareOf', number)}, not {wanted}") from error

    def logged(self, kind: str, words: str) -> Locator:
        """Entries of the message log."""
        return self.page.locator(f"#log .log-{kind}", has_text=words)

    def pad(self, axes: list[float], buttons: dict[int, float]) -> None:
        """What the gamepad is made to look like from now on."""
        pressed = [{"value": buttons.get(number, 0.0)} for number in range(17)]
        self.page.evaluate("pad => (window.fakePads = [pad])", {"connected": True, "axes": axes, "buttons": pressed})

    def picture(self, file: Path) -> Path:
        """The whole page as a picture."""
        self.page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
        self.page.screenshot(path=file, full_page=True)
        return file

    def another(self, url: str, **options: Any) -> Page:
        """A page of another browser, such as a phone, connected to the same session. Its context has to be closed."""
        browser = self.page.context.browser
        assert browser is not None
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(url)
        expect(page.locator('#status[data-status="ready"]')).to_be_visible()
        expect(page.locator(".veil")).to_be_hidden()
        return page

    def module(self, script: str, argument: Any = None) -> Any:
        """What a function with the page's modules as its first argument returns."""
        loaded = "const [keys, shapes] = await Promise.all(['keys', 'shapes'].map((name) => import(`/playground/${name}.js`)));"
        return self.page.evaluate(
            f"async (given) => {{ {loaded} return ({script})({{ ...keys, ...shapes }}, given); }}", argument
        )


@contextmanager
def touring(url: str, squares: tuple[str, ...]) -> Iterator[Tour]:
    """The page of a runtime, connected."""
    expect.set_options(timeout=PATIENCE_MS)
    chromium = command("chromium", ["chromium"], print)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        try:
            page = browser.new_page(viewport=DESKTOP, color_scheme="light")  # type: ignore[arg-type]
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(SCRIPT)
            tour = Tour(page, squares)
            page.on("pageerror", lambda error: tour.faults.append(str(error)))
            page.on("console", lambda message: tour.faults.append(message.text) if message.type == "error" else None)
            page.goto(url)
            expect(page.locator('#status[data-status="ready"]')).to_be_visible()
            yield tour
        finally:
            browser.close()
