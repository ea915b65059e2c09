"""Coming back after a lost connection without being told to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from reactor_protocol.errors import ReactorException
from reactor_rtc.scope import TaskScope

RESUMABLE_S: Final = 60.0
"""For how long a server keeps a session that no client is connected to."""
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0


class Backoff:
    """When to try, from the moment of the loss on: soon, then ever less often, until the session is gone.

    ``jitter`` gives numbers from 0 to 1; with them clients of one lost worker do not all come at once.
    """

    def __init__(self, lost_at: float, jitter: Callable[[], float] = random.random) -> None:
        self._until = lost_at + RESUMABLE_S
        self._pause = FIRST_PAUSE_S
        self._least = 0.0
        self._jitter = jitter

    def failed(self, retry_after: float | None) -> None:
        """An attempt has failed; the next is not made before the server's own ``retry_after`` (seconds)."""
        self._least = retry_after or 0.0

    def next_pause(self, now: float) -> float | None:
        """Seconds to wait before the next attempt; None where it would come too late."""
        pause = max(self._pause * (1 + self._jitter()) / 2, self._least)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
        return pause if now + pause <= self._until else None


class AutoReconnect:
    """Attempts to reconnect until one lands, none can, or somebody else has taken matters in hand (:meth:`stop`)."""

    def __init__(
        self, attempt: Callable[[], Awaitable[None]], is_wanted: Callable[[], bool], give_up: Callable[[], None]
    ) -> None:
        self._attempt = attempt
        self._is_wanted = is_wanted
        self._give_up = give_up
        self._scope = TaskScope("reactor.auto_reconnect")
        self._backoff = Backoff(0.0)
        self._task: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        """Whether attempts are being made."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """The connection was lost now."""
        self._backoff = Backoff(asyncio.get_running_loop().time())
        if not self.active:
            self._task = self._scope.start(self._run(), "come back")

    async def stop(self) -> None:
        """Ends the attempts, one that is under way included."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._is_wanted():
            pause = self._backoff.next_pause(loop.time())
            if pause is None:
                self._give_up()
                return
            await asyncio.sleep(pause)
            if not self._is_wanted():
                return
            try:
                await self._attempt()
            except ReactorException as error:
                if not error.recoverable:
                    return
                self._backoff.failed(error.retry_after)
