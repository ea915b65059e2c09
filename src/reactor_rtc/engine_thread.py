"""The engine's own event loop, in a thread of its own.

The engine hands its events to an asyncio loop when that loop has nothing else to do. A program's own loop may always have
something to do; this one has not.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import selectors
import sys
import threading
from collections.abc import Coroutine
from typing import Any, Final

from reactor_rtc.engine import enter_engine
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

_STOP_LIMIT_S: Final = 1.0
_TURNS: Final = 16
_SWITCH_S: Final = 0.0005


class _Selector(selectors.DefaultSelector):
    """Looks at descriptors when the loop has nothing else to do, or has had something for :data:`_TURNS` turns.

    Each look lets go of the interpreter lock, and a program that computes in another thread gives it back after 5 ms: a frame
    takes the loop several turns, and would take several times as long.
    """

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0 and self._skipped < _TURNS:
            self._skipped += 1
            return []
        self._skipped = 0
        return super().select(timeout)


class EngineThread:
    """A daemon thread with a loop, from construction to :meth:`stop`."""

    def __init__(self) -> None:
        # The policy's loop may be one that a program has chosen for its own needs; the engine wakes this one by a descriptor.
        self.loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop(_Selector())
        self._scope = TaskScope("engine")
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="reactor-engine", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        # An event takes the engine's thread many steps, each of which may wait for the interpreter lock: beside a program that
        # computes, that is a switch interval each time, of 5 ms unless it is shortened.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        asyncio.set_event_loop(self.loop)
        while not self._stopping:
            try:
                self.loop.run_forever()
            except BaseException:
                # asyncio lets SystemExit and its kin through; every peer of the process lives on this loop.
                logger.critical("the WebRTC engine's loop was interrupted, and goes on", exc_info=True)
        self.loop.run_until_complete(self._scope.close())
        self.loop.close()

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Runs ``work`` on the loop, where nobody waits for it; it ends with the thread. Called on the loop."""
        self._scope.start(work, name)

    def stop(self) -> None:
        """Ends the loop and the thread. Called once, on another thread."""
        self._stopping = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_STOP_LIMIT_S)


class _Process:
    """The one thread of this process, once something has asked for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: EngineThread | None = None

    def thread(self) -> EngineThread:
        with self._lock:
            if self._thread is None:
                self._thread = EngineThread()
                # Runs before the engine's own, which was registered when it was imported.
                atexit.register(self._thread.stop)
            return self._thread


_process = _Process()


def engine_thread() -> EngineThread:
    """The thread that the engine's objects of this process live on; started by the first call."""
    enter_engine()
    return _process.thread()
