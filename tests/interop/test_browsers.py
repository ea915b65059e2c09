"""The playground in browsers: what it shows, measures, records and sends, and what it says without WebRTC."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.async_api import async_playwright
from tests.end_to_end.served import MODELS
from tests.interop.browser import FLAGS
from tests.interop.firefox import Window, firefox
from tests.interop.provisioning import command
from tests.interop.servers import Server, our_runtime

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

SQUARE = """number => {
  const video = document.querySelector("#screens video");
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 320, 240);
  return [...context.getImageData(80 * (number % 4) + 40, 80 * Math.floor(number / 4) + 40, 1, 1).data.slice(0, 3)];
}"""
SEES = f"(number, wanted) => ({SQUARE})(number).every((seen) => Math.abs(seen - wanted) <= 12)"
STATUS = "wanted => document.querySelector('#status').dataset.status === wanted"
PLAYS = """async () => {
  const video = document.querySelector("#screens video");
  const shown = () => new Promise((go) => video.requestVideoFrameCallback((now, { presentedFrames }) => go(presentedFrames)));
  return (await shown()) > 10 && video.videoWidth;
}"""
FILLED = """names => names.every((name) => {
  const tile = document.querySelector(`[data-figure="${name}"]`);
  return !tile.classList.contains("empty") && /\\d/.test(tile.querySelector(".figure-value").textContent);
})"""
FIGURES = ["fps", "in", "rtt", "loss", "jitter", "glass", "command", "reaction", "connect", "first", "picture"]
RECORD = '[aria-label="Record a clip"]'
SOUND = """async () => {
  const { ClipRecorder } = await import("/playground/clip_recorder.js");
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  const video = document.querySelector("#screens video");
  const told = [];
  const ended = new Promise((go) => {
    window.recorder = new ClipRecorder("sounding", (going, trouble) => told.push([going, trouble]) === 3 && go());
  });
  window.recorder.start([...video.srcObject.getVideoTracks(), ...sound.getTracks()]);
  for (let shown = 0; shown < 20; shown += 1) await new Promise((go) => video.requestVideoFrameCallback(go));
  window.recorder.stop();
  await ended;
  return told;
}"""
WORDS = ("status-text", "notice-text", "notice-cure")
ARROW_RIGHT = "\ue014"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with our_runtime(tmp_path_factory.mktemp("runtime"), MODELS / "panel") as serving:
        yield serving


@pytest.fixture
async def window(request: pytest.FixtureRequest) -> AsyncIterator[Window]:
    program = command("firefox-esr", ["firefox-esr"], print)
    async with firefox(program, getattr(request, "param", None)) as window:
        yield window


def clip_in(file: Path) -> dict[str, Any]:
    """How many pictures and samples are in the clip that was saved, and the size of its pictures."""
    with av.open(str(file)) as clip:
        pictures = [frame for packet in clip.demux(video=0) for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
        size = (pictures[0].width, pictures[0].height) if pictures else None
        return {"pictures": len(pictures), "size": size, "sounds": len(clip.streams.audio)}


Told = Callable[[str, str, str, str], None]


async def test_firefox_plays_measures_records_and_steers(server: Server, window: Window, ran_against: Told) -> None:
    ran_against("browser", "Firefox ESR", window.version, "the playground: frames, keys, commands, figures, clips")
    await window.goto(server.url)
    await window.until(STATUS, "ready")
    assert await window.until(PLAYS) == 320
    await window.click(RECORD)
    await window.click('[data-command="shout"] button:not(.help)')
    await window.key(ARROW_RIGHT, down=True)
    await window.until(SEES, 9, 255)
    await window.key(ARROW_RIGHT, down=False)
    await window.until(SEES, 9, 128)
    await window.until(FILLED, FIGURES)
    await window.click(RECORD)
    assert (clip := clip_in(await window.download("main_video-*.webm")))["pictures"] > 10
    assert (clip["size"], clip["sounds"]) == ((320, 240), 0)
    assert await window.evaluate(SOUND) == [[True, ""], [False, ""], [False, ""]]
    assert (clip := clip_in(await window.download("sounding-*.webm")))["pictures"] > 10
    assert clip["sounds"] == 1
    assert window.faults == []


@pytest.mark.parametrize("window", [{"media.peerconnection.enabled": False}], indirect=True)
async def test_a_browser_without_webrtc_is_told_so(server: Server, window: Window, ran_against: Told) -> None:
    ran_against("browser", "Firefox ESR", window.version, "the playground without WebRTC: says so")
    await window.goto(server.url)
    await window.until(STATUS, "unable")
    told = await window.evaluate("(...ids) => ids.map((id) => document.getElementById(id).textContent)", *WORDS)
    assert told[0] == "This browser cannot play"
    assert told[1].startswith("This browser has no WebRTC")
    assert "media.peerconnection.enabled" in told[2]
    assert "reactor run" not in " ".join(told)
    assert await window.evaluate("() => document.getElementById('notice').checkVisibility()")


async def test_chromium_plays_measures_and_records(server: Server, tmp_path: Path, ran_against: Told) -> None:
    chromium = command("chromium", ["chromium"], print)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        ran_against("browser", "Chromium", browser.version, "the playground: frames, commands, figures, clips")
        page = await browser.new_page()
        await page.goto(server.url)
        await page.wait_for_function(STATUS, arg="ready")
        await page.wait_for_function(PLAYS)
        await page.click(RECORD)
        await page.click('[data-command="shout"] button:not(.help)')
        await page.wait_for_function(FILLED, arg=FIGURES)
        async with page.expect_download() as download:
            await page.click(RECORD)
        await (await download.value).save_as(tmp_path / "main_video.webm")
        await browser.close()
    assert clip_in(tmp_path / "main_video.webm")["pictures"] > 10
