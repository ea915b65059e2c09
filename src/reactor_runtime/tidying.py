"""Tidying: memory that connections leave behind goes back to the system.

The engine allocates and frees on many threads, and the C library keeps what is freed: a server whose viewers come and go would
grow by a hundred megabytes before it stops.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

EVERY_S: Final = 30.0
SOON_S: Final = 2.0


def c_library() -> Callable[[], object] | None:
    """What has the C library give its free memory back; None where it has no way to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    return None if trim is None else partial(trim, 0)


class Tidying:
    """Tidies up a moment after somebody has left, at most twice a minute. ``trim`` does it, in a thread; None: nobody can."""

    def __init__(self, trim: Callable[[], object] | None, every_s: float = EVERY_S, soon_s: float = SOON_S) -> None:
        self._every_s = every_s
        self._soon_s = soon_s
        self._timer: asyncio.TimerHandle | None = None
        self._earliest = 0.0
        self._trim = trim

    def soon(self) -> None:
        """Somebody has left."""
        if self._trim is None or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        at = max(loop.time() + self._soon_s, self._earliest)
        self._timer = loop.call_at(at, self._tidy, loop)

    def _tidy(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._earliest = loop.time() + self._every_s
        # The interpreter lock is free meanwhile, and nobody waits for the end.
        if self._trim is not None:
            loop.run_in_executor(None, self._trim)

    def close(self) -> None:
        """Nothing more is tidied."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
