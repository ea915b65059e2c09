"""When a picture may go to a page."""

from __future__ import annotations

import pytest

from reactor_sdk.notebook.gate import FrameGate


def test_nothing_goes_before_a_page_is_there() -> None:
    gate = FrameGate(10.0)
    assert gate.wait(0.0) is None
    gate.opened()
    assert gate.wait(0.0) == 0.0


def test_the_next_picture_waits_until_the_last_was_drawn_and_for_its_time() -> None:
    gate = FrameGate(10.0)
    gate.opened()
    assert gate.sent(5.0) == 1
    assert gate.wait(7.0) is None
    gate.drawn(2)  # a picture that was never sent
    assert gate.wait(7.0) is None
    gate.drawn(1)
    assert gate.wait(5.02) == pytest.approx(0.08)
    assert gate.wait(7.0) == 0.0


def test_a_slow_page_gets_no_burst_afterwards() -> None:
    gate = FrameGate(10.0)
    gate.opened()
    for number, now in enumerate((0.0, 9.0, 9.1), 1):
        assert gate.wait(now) == pytest.approx(0.0)
        assert gate.sent(now) == number
        gate.drawn(number)
    assert gate.wait(9.1) == pytest.approx(0.1)


def test_a_page_that_is_loaded_again_is_sent_a_picture_though_the_last_was_never_drawn() -> None:
    gate = FrameGate(10.0)
    gate.opened()
    gate.sent(1.0)
    gate.opened()
    assert gate.wait(2.0) == 0.0
