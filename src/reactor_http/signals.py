"""The signals that end a server, on every system."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def when_asked_to_end(heard: Callable[[signal.Signals], object]) -> None:
    """Has ``heard`` called on the running loop at every SIGINT and SIGTERM (Ctrl-C). Called on the main thread."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, heard, number)
        except NotImplementedError:
            # Loops on Windows have none. Python's own handlers run on the main thread, between two turns of the loop.
            signal.signal(number, lambda got, _frame: loop.call_soon_threadsafe(heard, signal.Signals(got)))
