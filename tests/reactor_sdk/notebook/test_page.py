"""The widget's module in a real browser, with a model of anywidget that is not one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect, sync_playwright

from reactor_rtc.frames import VideoFrame
from reactor_sdk.notebook.assets import css, esm
from reactor_sdk.notebook.pictures import jpeg

pytestmark = pytest.mark.network

CHROMIUM = "/usr/bin/chromium"
DEADLINE_MS = 20_000
EVIL = '<img src=x onerror="window.harm = 1">'

RATIO = {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}
UPLOAD = {"$ref": "#/components/schemas/ReactorUploadReference", "default": None}
SCHEMA = {
    "openapi": "3.1.0",
    "paths": {
        f"/events/{name}": {
            "post": {
                "operationId": name,
                "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": fields}}}},
            }
        }
        for name, fields in {
            "reset": {},
            "paint": {"title": {"type": "string"}, "strength": RATIO},
            "set_image": {"image": UPLOAD, "count": {"type": "integer", "default": 1}},
        }.items()
    },
    "components": {"schemas": {"ReactorUploadReference": {"type": "object", "format": "reactor-upload-reference"}}},
}

# What anywidget gives a widget, and what the kernel's end of it does here: it notes what it is sent.
MODEL = """
async ([code, style]) => {
  const module = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const sheet = document.head.appendChild(document.createElement("style"));
  sheet.textContent = style;
  const hearers = new Set();
  window.sent = [];
  const model = {
    on: (event, hear) => hearers.add(hear),
    off: (event, hear) => hearers.delete(hear),
    send: (content, _callbacks, parts = []) => window.sent.push({ ...content, parts: parts.map((part) => part.byteLength) }),
  };
  window.tell = (content, file) => {
    const parts = file ? [new DataView(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)).buffer)] : [];
    hearers.forEach((hear) => hear(content, parts));
  };
  window.end = module.default.render({ model, el: document.getElementById("widget") });
  window.hearers = hearers;
}
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(DEADLINE_MS)
        page.set_content("<body style='background:#111'><button id=other>other</button><div id=widget></div></body>")
        page.evaluate(MODEL, [esm(), css()])
        yield page
        browser.close()


def state(status: str, **more: Any) -> dict[str, Any]:
    known = {"type": "state", "title": "paint", "status": status, "queue": None, "tracks": ["main_video"], "track": "main_video"}
    return {**known, **more}


def sent(page: Page, kind: str, count: int = 1) -> dict[str, Any]:
    """The newest message of that kind, once there are so many."""
    page.wait_for_function("([kind, count]) => sent.filter((each) => each.type === kind).length >= count", arg=[kind, count])
    found: list[dict[str, Any]] = page.evaluate("(kind) => sent.filter((each) => each.type === kind)", kind)
    return found[-1]


def test_the_page_of_a_client_from_its_beginning_to_its_end(page: Page) -> None:
    _shows_the_state_as_text(page)
    _forms_wait_until_it_is_ready(page)
    _draws_pictures_and_says_so(page)
    _sends_commands(page)
    _uploads_in_parts(page)
    _shows_errors(page)
    _ends(page)
    assert page.evaluate("window.harm") is None


def _shows_the_state_as_text(page: Page) -> None:
    assert sent(page, "hello") == {"type": "hello", "parts": []}
    page.evaluate("tell", state("waiting", title=EVIL, queue={"position": 2, "waiting": 5}))
    expect(page.locator(".name").first).to_have_text(EVIL)
    expect(page.get_by_role("status").first).to_have_text("waiting: place 2 of 5")
    expect(page.locator("#widget")).to_have_class("reactor-widget dark")
    inside = page.locator("#widget").evaluate("(each) => getComputedStyle(each).getPropertyValue('--bg')")
    outside = page.locator("#other").evaluate("(each) => getComputedStyle(each).getPropertyValue('--bg')")
    assert (inside.strip(), outside) == ("#0f1117", "")


