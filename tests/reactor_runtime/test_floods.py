"""How much one client may send: a decision of the limits and the time."""

import pytest

from reactor_runtime.floods import Bucket, Floodgate, FloodLimits, FloodNotice, FloodWatch

SMALL = FloodLimits(
    messages=10, messages_burst=3, size=1000, size_burst=2000, waiting=4, waiting_bytes=5000, frames=5, frames_burst=8
)


def test_the_defaults() -> None:
    limits = FloodLimits()
    assert (limits.messages, limits.messages_burst, limits.waiting) == (1000, 500, 1024)
    assert (limits.size, limits.size_burst, limits.waiting_bytes) == (8_388_608, 8_388_608, 4_194_304)
    assert (limits.frames, limits.frames_burst) == (5000, 20_000)


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    gate: Floodgate[int] = Floodgate(SMALL, 0.0)
    passed = []
    for number in range(6):
        assert gate.arrive(number, 1, 0.0)
        passed += gate.due(0.0)
    assert passed == [0, 1, 2]
    assert gate.next_due() == pytest.approx(0.1)
    assert gate.due(0.05) == []
    assert gate.due(0.1001) == [3]
    assert gate.due(0.3002) == [4, 5]
    assert gate.next_due() is None


def test_what_comes_later_stands_behind_what_waits() -> None:
    gate: Floodgate[str] = Floodgate(SMALL, 0.0)
    for name in "abcd":
        gate.arrive(name, 1, 0.0)
    assert gate.due(0.0) == ["a", "b", "c"]
    gate.arrive("e", 1, 0.1001)
    assert gate.due(0.1001) == ["d"]
    assert gate.waiting == 1


def test_a_full_line_refuses() -> None:
    gate: Floodgate[int] = Floodgate(SMALL, 0.0)
    for number in range(3):
        gate.arrive(number, 1, 0.0)
    gate.due(0.0)
    assert [gate.arrive(number, 1, 0.0) for number in range(5)] == [True, True, True, True, False]
    assert gate.waiting == 4


def test_bytes_are_bounded_as_messages_are() -> None:
    gate: Floodgate[int] = Floodgate(SMALL, 0.0)
    gate.arrive(0, 2500, 0.0)
    assert gate.due(0.0) == [0], "larger than the burst, it passes once"
    gate.arrive(1, 4000, 0.0)
    assert gate.due(0.0) == []
    assert gate.next_due() == pytest.approx(0.501)
    assert not gate.arrive(2, 4000, 0.0), "5000 bytes may wait"
    assert gate.arrive(3, 1000, 0.0)
    assert gate.due(0.502) == [1]


def test_one_message_alone_always_has_a_place() -> None:
    gate: Floodgate[int] = Floodgate(SMALL, 0.0)
    assert gate.arrive(0, 1_000_000, 0.0)
    assert gate.due(0.0) == [0]


def test_frames_without_end_are_not_endured() -> None:
    gate: Floodgate[int] = Floodgate(SMALL, 0.0)
    assert [gate.endures(0.0) for _ in range(10)] == [True] * 8 + [False] * 2
    assert [gate.endures(1.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(rate=10, burst=2, now=0.0)
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]
    assert bucket.delay(100.0) == pytest.approx(0.1)


def test_a_client_is_told_once_a_second_and_of_all_that_was_refused_since() -> None:
    watch = FloodWatch(0.0)
    assert watch.notice(0, 0.0) is None, "there is nothing to tell"
    watch.slowed()
    assert watch.notice(7, 0.0) == FloodNotice(waiting=7, refused=0)
    for _ in range(5):
        watch.refused()
    assert watch.notice(9, 0.5) is None
    assert watch.notice(9, 1.0) == FloodNotice(waiting=9, refused=5)
    assert watch.notice(9, 3.0) is None
