"""The figures of the model card, on a world that is known exactly."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from card import CARD, put_into
from evaluate import Progress, markdown, measure, rows
from held import HeldOut, read
from measures import balanced_accuracy, psnr, sharpness, steering_dial
from reaction import Dial
from recovery import pedals, steering
from tests.examples.worlds.drawn import straight
from tests.examples.worlds.tiny_world import COLUMNS, write_weights

from figures import Wish


def test_psnr_is_that_of_each_picture_and_has_a_bound() -> None:
    truth = np.full((2, 64, 64, 3), 100, np.uint8)
    seen = truth.copy()
    seen[1] += 10
    assert psnr(seen, truth) == pytest.approx([48.13, 28.13], abs=0.01)


def test_sharpness_is_the_variance_of_the_laplacian_without_the_dials() -> None:
    flat = np.full((64, 64, 3), 100, np.uint8)
    stripes = flat.copy()
    stripes[:, ::2] = 110
    dials = flat.copy()
    dials[56:] = 0
    assert sharpness(np.stack([flat, stripes, dials])) == pytest.approx([0, 400, 0], abs=1)


@pytest.mark.parametrize("times", [1, 8])
def test_the_dial_says_where_the_wheels_are_turned(times: int) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[57:61, 32:37] = (0, 253, 0)
    large = picture.repeat(times, axis=0).repeat(times, axis=1)
    assert steering_dial(large) == pytest.approx(4.96, abs=0.01)
    assert steering_dial(large[:, ::-1]) == pytest.approx(-4.96, abs=0.01)


def test_each_class_counts_the_same() -> None:
    assert balanced_accuracy(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1])) == 0.5


def test_actions_have_three_classes_of_steering_and_three_of_pedals() -> None:
    actions = np.array([[-1, 0, 0], [0.2, 0.5, 0], [0.4, 1, 0.8]], np.float32)
    assert steering(actions).tolist() == [0, 1, 2]
    assert pedals(actions).tolist() == [0, 1, 2]


async def test_a_dial_is_quiet_once_it_has_stood_still() -> None:
    dial = Dial()
    picture = straight()
    for _ in range(5):
        dial.look(picture)
    assert not dial.quiet
    dial.look(picture)
    assert dial.quiet
    picture[57:61, 32:34] = (0, 253, 0)
    dial.look(picture)
    assert not dial.quiet


def drives() -> HeldOut:
    """Four drives of 60 pictures in which the tiny world's law holds: the picture is turned by the steering, and round."""
    chance = np.random.default_rng(5)
    actions = np.zeros((240, 3), np.float32)
    actions[:, 0] = chance.choice([-1, 0, 1], size=240)
    actions[:, 2] = chance.choice([0, 1], size=240)
    frames = np.empty((240, 64, 64, 3), np.uint8)
    for at in range(240):
        before = straight() if at % 60 == 0 else frames[at - 1]
        frames[at] = np.roll(before, -int(COLUMNS * actions[at, 0]), axis=1)
    return HeldOut(frames, actions, np.arange(240) // 60)


def test_places_lie_within_drives_and_only_in_every_other() -> None:
    held = drives()
    assert held.fitting(50, odd=True).tolist() == [*range(64, 71), *range(184, 191)]
    assert len(held.places(3, 50, odd=False, seed=1)) == 3
    with pytest.raises(ValueError, match="have 14 places"):
        held.places(15, 50, odd=True, seed=1)


def test_shards_are_read_as_they_were_written(tmp_path: Path) -> None:
    held = drives()
    for number, part in enumerate((slice(0, 120), slice(120, 240))):
        np.savez(tmp_path / f"900_{number:04}.npz", frames=held.frames[part], actions=held.actions[part], starts=[0, 60])
    found = read(tmp_path)
    assert np.array_equal(found.frames, held.frames)
    assert found.drives.tolist() == held.drives.tolist()
    with pytest.raises(FileNotFoundError, match="no drives in"):
        read(tmp_path / "elsewhere")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    weights = write_weights(tmp_path_factory.mktemp("tiny"))
    wish = Wish(weights, drives(), starts=4, dreams=2, temperature=0.0, long=20, lessons=20)
    return measure(wish, 0, Progress())


def test_a_perfect_dream_has_perfect_figures(found: dict[str, Any]) -> None:
    for step in ("5", "10", "50"):
        at = found["fidelity"][step]
        assert at["dream_db"] == pytest.approx(48.13, abs=0.01)
        assert at["gain_db"] == pytest.approx(48.13 - at["repeat_db"], abs=0.01)
    assert found["recovered"]["pairs"] == 4 * 46
    assert found["recovered"]["real"]["steering"] > 0.5
    assert found["recovered"]["share"]["both"] == 1
    # Every picture of this world is one and the same, turned about: the seam alone is seen or not.
    assert 0.8 < found["dreams"]["sharpness_share"] < 1.2
    assert len(found["dreams"]["road_of_each"]) == 2
    assert found["pace"]["pictures"] == 100


def test_the_table_says_what_is_reached(found: dict[str, Any]) -> None:
    better: dict[str, Any] = json.loads(json.dumps(found))
    better["dreams"].update(road=0.8, road_of_each=[0.8, 0.8], sharpness_share=31.0)
    better["pace"]["wall_ms"] = 31.0
    better["reaction"] = {"actions": 30, "p50_ms": 66.4, "p90_ms": 80.0}
    said = {row.figure.partition(",")[0].partition(" (")[0]: (row.found, row.reached) for row in rows(better)}
    assert said["frames of 1"] == ("80 %", True)
    assert said["sharpness at step 1"] == ("3100 %", False)  # noise is sharper than any picture
    assert said["time per frame on one core"] == ("31 ms", False)
    assert said["action to first changed pixel at the client"] == ("66 ms", True)
    assert "| actions recovered from dreamed pairs, relative to real pairs | >= 85 % | 100 % | reached |" in markdown(better)
    better["reaction"]["p50_ms"] = None
    assert rows(better)[-1][2:] == ("not seen", False)
    assert not math.isnan(better["dreams"]["speed_m_s"])


def test_the_card_takes_the_table_between_its_marks() -> None:
    once = put_into(put_into(CARD.read_text(encoding="utf-8"), "policy", "| kept |"), "figures", "| first |")
    again = put_into(once, "figures", "| second |")
    assert "| kept |" in again
    assert "| second |" in again
    assert "| first |" not in again
    with pytest.raises(ValueError, match="no marks"):
        put_into("a card", "figures", "| table |")
