"""A thread with an event loop, for callers that have none: what they ask for is done there while they wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from reactor_protocol.errors import InvalidStateError
from reactor_rtc.process import check_process

T = TypeVar("T")

_CLOSE_LIMIT_S: Final = 10.0


class LoopThread:
    """Runs coroutines on a loop in a thread of its own, from the first to :meth:`close`."""

    def __init__(self, name: str) -> None:
        """Raises :class:`InvalidStateError` in a fork of a process that has used the engine."""
        check_process()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()

    @property
    def closed(self) -> bool:
        return not self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns what ``work`` returns, or raises what it raises. Interrupting the caller cancels it."""
        if self.closed:
            work.close()
            raise InvalidStateError("the environment is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Ends loop and thread; may be called twice."""
        if not self.closed:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CLOSE_LIMIT_S)
