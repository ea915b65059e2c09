"""The CarRacing model served by a runtime: driven by the client, and by arrow keys in Chromium."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect
from tests.end_to_end.tour import touring
from tests.examples.typed_stage import DEADLINE_S, Heard
from tests.examples.worlds.tiny_world import write_weights
from tests.interop.servers import Server, our_runtime
from tour.images import encode_png

from reactor_sdk import Reactor

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "worlds" / "car_racing"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The model as it is, with the weights of a world that is known exactly."""
    folder = tmp_path_factory.mktemp("served")
    model = folder / "car_racing"
    model.mkdir()
    for name in ("world.py", "dream.py", "pictures.py", "reactor.yaml"):
        shutil.copy(FOLDER / name, model)
    write_weights(model / "weights")
    with our_runtime(folder, model) as serving:
        yield serving


async def until(reactor: Reactor, wanted: Callable[[np.ndarray[Any, Any]], bool]) -> None:
    """Waits for a picture of which that is true. Raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_S):
        async for frame in reactor.frames("main_video"):
            if wanted(frame):
                return


def left(frame: np.ndarray[Any, Any]) -> float:
    """How bright the left edge is: 100 in a world that was not turned."""
    return float(frame[300:400, :12].mean())


async def test_a_client_drives_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
    async with Reactor("car-racing", local=True) as reactor, asyncio.timeout(3 * DEADLINE_S):
        heard = Heard()
        reactor.on("message", heard)
        await reactor.connect()
        await reactor.send_command("set_temperature", {"temperature": 0})
        await reactor.send_command("set_seed", {"seed": 11})
        await until(reactor, lambda frame: frame.shape == (512, 512, 3) and abs(left(frame) - 100) < 6)
        await reactor.send_command("set_controls", {"steer": 0.5})
        await until(reactor, lambda frame: left(frame) > 125)
        await reactor.send_command("set_controls", {})
        told = await heard.until(lambda message: message["data"]["fps"] > 0 and message["data"]["steer"] == 0)
        assert (told["type"], told["data"]["seed"]) == ("state", 11)
        await reactor.send_command("reset", {})
        await until(reactor, lambda frame: abs(left(frame) - 100) < 6)
        pixels = np.full((64, 64, 4), 255, np.uint8)
        pixels[..., :3] = (30, 60, 200)
        image = await reactor.upload_file(encode_png(pixels), name="blue.png", mime_type="image/png")
        await reactor.send_command("set_start", {"image": image})
        await until(reactor, lambda frame: bool(np.abs(frame[200, 200].astype(int) - (30, 60, 200)).max() < 25))
        assert (await heard.until(lambda message: message["data"]["start"] is None))["type"] == "state"
    server.wait_until_free()


def test_the_arrow_keys_of_the_page_drive_it(server: Server) -> None:
    with touring(server.url, ()) as tour:
        page = tour.page
        page.locator("#screens video").first.click()
        page.keyboard.down("ArrowRight")
        page.keyboard.down("ArrowUp")
        expect(tour.logged("sent", "set_controls").filter(has_text='"steer":1').filter(has_text='"gas":1')).to_be_visible()
        expect(tour.logged("message", "state").filter(has_text='"steer":1').first).to_be_visible()
        page.keyboard.up("ArrowRight")
        page.keyboard.up("ArrowUp")
        page.keyboard.press("r")
        expect(tour.logged("sent", "reset").first).to_be_visible()
        assert tour.faults == []
