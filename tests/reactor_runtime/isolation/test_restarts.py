"""When a model that has crashed is loaded again."""

from reactor_runtime.isolation.restarts import GiveUp, LoadAgain, Restarts


def test_the_first_crash_is_made_good_at_once_and_the_next_ones_more_and_more_slowly() -> None:
    restarts = Restarts(9)
    waits = []
    for now in range(8):
        restarts.loaded(now)
        waits.append(restarts.crashed(now + 0.5))
    assert waits == [LoadAgain(0.0), *(LoadAgain(wait) for wait in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0))]
    assert restarts.crashed(9.0) == GiveUp(9)


def test_a_model_that_ran_for_ten_seconds_begins_anew() -> None:
    restarts = Restarts(2)
    restarts.loaded(0.0)
    assert restarts.crashed(9.9) == LoadAgain(0.0)
    restarts.loaded(10.0)
    assert restarts.crashed(20.0) == LoadAgain(0.0)
    restarts.loaded(21.0)
    assert restarts.crashed(22.0) == GiveUp(2)


def test_a_load_that_fails_is_a_crash_too() -> None:
    restarts = Restarts(3)
    restarts.loaded(0.0)
    assert [restarts.crashed(100.0), restarts.crashed(101.0), restarts.crashed(102.0)] == [
        LoadAgain(0.0),
        LoadAgain(0.5),
        GiveUp(3),
    ]


def test_a_limit_of_none_means_never() -> None:
    for limit in (0, 1):
        assert Restarts(limit).crashed(1.0) == GiveUp(1)


def test_the_same_failure_before_the_first_frame_is_not_tried_five_times() -> None:
    restarts = Restarts(5)
    restarts.loaded(0.0)
    assert restarts.crashed(1.0, "KeyError: 'shade'") == LoadAgain(0.0)
    restarts.loaded(2.0)
    assert restarts.crashed(3.0, "KeyError: 'shade'") == GiveUp(2)


def test_another_failure_or_a_frame_in_between_is_no_pattern() -> None:
    restarts = Restarts(5)
    reasons = ["out of memory", "no such file", None, "no such file"]
    assert [type(restarts.crashed(now, why)) for now, why in enumerate(reasons)] == [LoadAgain] * 4
    restarts.loaded(10.0)
    assert restarts.crashed(30.0, "no such file") == LoadAgain(0.0), "it had run for long"
