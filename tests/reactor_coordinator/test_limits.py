"""The rate limiter, in seconds of a clock that the test keeps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_coordinator.limits import RateLimiter


def test_a_burst_then_the_rate() -> None:
    limiter = RateLimiter(rate_per_s=2.0, burst=3)
    assert [limiter.check("k", 10.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 0.5]
    assert [limiter.check("k", 10.5) for _ in range(2)] == [0.0, 0.5]
    assert [limiter.check("k", 20.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_waiting_as_long_as_it_says_is_enough() -> None:
    limiter = RateLimiter(rate_per_s=3.0, burst=1)
    now = 1_760_000_000.123
    assert limiter.check("k", now) == 0.0
    for _ in range(1000):
        wait = limiter.check("k", now)
        assert 0.3 < wait < 0.4
        now += wait
        assert limiter.check("k", now) == 0.0


def test_keys_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(rate_per_s=1.0, burst=1)
    assert [limiter.check(key, 0.0) for key in "aba"] == [0.0, 0.0, 1.0]


def test_a_key_that_is_whole_again_is_forgotten() -> None:
    limiter = RateLimiter(rate_per_s=1.0, burst=10)
    for number in range(100):
        limiter.check(f"k{number}", float(number))
    assert len(limiter) == 1
    limiter.check("a", 99.0)
    limiter.check("b", 99.5)
    assert len(limiter) == 3


def test_there_are_never_more_keys_than_its_capacity() -> None:
    limiter = RateLimiter(rate_per_s=0.001, burst=1, capacity=3)
    assert [limiter.check(key, 0.0) for key in "abcd"] == [0.0] * 4
    assert len(limiter) == 3
    assert limiter.check("d", 0.0) == 1000.0
    assert limiter.check("a", 0.0) == 0.0


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    limiter = RateLimiter(rate_per_s=1.0, burst=1)
    assert limiter.check("k", 100.0) == 0.0
    assert limiter.check("k", 50.0) == 51.0


@pytest.mark.parametrize(("rate", "burst", "capacity"), [(0.0, 1, 1), (1.0, 0, 1), (1.0, 1, 0)])
def test_limits_that_allow_nothing_are_refused(rate: float, burst: int, capacity: int) -> None:
    with pytest.raises(ValueError, match="a rate above 0"):
        RateLimiter(rate, burst, capacity)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.1, 50.0),
    st.integers(1, 20),
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.0, 2.0)), min_size=1, max_size=120),
)
def test_in_no_interval_is_more_allowed_than_burst_and_rate(rate: float, burst: int, steps: list[tuple[str, float]]) -> None:
    limiter, now = RateLimiter(rate, burst), 0.0
    allowed: dict[str, list[float]] = {"a": [], "b": []}
    for key, step in steps:
        now += step
        if limiter.check(key, now) == 0.0:
            allowed[key].append(now)
    for times in allowed.values():
        for first in range(len(times)):
            for last in range(first, len(times)):
                assert last - first + 1 <= burst + rate * (times[last] - times[first]) + 1e-6
