"""The kill test, short: `python -m benchmarks.kill` is the same twenty times."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from benchmarks.kill.__main__ import summary
from benchmarks.kill.run import Blow, Plan, kill_again_and_again
from benchmarks.kill.watcher import look_at


@pytest.mark.timing
@pytest.mark.network
@pytest.mark.timeout(180)
async def test_two_viewers_have_the_model_and_its_state_back_whenever_its_process_is_killed(tmp_path: Path) -> None:
    told: list[str] = []
    blows = await kill_again_and_again(Plan(kills=2, seed=7, logs=tmp_path), told.append)
    assert [len(blow.gaps) for blow in blows] == [2, 2]
    assert all(blow.stayed for blow in blows), "a connection was lost"
    assert all(blow.errors_told for blow in blows), "no client was told the reason"
    assert all(max(blow.gaps) <= blow.allowed for blow in blows), told
    assert all(blow.load_s >= 0.5 for blow in blows), "the model of the test takes half a second to load"


def test_a_kill_fails_by_its_time_its_connection_or_its_silence() -> None:
    good = Blow(gaps=(1.0, 3.4), load_s=1.0, back_off_s=0.5, stayed=True, errors_told=True)
    late = dataclasses.replace(good, gaps=(1.0, 3.6))
    lost = dataclasses.replace(good, stayed=False)
    mute = dataclasses.replace(good, errors_told=False)
    assert [blow.passed for blow in (good, late, lost, mute)] == [True, False, False, False]
    assert summary([good, late]).startswith("1 of 2 kills passed: new pictures after 3.40 s in the middle, 3.60 s at most")


def test_a_picture_tells_its_painter_and_the_values_that_were_set() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:120, 20 * 3 : 20 * 4] = 230  # the fourth bit of sixteen
    picture[120:, :160], picture[120:, 160:] = 40, 200
    look = look_at(picture, 1.5)
    assert (look.at, look.painter, look.left, look.right) == (1.5, 1 << 12, 40.0, 200.0)
    assert look.shows(44, 196)
    assert not look.shows(60, 200)
