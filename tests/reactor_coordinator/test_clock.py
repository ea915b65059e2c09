"""A clock that nobody can set."""

from reactor_coordinator.clock import SteadyClock


def test_it_follows_the_monotonic_clock_from_where_it_began() -> None:
    counted = 50.0
    clock = SteadyClock(1_000_000.0, lambda: counted)
    assert clock() == 1_000_000.0
    counted = 53.5
    assert clock() == 1_000_003.5
