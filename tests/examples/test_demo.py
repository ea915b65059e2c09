"""The demo: its stamp, its camera, its judgement of what was seen, and the whole of it over real connections."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from decals import Overlay
from effects import NAMES, EffectName
from look import Look, restyle
from numpy.typing import NDArray
from raster import Rgb
from tour.check import find_problems
from tour.clip import ClipTrack, camera_pictures
from tour.images import badge, encode_png
from tour.report import Report, Shown, table_of
from tour.runtime import RuntimeFailed, serving
from tour.script import Step, write_script
from tour.sheet import contact_sheet
from tour.stamp import NUMBERS, STRIP, read_stamp, write_stamp
from tour.watch import Seen

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "examples" / "data" / "bigbuckbunny.mp4"
DEMO = ROOT / "examples" / "restyle" / "demo.py"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 24 pictures of the demo's clip: what is judged is compared with each of a whole round."""
    path: Path = tmp_path_factory.mktemp("clip") / "short.mp4"
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(source.streams.video[0])):
            if number < 24 and packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


@pytest.fixture(scope="module")
def sources(clip: Path) -> dict[int, Rgb]:
    """Camera pictures 10 and 200, the latter of a later round of the clip; (400, 640, 3)."""
    return camera_pictures(clip, 360, {10, 200})


@functools.cache
def noise(shape: tuple[int, ...]) -> NDArray[np.int16]:
    return np.random.default_rng(3).normal(0.0, 6.0, shape).astype(np.int16)


def noisy(rgb: Rgb) -> Rgb:
    """The picture as lossy coding leaves it, or worse."""
    coded: Rgb = np.clip(rgb + noise(rgb.shape), 0, 255).astype(np.uint8)
    return coded


# ---------------------------------------------------------------------------------------------------------- stamp


@pytest.mark.parametrize("name", NAMES)
def test_the_stamp_is_read_after_every_effect(name: EffectName, sources: dict[int, Rgb]) -> None:
    for number in (0, 1, 1365, 2730, NUMBERS - 1):
        stamped = sources[10].copy()
        for channel in range(3):
            write_stamp(stamped[..., channel], number)
        assert read_stamp(noisy(restyle(stamped, Look(name, caption="words")))) == number


def test_a_picture_without_a_stamp_has_no_number(sources: dict[int, Rgb]) -> None:
    assert read_stamp(sources[10]) is None
    assert read_stamp(np.zeros((20, 20, 3), np.uint8)) is None


# --------------------------------------------------------------------------------------------------------- camera


async def test_the_camera_sends_stamped_pictures_in_order_until_it_is_stopped(sources: dict[int, Rgb], clip: Path) -> None:
    camera = ClipTrack(clip, 360)
    pictures = [np.asarray((await camera.recv()).to_ndarray(format="rgb24"), dtype=np.uint8) for _ in range(11)]
    assert [read_stamp(picture) for picture in pictures] == list(range(11))
    assert camera.size == (360 + STRIP, 640)
    assert len(camera.sent_at) == 11
    # Never faster than the clip: ten pictures later at least ten periods have passed, less a timer's grain.
    assert camera.sent_at[10] - camera.sent_at[0] >= 10 / camera.fps - 0.01
    assert np.array_equal(pictures[10][STRIP:], sources[10][STRIP:])
    camera.stop()
    with pytest.raises(MediaStreamError):
        await camera.recv()


def test_the_camera_begins_again_at_the_end_of_the_clip(clip: Path) -> None:
    with av.open(str(clip)) as container:
        count = container.streams.video[0].frames
    pictures = camera_pictures(clip, 360, {3, 3 + count})
    assert np.array_equal(pictures[3], pictures[3 + count])


# ------------------------------------------------------------------------------------------------------ judgement


def seen_as(source: Rgb, number: int, wanted: Look, seen: Look, label: str) -> Shown:
    """A step that asked for ``wanted`` and got ``seen``."""
    picture = Seen(noisy(restyle(source, seen)), number, at=1.0)
    return Shown(Step(label, wanted), picture, picture, at=0.5, obeyed=0.1)


def test_every_step_of_the_script_is_recognised_when_it_is_seen(sources: dict[int, Rgb], clip: Path) -> None:
    steps = write_script(encode_png(badge()))
    assert len(steps) == 12
    assert find_problems(clip, [seen_as(sources[200], 200, step.look, step.look, step.label) for step in steps]) == {}


def test_a_step_that_was_not_obeyed_is_named_with_what_was_seen(sources: dict[int, Rgb], clip: Path) -> None:
    steps = write_script(encode_png(badge()))
    late = [
        seen_as(sources[10], 10, step.look, before.look, step.label) for before, step in zip(steps[:-1], steps[1:], strict=True)
    ]
    problems = find_problems(clip, late)
    assert list(problems) == [step.label for step in steps[1:]]
    assert "rather than like noir" in problems['set_effect("noir")']


@pytest.mark.parametrize("lacking", [{"caption": ""}, {"overlay": None}, {"strength": 1.0}])
def test_a_picture_that_lacks_one_thing_is_not_accepted(lacking: dict[str, object], sources: dict[int, Rgb], clip: Path) -> None:
    wanted = Look("comic", 0.5, "words", Overlay(badge()))
    shown = seen_as(sources[10], 10, wanted, replace(wanted, **lacking), "all")  # type: ignore[arg-type]
    assert "all" in find_problems(clip, [shown])


def test_sheet_and_table_show_every_step_and_figure(sources: dict[int, Rgb]) -> None:
    steps = write_script(encode_png(badge()))
    report = Report(size=(400, 640), arrivals=[0.0, 0.04], latencies=[0.03], round_trips=[0.001])
    report.shown = [seen_as(sources[10], 10, step.look, step.look, step.label) for step in steps]
    sheet = contact_sheet(report)
    assert sheet.shape[0] > 4 * 360
    assert sheet.shape[1] > 3 * 640
    assert table_of(report).row_count == 7
    assert [step["seen"] for step in report.as_dict()["steps"]] == [True] * 12


# ---------------------------------------------------------------------------------------------- over the network


@pytest.mark.network
async def test_a_model_that_is_not_there_is_told_with_the_runtime_s_own_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed, match=r"reactor\.yaml"):
        async with serving(tmp_path):
            pass


@pytest.mark.network
def test_the_demo_shows_every_change_and_leaves_a_film_a_sheet_and_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(DEMO), "--seconds", "8", "--height", "360", "--out", str(tmp_path), "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    told = json.loads(figures.read_text())
    assert [step["problem"] for step in told["steps"]] == [""] * 12
    assert told["glass_to_glass_ms"]["p50"] > 0
    assert told["command_ms"]["count"] > 20

    with av.open(str(tmp_path / "demo.mp4")) as film:
        pictures = list(film.decode(video=0))
        assert film.streams.video[0].codec_context.name == "h264"
    assert (pictures[0].width, pictures[0].height) == (960, 540)
    assert len(pictures) > 40
    assert 4.0 < float(pictures[-1].time) < 30.0
    with av.open(str(tmp_path / "demo.png")) as sheet:
        assert next(sheet.decode(video=0)).width > 1900


def test_options_that_cannot_be_are_refused() -> None:
    done = subprocess.run([sys.executable, str(DEMO), "--seconds", "1"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "4 to 150" in done.stderr
