"""Memory goes back to the system after somebody has left, and not too often."""

import asyncio
import sys

import pytest
from tests.reactor_runtime.waiting import Changes

from reactor_runtime.tidying import Tidying, c_library


async def test_many_who_leave_at_once_are_tidied_up_after_once() -> None:
    loop, changes, times = asyncio.get_running_loop(), Changes(), list[float]()

    def trim() -> None:
        times.append(loop.time())
        loop.call_soon_threadsafe(changes.announce)

    tidying = Tidying(trim, every_s=0.5, soon_s=0.01)
    for _ in range(10):
        tidying.soon()
    await changes.until(lambda: times)
    tidying.soon()
    await changes.until(lambda: len(times) == 2)
    assert times[1] - times[0] > 0.4
    tidying.soon()
    tidying.close()
    assert tidying._timer is None


async def test_where_nobody_can_nothing_is_done() -> None:
    tidying = Tidying(None)
    tidying.soon()
    assert tidying._timer is None


@pytest.mark.skipif(sys.platform != "linux", reason="asks the C library of Linux")
def test_the_c_library_can() -> None:
    trim = c_library()
    if trim is not None:
        assert trim() in (0, 1)
