"""The CarRacing model as its clients see it, without a network, in a world that is known exactly."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dream import NoWeights
from pictures import enlarge
from tests.examples.worlds.tiny_world import start, write_weights
from tour.images import encode_png
from world import CarRacing, Meter

from reactor_runtime import CommandError, UploadedFile
from reactor_runtime.config import read_manifest
from reactor_runtime.contract import read_contract
from reactor_runtime.playground import check_playground
from reactor_testing.rehearsal import Rehearsal, RehearsalClient

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "worlds" / "car_racing"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def stage(weights: Path) -> Iterator[Rehearsal]:
    with Rehearsal(CarRacing, weights) as stage:
        yield stage


def state(client: RehearsalClient) -> dict[str, Any]:
    """The newest state that a client was told."""
    told = client.messages[-1]
    assert told.type == "state"
    return dict(told.data)


def test_a_second_has_twenty_five_pictures_and_a_state(stage: Rehearsal) -> None:
    client = stage.join()
    first = state(client)
    assert (first["fps"], first["temperature"], first["paused"]) == (0.0, 1.9, False)
    assert first["frame"] <= 1
    assert 0 <= first["seed"] < 10_000
    assert first["start"] in (0, 1, 2)
    stage.advance(3.01)
    assert 75 <= len(stage.frames) <= 77
    assert stage.frames[-1].picture().shape == (512, 512, 3)
    assert len(client.messages) == 4
    last = state(client)
    assert last["frame"] in (75, 76)
    assert last["fps"] == 25.0


def test_held_controls_move_every_picture_until_they_are_let_go(stage: Rehearsal) -> None:
    client, other = stage.join(), stage.join()
    client.send("set_temperature", {"temperature": 0})
    client.send("set_seed", {"seed": 7})
    began = state(client)
    assert (began["frame"], began["seed"], began["temperature"]) == (0, 7, 0.0)
    picture = start(began["start"])
    client.send("set_controls", {"steer": 1.0, "gas": 0.5, "brake": 0.25})
    stage.frames.clear()
    stage.advance(0.4)
    assert 8 <= len(stage.frames) <= 11
    for turns, frame in enumerate(stage.frames, 1):
        assert np.array_equal(frame.picture()[..., 0], enlarge(np.roll(picture, -8 * turns, axis=1))[..., 0])
    stage.advance(1.0)
    assert (state(other)["steer"], state(other)["gas"], state(other)["brake"]) == (1.0, 0.5, 0.25)
    client.leave()
    stage.advance(1.0)
    assert (state(other)["steer"], state(other)["gas"], state(other)["brake"]) == (0.0, 0.0, 0.0)


def test_the_same_seed_and_driving_make_the_same_dream(stage: Rehearsal) -> None:
    client = stage.join()
    stage.advance(0.4)  # the first frames follow one another at once, later ones keep their distance from a command
    drives = []
    for seed in (3, 3, 4):
        client.send("set_seed", {"seed": seed})
        stage.frames.clear()
        stage.advance(0.4)
        drives.append([frame.picture().tobytes() for frame in stage.frames][:8])
    assert drives[0] == drives[1]
    assert drives[0] != drives[2]


def test_a_seed_and_a_reset_begin_at_one_place_however_many_frames_pass_in_between(stage: Rehearsal) -> None:
    client = stage.join()
    client.send("set_temperature", {"temperature": 1})
    found = set()
    for turn in range(20):
        client.send("set_controls", {"steer": 1.0 if turn % 2 else -1.0})
        stage.advance(0.08)
        client.send("set_seed", {"seed": 5})
        stage.advance(0.04 * (turn % 4))
        client.send("reset")
        stage.frames.clear()
        stage.advance(0.2)
        found.add((state(client)["start"], *(frame.picture().tobytes() for frame in stage.frames[:4])))
    assert len(found) == 1


def test_a_reset_begins_at_other_places(stage: Rehearsal) -> None:
    client = stage.join()
    places = set()
    for _ in range(20):
        client.send("reset")
        places.add(state(client)["start"])
        assert state(client)["frame"] == 0
    assert places == {0, 1, 2}


def test_it_dreams_on_from_an_uploaded_picture(stage: Rehearsal) -> None:
    client = stage.join()
    client.send("set_temperature", {"temperature": 0})
    pixels = np.full((128, 128, 4), 255, np.uint8)
    pixels[:64, :, :3], pixels[64:, :, :3] = (40, 80, 200), (200, 80, 40)
    client.send("set_start", files={"image": UploadedFile("mine.png", "image/png", encode_png(pixels))})
    assert (state(client)["start"], state(client)["frame"]) == (None, 0)
    stage.frames.clear()
    stage.advance(0.1)
    assert stage.frames[0].picture()[100, 100].tolist() == [40, 80, 200]
    assert stage.frames[0].picture()[400, 100].tolist() == [200, 80, 40]
    with pytest.raises(CommandError) as caught:
        client.send("set_start", files={"image": UploadedFile("notes.png", "image/png", b"no picture")})
    assert (caught.value.code, caught.value.message) == ("bad_image", "notes.png: the file is not a PNG, JPEG or WebP picture")


def test_a_held_dream_stands_still_and_is_still_shown(stage: Rehearsal) -> None:
    client = stage.join()
    stage.advance(0.5)
    client.send("set_paused", {"paused": True})
    client.send("set_controls", {"steer": 1.0})
    before = state(client)["frame"]
    stage.frames.clear()
    stage.advance(1.0)
    assert 24 <= len(stage.frames) <= 26
    assert len({frame.picture().tobytes() for frame in stage.frames[1:]}) == 1
    assert (state(client)["paused"], state(client)["frame"]) == (True, before)
    client.send("set_paused")
    stage.advance(0.1)
    assert state(client)["paused"] is False


def test_a_new_session_has_nothing_of_the_last_one(stage: Rehearsal) -> None:
    client = stage.join()
    client.send("set_temperature", {"temperature": 2})
    client.send("set_paused", {"paused": True})
    client.send("set_controls", {"gas": 1.0})
    stage.end_session()
    stage.start_session()
    told = state(stage.join())
    assert (told["temperature"], told["paused"], told["gas"], told["frame"]) == (1.9, False, 0.0, 0)


@pytest.mark.parametrize(
    ("command", "data"),
    [
        ("set_controls", {"steer": 1.1}),
        ("set_controls", {"gas": -0.1}),
        ("set_controls", {"brake": float("nan")}),
        ("set_seed", {"seed": 2**31}),
        ("set_seed", {"seed": -1}),
        ("set_temperature", {"temperature": 2.5}),
        ("set_temperature", {"temperature": float("inf")}),
    ],
)
def test_what_is_out_of_bounds_is_refused(stage: Rehearsal, command: str, data: dict[str, float]) -> None:
    with pytest.raises(CommandError):
        stage.join().send(command, data)


def test_without_weights_it_fails_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(NoWeights, match=r"there is no world\.onnx in .*: put .* there, as `python .*/export\.py` writes"):
        CarRacing().load(tmp_path)


def test_its_keys_and_its_gamepad_fit() -> None:
    manifest = read_manifest(FOLDER)
    check_playground(manifest.playground, read_contract(CarRacing))
    keys = manifest.playground.keys
    assert keys is not None
    assert keys["set_controls"]["steer"] == {"ArrowLeft": -1, "ArrowRight": 1, "a": -1, "d": 1}
    assert keys["reset"] == ["r"]


def test_the_meter_has_figures_every_second_and_begins_anew_after_a_rest() -> None:
    meter = Meter()
    assert [meter.add(10.0 + 0.04 * number, 0.01) for number in range(26)].index(True) == 25
    assert (meter.fps, meter.ms_per_frame) == (25.0, 10.0)
    assert not meter.add(11.5, 0.02)
    assert not meter.add(60.0, 0.5)
    assert meter.add(61.0, 0.02)
    assert (meter.fps, meter.ms_per_frame) == (1.0, 20.0)
