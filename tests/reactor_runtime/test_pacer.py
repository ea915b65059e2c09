"""The pacer's timetables, in seconds."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_runtime.pacer import Pacer, Plan


def play(pacer: Pacer, works: Iterable[float], fps: float, frames: int = 1, now: float = 0.0) -> list[tuple[float, Plan]]:
    """When each chunk of a model with these compute times is ready, and its plan."""
    made = []
    for work in works:
        now += work
        plan = pacer.plan(frames, fps, now)
        made.append((now, plan))
        now = plan.resume
        pacer.resumed(now)
    return made


def starts(made: list[tuple[float, Plan]]) -> list[float]:
    return [round(plan.start, 6) for _, plan in made]


def resumes(made: list[tuple[float, Plan]]) -> list[float]:
    return [round(plan.resume, 6) for _, plan in made]


def test_the_first_frame_leaves_at_once_and_holds_nobody() -> None:
    assert Pacer().plan(1, 25.0, 7.0) == Plan(start=7.0, period=0.04, resume=7.0)


def test_a_model_that_needs_no_time_is_held_to_its_rate() -> None:
    made = play(Pacer(), [0.0] * 5, 10.0)
    assert starts(made) == [0.0, 0.0, 0.2, 0.3, 0.4]
    assert resumes(made) == [0.0, 0.2, 0.3, 0.4, 0.5]


def test_a_fast_model_begins_each_frame_just_before_it_is_due() -> None:
    made = play(Pacer(), [0.02] * 5, 10.0)
    assert starts(made) == [0.02, 0.04, 0.22, 0.32, 0.42]
    assert resumes(made) == [0.02, 0.2, 0.3, 0.4, 0.5]


def test_no_frame_that_is_made_alone_is_ever_queued() -> None:
    for ready, plan in play(Pacer(), [0.0, 0.03, 0.001, 0.2, 0.0, 0.05, 0.0, 0.0, 0.099], 10.0):
        assert plan.start == ready


def test_a_slower_model_is_never_held() -> None:
    made = play(Pacer(), [0.15] * 6, 10.0)
    assert [plan.resume - ready for ready, plan in made[1:]] == [0.0] * 5


def test_a_model_that_follows_a_camera_of_the_same_rate_is_not_held() -> None:
    pacer, now = Pacer(), 0.0
    for number in range(2000):
        taken = 0.0998 * number  # the camera's clock is a little fast
        now = max(now, taken)
        assert now - taken < 0.005
        now = pacer.plan(1, 10.0, now).resume
        pacer.resumed(now)


def test_jitter_is_made_up_for_within_the_timetable() -> None:
    made = play(Pacer(), [0.02] * 9 + [0.06] + [0.02] * 5, 10.0)
    assert starts(made)[8:] == [0.82, 0.96, 1.02, 1.12, 1.22, 1.32, 1.42]


def test_a_stall_starts_the_timetable_anew_and_no_burst_follows() -> None:
    made = play(Pacer(), [0.0] * 3 + [0.55] + [0.0] * 3, 10.0)
    assert starts(made) == [0.0, 0.0, 0.2, 0.85, 0.95, 1.05, 1.15]


def test_a_change_of_rate_holds_from_the_next_frame() -> None:
    pacer = Pacer()
    assert resumes(play(pacer, [0.0, 0.0], 10.0)) == [0.0, 0.2]
    assert resumes(play(pacer, [0.0, 0.0], 2.0, now=0.2)) == [0.7, 1.2]


def test_batches_are_played_evenly_one_after_the_other() -> None:
    made = play(Pacer(), [0.06] * 4, 20.0, frames=4)
    assert [plan.period for _, plan in made] == [0.05] * 4
    # The second is begun at once, for nobody knows how long it takes; from the third on, each is ready when the last one ends.
    assert starts(made) == [0.06, 0.26, 0.46, 0.66]
    assert resumes(made) == [0.06, 0.4, 0.6, 0.8]


def test_the_first_batch_is_not_followed_by_a_stop() -> None:
    # A block of 16 frames at 16 a second that takes 0.7 s to make: frames without a gap from the first on.
    made = play(Pacer(), [0.7] * 5, 16.0, frames=16)
    assert starts(made) == [0.7, 1.7, 2.7, 3.7, 4.7]


def test_a_batch_that_is_early_waits_for_the_end_of_the_one_before() -> None:
    pacer = Pacer()
    assert pacer.plan(4, 20.0, 0.0).start == 0.0
    assert pacer.plan(4, 20.0, 0.1).start == pytest.approx(0.2)
    assert pacer.plan(1, 20.0, 0.15).start == pytest.approx(0.4)


def test_a_model_that_makes_batches_too_slowly_is_never_held() -> None:
    made = play(Pacer(), [0.3] * 5, 20.0, frames=4)
    assert [plan.resume - ready for ready, plan in made[1:]] == [0.0] * 4
    assert [plan.start - ready for ready, plan in made] == [0.0] * 5


def test_early_is_well_before_the_time() -> None:
    pacer = Pacer()
    assert not pacer.is_early(0.0)
    pacer.plan(1, 10.0, 0.0)
    assert pacer.is_early(0.05)
    assert not pacer.is_early(0.099)
    assert not pacer.is_early(0.2)


def test_a_reset_forgets_the_timetable() -> None:
    pacer = Pacer()
    pacer.plan(40, 10.0, 0.0)
    pacer.reset()
    assert not pacer.is_early(0.01)
    assert pacer.plan(1, 10.0, 0.01).start == 0.01


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0.0, 0.5), max_size=60), st.floats(1.0, 120.0), st.integers(1, 5))
def test_nothing_is_sent_or_resumed_in_the_past(works: list[float], fps: float, frames: int) -> None:
    for ready, plan in play(Pacer(), works, fps, frames):
        assert plan.start >= ready
        assert plan.resume >= ready


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0.0, 0.097), max_size=60))
def test_the_rate_of_a_model_that_could_be_faster_is_kept_on_average(works: list[float]) -> None:
    sent = [plan.start for _, plan in play(Pacer(), works, 10.0)]
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert (last - first) * 0.1 <= sent[last] - sent[first] + 0.2 + 1e-9


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0.0, 0.5), max_size=60), st.integers(2, 5))
def test_two_batches_never_overlap(works: list[float], frames: int) -> None:
    made = play(Pacer(), works, 10.0, frames)
    for (_, before), (_, after) in zip(made, made[1:], strict=False):
        assert after.start >= before.start + frames * 0.1 - 1e-9
