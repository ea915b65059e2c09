"""Tasks that end with their owner."""

from __future__ import annotations

import asyncio
import logging

import pytest

from reactor_rtc.scope import TaskScope

LIMIT_S = 40.0


async def forever() -> None:
    await asyncio.Event().wait()


async def nothing() -> None:
    pass


async def test_a_task_runs_and_is_named_after_its_owner() -> None:
    scope = TaskScope("owner")
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    task = scope.start(work(), "work")
    assert task.get_name() == "owner.work"
    async with asyncio.timeout(LIMIT_S):
        await done.wait()
        await scope.close()


async def test_close_cancels_and_waits_for_the_end() -> None:
    scope = TaskScope("owner")
    begun, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await forever()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    task = scope.start(work(), "work")
    async with asyncio.timeout(LIMIT_S):
        await begun.wait()
        await scope.close()
    assert cleaned.is_set()
    assert task.cancelled()


async def test_close_may_be_called_again_and_on_nothing() -> None:
    scope = TaskScope("owner")
    async with asyncio.timeout(LIMIT_S):
        await scope.close()
        await scope.close()


async def test_after_close_nothing_is_begun() -> None:
    scope = TaskScope("owner")
    await scope.close()
    ran = False

    async def work() -> None:
        nonlocal ran
        ran = True

    task = scope.start(work(), "work")
    async with asyncio.timeout(LIMIT_S):
        await asyncio.wait([task])
    assert task.cancelled()
    assert not ran


async def test_a_failure_is_logged_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    scope = TaskScope("owner")
    other = scope.start(forever(), "other")

    async def fail() -> None:
        raise ValueError("broken on purpose")

    async with asyncio.timeout(LIMIT_S):
        await asyncio.wait([scope.start(fail(), "fail")])
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "owner.fail" in record.getMessage()
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "broken on purpose"
    assert not other.done()
    await scope.close()


async def test_cancellation_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    scope = TaskScope("owner")
    scope.start(forever(), "work")
    await asyncio.sleep(0)
    await scope.close()
    assert not caplog.records


async def test_a_task_may_close_its_own_scope() -> None:
    scope = TaskScope("owner")
    other = scope.start(forever(), "other")
    closed = asyncio.Event()

    async def work() -> None:
        await scope.close()
        closed.set()

    task = scope.start(work(), "work")
    async with asyncio.timeout(LIMIT_S):
        await asyncio.wait([task])
    assert closed.is_set()
    assert not task.cancelled()
    assert other.cancelled()


async def test_settle_lets_work_end_and_cancels_what_does_not() -> None:
    scope = TaskScope("owner")
    quick, endless = scope.start(nothing(), "quick"), scope.start(forever(), "endless")
    async with asyncio.timeout(LIMIT_S):
        await scope.settle(0.01)
    assert quick.done()
    assert not quick.cancelled()
    assert endless.cancelled()
    again = scope.start(nothing(), "again")
    async with asyncio.timeout(LIMIT_S):
        await asyncio.wait([again])
        await scope.settle(1.0)
    assert not again.cancelled()
    await scope.close()
