"""Long work in a thread that does not hold the process back when it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_background(work: Callable[[], T], name: str) -> T:
    """What ``work`` gives or raises. It runs in a daemon thread: who stops waiting for it, or exits, need not wait for its end.

    ``asyncio.to_thread`` is not enough here: the interpreter joins its threads, and weights may take minutes to load.
    """
    done: Future[T] = Future()
    threading.Thread(target=_work, args=(work, done), name=name, daemon=True).start()
    return await asyncio.wrap_future(done)


def _work(work: Callable[[], T], done: Future[T]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the work
        done.set_exception(error)