def _forms_wait_until_it_is_ready(page: Page) -> None:
    page.evaluate("tell", {"type": "schema", "schema": SCHEMA})
    expect(page.get_by_role("button", name="Reset")).to_be_disabled()
    page.evaluate("tell", state("ready", tracks=["main_video", "depth"]))
    expect(page.get_by_role("button", name="Reset")).to_be_enabled()
    page.get_by_label("track", exact=True).select_option("depth")
    assert sent(page, "track")["name"] == "depth"


def _draws_pictures_and_says_so(page: Page) -> None:
    red = np.full((90, 160, 3), (200, 40, 40), np.uint8)
    file = base64.b64encode(jpeg(VideoFrame.from_rgb(red), 160)).decode()
    figures = {"fps": 29.7, "rtt": 0.0184, "bitrate": 3.14e6}
    message = {"type": "frame", "number": 7, "width": 160, "height": 90, "figures": figures}
    page.evaluate("([message, file]) => tell(message, file)", [message, file])
    assert sent(page, "drawn") == {"type": "drawn", "number": 7, "parts": []}
    pixel = page.locator("canvas").evaluate("(each) => [...each.getContext('2d').getImageData(80, 45, 1, 1).data]")
    assert np.abs(np.array(pixel) - (200, 40, 40, 255)).max() <= 8
    expect(page.locator(".figures")).to_have_text("30 fps · 3.1 Mbit/s · 18 ms")
    page.evaluate("([message, file]) => tell(message, file)", [{**message, "number": 8}, base64.b64encode(b"no JPEG").decode()])
    assert sent(page, "drawn", 2)["number"] == 8  # what cannot be drawn does not stop those behind it


def _sends_commands(page: Page) -> None:
    form = page.locator("form[data-command=paint]")
    form.locator("input[type=text], textarea").first.fill("dusk")
    form.get_by_role("button", name="Send").click()
    command = sent(page, "command")
    assert (command["name"], command["data"]) == ("paint", {"title": "dusk", "strength": 0.5})
    page.evaluate("tell", {"type": "answer", "id": command["id"], "reply": {"type": "painted", "data": {"title": EVIL}}})
    expect(form.locator(".result")).to_contain_text(EVIL)
    form.get_by_role("button", name="Send").click()
    refused = sent(page, "command", 2)
    assert refused["id"] != command["id"]
    error = {"code": "too_much", "message": "the model does not want to"}
    page.evaluate("tell", {"type": "answer", "id": refused["id"], "error": error})
    expect(form.locator(".result")).to_contain_text("the model does not want to")


def _uploads_in_parts(page: Page) -> None:
    size = 1024 * 1024 + 5
    chosen: FilePayload = {"name": "a.png", "mimeType": "image/png", "buffer": bytes(size)}
    page.locator("form[data-command=set_image] input[type=file]").set_input_files([chosen])
    first = sent(page, "upload")
    assert (first["name"], first["mime_type"], first["size"], first["parts"]) == ("a.png", "image/png", size, [1024 * 1024])
    page.evaluate("tell", {"type": "answer", "id": first["id"], "reply": None})
    second = sent(page, "upload", 2)
    assert (second["key"], second["parts"]) == (first["key"], [5])
    reference = {"upload_id": "u1", "name": "a.png", "mime_type": "image/png", "size": size}
    page.evaluate("tell", {"type": "answer", "id": second["id"], "reply": reference})
    page.locator("form[data-command=set_image]").get_by_role("button", name="Send").click()
    assert sent(page, "command", 3)["data"] == {"image": reference, "count": 1}


def _shows_errors(page: Page) -> None:
    page.evaluate("tell", state("disconnected"))
    page.evaluate("tell", {"type": "error", "code": "GPU_CONNECTION_ERROR", "message": EVIL})
    expect(page.locator(".failure")).to_have_text(f"{EVIL} [GPU_CONNECTION_ERROR]")
    expect(page.get_by_role("button", name="Reset")).to_be_disabled()
    page.evaluate("tell", state("ready"))
    expect(page.locator(".failure")).to_be_hidden()


def _ends(page: Page) -> None:
    page.evaluate("end()")
    assert page.evaluate("hearers.size") == 0
