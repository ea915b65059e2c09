"""How fast a published track may go. Times are seconds; all are binary fractions, or compared approximately."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reactor_sdk.pace import Pace


def sent(dates: list[float | None], arrivals: Callable[[int], float] = lambda _number: 0.0) -> list[float]:
    """When each picture leaves, if it comes at the time that ``arrivals`` says, or as soon as the one before has left."""
    pace, now, left = Pace(), 0.0, []
    for number, date in enumerate(dates):
        now = max(now, arrivals(number))
        now += pace.after_picture(date, now)
        left.append(now)
    return left


def test_a_file_that_is_read_without_waiting_is_held_to_its_dates() -> None:
    left = sent([number / 25 for number in range(251)])
    assert left[-1] == pytest.approx(10.0 - 0.1, abs=0.03)
    steps = [after - before for before, after in zip(left[5:], left[6:], strict=False)]
    assert steps == pytest.approx([0.04] * len(steps), abs=0.001)


def test_a_file_that_begins_anew_keeps_its_rate() -> None:
    once = [number / 25 for number in range(50)]
    left = sent([*once, *once, *once])
    assert left[-1] == pytest.approx(149 / 25 - 0.1, abs=0.03)


def test_a_jump_in_the_dates_holds_nothing_up() -> None:
    left = sent([0.0, 0.04, 0.08, 5000.0, 5000.04])
    assert left[-1] <= 5 * 0.04


def test_a_live_source_is_never_held_however_it_jitters() -> None:
    def arrives(number: int) -> float:
        return number / 30 + (0.03 if number % 7 == 0 else 0.0)

    assert sent([number / 30 for number in range(100)], arrives) == [arrives(number) for number in range(100)]


def test_a_source_slower_than_its_dates_is_not_hurried_and_does_not_catch_up() -> None:
    def arrives(number: int) -> float:
        return number * 0.1 if number < 10 else 1.0

    left = sent([number / 30 for number in range(40)], arrives)
    assert left[:11] == pytest.approx([arrives(number) for number in range(11)])
    assert left[-1] == pytest.approx(0.9 + 30 / 30 - 0.1, abs=0.15)


def test_pictures_without_dates_or_of_one_date_come_sixty_times_a_second_at_most() -> None:
    for date in (None, 0.0):
        assert sent([date] * 121)[-1] == pytest.approx(2.0 - 0.1, abs=0.001)


def test_dates_that_cannot_be_meant_are_held_to_a_hundred_and_twenty() -> None:
    assert sent([number / 90_000 for number in range(241)])[-1] == pytest.approx(2.0 - 0.1, abs=0.02)


def test_sound_is_held_to_its_own_length() -> None:
    pace, now = Pace(), 0.0
    for _ in range(101):
        now += pace.after_sound(0.02, now)
    assert now == pytest.approx(2.0 - 0.1, abs=0.001)
