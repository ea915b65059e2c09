"""When a model's loop has stood still for too long."""

from reactor_runtime.isolation.watchdog import Watchdog


def test_a_loop_that_stands_still_is_overdue_after_its_deadline() -> None:
    watchdog = Watchdog(2.0)
    assert watchdog.every == 0.5
    answers = [watchdog.overdue(10.0, 10.0 + step * 0.5) for step in range(7)]
    assert answers == [False, False, False, False, False, True, True]


def test_a_loop_that_turns_never_is() -> None:
    watchdog = Watchdog(1.0)
    assert not any(watchdog.overdue(now - 0.1, now) for now in (x * 0.25 for x in range(1, 400)))


def test_a_model_that_does_not_run_yet_is_not_overdue() -> None:
    watchdog = Watchdog(1.0)
    assert not any(watchdog.overdue(0.0, now) for now in (x * 0.25 for x in range(100)))


def test_no_deadline_means_never() -> None:
    assert not any(Watchdog(0.0).overdue(1.0, now) for now in (2.0, 1e6))


def test_one_that_was_stopped_itself_forgives() -> None:
    watchdog = Watchdog(2.0)
    assert not watchdog.overdue(10.0, 10.1)
    # Both were stopped for an hour, and the model's loop has had no time to turn.
    assert not watchdog.overdue(10.0, 3610.0)
    assert not watchdog.overdue(10.0, 3610.5)
    assert [watchdog.overdue(10.0, 3610.5 + step * 0.5) for step in range(1, 5)] == [False, False, False, True]
