"""Where pictures and sounds belong in time."""

import pytest

from reactor_runtime.recording.clock import MediaClock, Placed


def test_pictures_follow_each_other_at_the_rate_of_the_model_however_slow_it_is() -> None:
    clock = MediaClock()
    assert [clock.place(0.04, None).picture for _ in range(3)] == pytest.approx([0.0, 0.04, 0.08])
    assert clock.now == pytest.approx(0.12)


def test_a_picture_and_its_sound_stay_together_for_hours() -> None:
    clock = MediaClock()
    for _ in range(30 * 3600):
        placed = clock.place(1 / 30, 1600 / 48000)
        assert placed.picture is not None
        assert placed.sound == pytest.approx(placed.picture, abs=1e-6)


def test_lengths_that_differ_by_a_little_do_not_drift_apart() -> None:
    clock = MediaClock()
    for _ in range(20_000):
        placed = clock.place(1 / 29.97, 1600 / 48000)
        assert placed.picture is not None
        assert placed.sound is not None
        assert abs(placed.picture - placed.sound) <= 0.08


def test_a_sound_after_a_pause_is_heard_with_the_picture_that_comes_with_it() -> None:
    clock = MediaClock()
    clock.place(1.0, None)
    assert clock.place(1.0, 0.5) == Placed(1.0, 1.0)


def test_a_sentence_that_comes_with_one_picture_does_not_move_the_pictures() -> None:
    clock = MediaClock()
    assert clock.place(0.04, 0.9) == Placed(0.0, 0.0)
    assert clock.place(0.04, None).picture == pytest.approx(0.04)


def test_a_model_that_is_faster_than_30_pictures_a_second_has_some_left_out() -> None:
    clock = MediaClock()
    placed = [clock.place(1 / 60, None).picture for _ in range(120)]
    kept = [each for each in placed if each is not None]
    assert 59 <= len(kept) <= 61
    assert clock.now == pytest.approx(2.0)


@pytest.mark.parametrize("fps", [1, 10, 24, 25, 29.97, 30])
def test_a_model_of_30_pictures_a_second_or_less_has_none_left_out(fps: float) -> None:
    clock = MediaClock()
    assert all(clock.place(1 / fps, None).picture is not None for _ in range(2000))


def test_a_model_that_stands_still_is_not_recorded_for_more_than_a_moment() -> None:
    clock = MediaClock()
    clock.place(3600.0, None)
    assert clock.now == 5.0
