"""Clips that the playground's page sends: whatever is in the file, the model sees it in its colours, and upright."""

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import expect
from tests.end_to_end.tour import PATIENCE_MS, Tour, touring
from tests.interop.servers import Server
from tests.reactor_rtc.clips import Colour, clip, planes, turned

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

MODEL = "panel"
LARGEST_FAULT = 5
PURPLE, SKIN = [200, 40, 200], [224, 172, 140]
RED, BLUE, GREEN, WHITE = [200, 30, 30], [30, 30, 200], [30, 160, 30], [225, 225, 225]
QUARTER_TURN = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
"""Clockwise by 90 degrees, as phones mark what they film upright."""


@pytest.fixture(autouse=True)
def at_the_server() -> None:
    """The page stays connected from one test to the next: nobody waits for the session to end."""


@pytest.fixture(scope="module")
def tour(server: Server) -> Iterator[Tour]:
    with touring(server.url, ()) as tour:
        yield tour


def corners(*colours: list[int], size: tuple[int, int] = (320, 240)) -> av.VideoFrame:
    """A picture of four colours, row by row, in BT.709 limited range."""
    width, height = size
    small = np.array(colours, np.uint8).reshape(2, 2, 3)
    picture = small.repeat(height // 2, axis=0).repeat(width // 2, axis=1)
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
    )


def film(picture: Callable[[], av.VideoFrame]) -> list[av.VideoFrame]:
    """A second of the same picture."""
    frames = [picture() for _ in range(30)]
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, 30)
    return frames


def published(tour: Tour, file: Path) -> None:
    camera = tour.page.locator('#inputs [data-track="camera"]')
    camera.locator("input[type=file]").set_input_files(file)
    expect(camera.locator(".input-note")).to_have_text(f"Sending {file.name}")


LOOK = """async () => {
  const button = document.querySelector('[data-command="look"] button:not(.help)');
  button.click();
  const told = button.closest(".command-buttons").querySelector(".result");
  while (told.dataset.state === "pending") await new Promise(requestAnimationFrame);
  const found = /width (\\d+) · height (\\d+) · corners (.*)$/.exec(told.textContent);
  return found && [Number(found[1]), Number(found[2]), JSON.parse(found[3])];
}"""


def seen_by_the_model(tour: Tour, size: list[int], right: list[list[int]]) -> tuple[Any, int]:
    """What the model sees once that is right, or what it sees last; and how far off that is."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while True:
        told = tour.page.evaluate(LOOK)
        fault = 255
        if told and told[:2] == size:
            fault = int(np.abs(np.array(told[2]) - np.array(right)).max())
        if fault <= LARGEST_FAULT or time.monotonic() > deadline:
            return told, fault


@pytest.mark.parametrize(
    ("yuv", "colour", "right"),
    [
        ((89, 182, 192), Colour(matrix=1, span=1, transfer=1, primaries=1), PURPLE),
        ((107, 175, 187), Colour(matrix=6, span=1, transfer=6, primaries=6), PURPLE),
        ((184, 103, 157), Colour(matrix=6, span=2, transfer=6, primaries=6), SKIN),
        ((95, 179, 193), Colour(matrix=9, span=1, transfer=1, primaries=1), PURPLE),
    ],
    ids=["709", "601", "full", "2020"],
)
def test_the_model_sees_a_clip_in_its_colours(
    tour: Tour, tmp_path: Path, yuv: tuple[int, int, int], colour: Colour, right: list[int]
) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip(film(lambda: planes(yuv, (320, 240))), colour))
    published(tour, tmp_path / "clip.mp4")
    told, fault = seen_by_the_model(tour, [320, 240], [right] * 4)
    assert fault <= LARGEST_FAULT, told


def test_the_model_sees_a_clip_of_a_phone_upright(tour: Tour, tmp_path: Path) -> None:
    filmed = clip(film(lambda: corners(RED, BLUE, GREEN, WHITE)), Colour(matrix=1, span=1, transfer=1, primaries=1))
    (tmp_path / "phone.mp4").write_bytes(turned(filmed, QUARTER_TURN))
    published(tour, tmp_path / "phone.mp4")
    told, fault = seen_by_the_model(tour, [240, 320], [GREEN, RED, WHITE, BLUE])
    assert fault <= LARGEST_FAULT, told


def test_a_sound_file_is_no_picture(tour: Tour, tmp_path: Path) -> None:
    with av.open(tmp_path / "tone.mp4", "w") as file:
        stream = file.add_stream("aac", rate=48_000, layout="mono")
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        tone.sample_rate = 48_000
        for packet in [*stream.encode(tone), *stream.encode(None)]:
            file.mux(packet)
    camera = tour.page.locator('#inputs [data-track="camera"]')
    camera.locator("input[type=file]").set_input_files(tmp_path / "tone.mp4")
    expect(camera.locator(".input-note")).to_have_text("tone.mp4 has no picture.")


PLANES = """async (turns) => {
  const { converted, isPlain, ofDrawing } = await import("/playground/bt601.js");
  const drawing = new ImageData(new Uint8ClampedArray(Array(4).fill([200, 40, 200, 255]).flat()), 2, 2);
  const told = [[...ofDrawing(drawing)]];
  for (const [rotation, fullRange] of turns) {
    const planes = new Uint8Array([50, 60, 70, 80, 90, 100, 110, 120, 128, 138, 128, 138]);
    const colorSpace = { matrix: "smpte170m", primaries: "smpte170m", transfer: "smpte170m", fullRange };
    const frame = new VideoFrame(planes, { format: "I420", codedWidth: 4, codedHeight: 2, timestamp: 0, rotation, colorSpace });
    const { width, height, data } = await converted(frame);
    told.push([isPlain(frame), width, height, [...data]]);
  }
  return told;
}"""


def test_planes_are_turned_and_narrowed(tour: Tour) -> None:
    assert tour.page.evaluate(PLANES, [[0, False], [90, False], [180, False], [270, False], [0, True]]) == [
        [107, 107, 107, 107, 175, 187],
        [True, 4, 2, [50, 60, 70, 80, 90, 100, 110, 120, 128, 138, 128, 138]],
        [False, 2, 4, [90, 50, 100, 60, 110, 70, 120, 80, 128, 138, 128, 138]],
        [False, 4, 2, [120, 110, 100, 90, 80, 70, 60, 50, 138, 128, 138, 128]],
        [False, 2, 4, [80, 120, 70, 110, 60, 100, 50, 90, 138, 128, 138, 128]],
        [False, 4, 2, [59, 68, 76, 85, 93, 102, 110, 119, 128, 137, 128, 137]],
    ]


def test_the_page_had_nothing_to_complain_of(tour: Tour) -> None:
    assert tour.faults == []
