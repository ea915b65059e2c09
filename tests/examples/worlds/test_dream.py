"""The dream of a world that is known exactly."""

from pathlib import Path

import numpy as np
import pytest
from dream import Dream, NoWeights, tempered
from tests.examples.worlds.tiny_world import start, write_weights

LEFT, RIGHT, AHEAD = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def dream(weights: Path) -> Dream:
    made = Dream(weights)
    made.temperature = 0.0
    return made


def test_every_picture_follows_from_the_last_one_and_the_action(dream: Dream) -> None:
    assert dream.starts == 3
    assert dream.reset(2) == [2]
    assert np.array_equal(dream.picture, start(2))
    assert np.array_equal(dream.step(AHEAD), start(2))
    turned = dream.step(RIGHT)
    assert turned[0, :3, 0].tolist() == [108, 109, 110]
    assert dream.step(np.array(RIGHT, np.float32))[0, 0, 0] == 116
    assert dream.step(LEFT)[0, 0, 0] == 108
    assert np.array_equal(dream.picture, turned)


def test_it_is_made_from_four_pictures_and_their_actions(tmp_path: Path) -> None:
    dream = Dream(write_weights(tmp_path, gas=(0.5, 0.25, 0.0)))
    dream.temperature = 0.0
    dream.reset(0)
    # The oldest picture is the beginning (100) for four steps, then the first that was made (108); gas is 0.5, 0.25, 0, 1, 0.5.
    driven = [dream.step((1.0, gas, 0.0)) for gas in (1.0, 0.5, 0.0, 0.0, 0.0)]
    assert [int(picture[0, 0, 2]) for picture in driven] == [108 + 50, 116 + 25, 124, 132 + 100, 140 + 54]
    assert [int(picture[0, 0, 0]) for picture in driven] == [108, 116, 124, 132, 140]
    dream.step((0.0, 1.0, 0.0))
    dream.begin_with(start(0))
    assert [int(dream.step(AHEAD)[0, 0, 2]) for _ in range(4)] == [100, 100, 100, 100]


def test_what_is_out_of_bounds_is_taken_as_the_bound(dream: Dream) -> None:
    dream.reset(0)
    assert dream.step((7.0, 9.0, -3.0))[0, 0, 0] == 108
    assert [int(dream.step(AHEAD)[0, 0, 2]) for _ in range(3)] == [108, 108, 108 + 100]


def test_each_of_a_batch_obeys_its_own_action(weights: Path) -> None:
    dream = Dream(weights, batch=3)
    dream.temperature = 0.0
    assert dream.reset(1) == [1, 1, 1]
    made = dream.step([LEFT, AHEAD, RIGHT])
    assert made.shape == (3, 64, 64, 3)
    assert made[:, 0, 32, 0].tolist() == [124, 132, 140]
    assert dream.step(RIGHT)[:, 0, 32, 0].tolist() == [132, 140, 148]


def test_the_same_seed_makes_the_same_dream_and_another_one_another(weights: Path) -> None:
    def lamps(dream: Dream) -> list[int]:
        return [int(dream.step(AHEAD)[0, 0, 0]) for _ in range(6)]

    dream, other = Dream(weights, seed=5), Dream(weights, seed=5)
    dream.temperature = other.temperature = 1.0
    first = lamps(dream)
    assert len(set(first)) > 2
    assert lamps(other) == first
    assert lamps(dream) != first
    dream.reset(seed=5)
    where = dream.picture
    assert lamps(dream) == first
    dream.reset(seed=6)
    assert lamps(dream) != first
    dream.reset(seed=5)
    assert np.array_equal(dream.picture, where)


@pytest.mark.parametrize("between", [0, 1, 2, 7])
def test_a_seed_decides_the_resets_after_it_whatever_was_dreamed_in_between(weights: Path, between: int) -> None:
    dream, found = Dream(weights), []
    dream.temperature = 1.0
    for pictures in (0, between):
        dream.reset(seed=5)
        began = []
        for _ in range(4):
            for _ in range(pictures):
                dream.step(RIGHT)
            start_at = dream.reset()
            began.append((start_at, dream.picture.tobytes(), [dream.step(AHEAD).tobytes() for _ in range(3)]))
        found.append(began)
    assert found[0] == found[1]
    assert len({lamps[0] for _, _, lamps in found[0]}) == 4, "the noise of each reset is another one"


@pytest.mark.parametrize(
    ("temperature", "above", "below"), [(0.0, 0, 0), (0.5, 0.5, 0.5), (1.0, 1, 1), (1.5, 1.5, 1), (2.0, 2, 1)]
)
def test_more_chance_than_was_trained_is_only_where_new_things_come_into_view(
    temperature: float, above: float, below: float
) -> None:
    noise = tempered(np.ones((2, 12, 32, 32), np.float32), temperature)
    assert noise.dtype == np.float32
    assert (noise[:, :, :6] == above).all()
    assert (noise[:, :, 6:] == below).all()


def test_chance_chooses_among_all_beginnings(weights: Path) -> None:
    assert set(Dream(weights, batch=64).reset()) == {0, 1, 2}


def test_it_dreams_on_from_the_middle_of_a_picture_of_any_size(dream: Dream) -> None:
    dream.reset(0)
    picture = np.zeros((256, 512, 3), np.uint8)
    picture[:, 128:256], picture[:, 256:384] = (200, 0, 0), (0, 0, 200)
    dream.begin_with(picture)
    assert dream.picture[:, 10].tolist() == [[200, 0, 0]] * 64
    assert dream.picture[:, 50].tolist() == [[0, 0, 200]] * 64
    assert dream.step(RIGHT)[20, 24].tolist() == [0, 0, 200]
    dream.begin_with(start(1))
    assert np.array_equal(dream.picture, start(1))
    dream.begin_with(np.full((1, 9, 3), 77, np.uint8))
    assert (dream.picture == 77).all()


def test_what_cannot_be_asked_for_is_refused(dream: Dream, weights: Path) -> None:
    with pytest.raises(IndexError, match="there are the beginnings 0 to 2, and no 3"):
        dream.reset(3)
    with pytest.raises(ValueError, match="batch must be 1 to 1024, not 0"):
        Dream(weights, batch=0)


def test_weights_that_are_missing_or_broken_are_one_error_with_the_cure(tmp_path: Path) -> None:
    cure = r"export\.py.*--untrained"
    with pytest.raises(NoWeights, match=rf"there is no world\.onnx in .*: .*{cure}"):
        Dream(tmp_path / "nowhere")
    folder = write_weights(tmp_path / "tiny")
    (folder / "starts.npz").write_bytes(b"no archive")
    with pytest.raises(NoWeights, match=rf"there are no beginnings in .*{cure}"):
        Dream(folder)
    np.savez(folder / "starts.npz", frames=np.zeros((0, 4, 64, 64, 3)), actions=np.zeros((0, 3, 3)))
    with pytest.raises(NoWeights, match=rf"and no beginnings: .*{cure}"):
        Dream(folder)
    (folder / "world.onnx").write_bytes(b"no network")
    with pytest.raises(NoWeights, match=rf"world\.onnx cannot be read: .*{cure}"):
        Dream(folder)
