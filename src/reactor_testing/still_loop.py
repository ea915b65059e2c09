"""An event loop whose clock stands still until it is moved: what takes hours happens at once, and the same every time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MOST_TURNS = 100_000
"""Turns of the loop at one instant after which something goes round for ever."""


class NeverWaits(AssertionError):
    """What runs on the loop goes on and on without ever waiting for time to pass."""


class StillLoop(asyncio.SelectorEventLoop):
    """Runs what is due, and moves its clock to the next timer, up to where it may go. Nothing ever waits in earnest.

    Work for a thread is done at once, in this one.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._until = 0.0
        super().__init__(_Selector(self._idle))

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Does what is due within ``seconds``. Raises :class:`NeverWaits`."""
        self._until = self._now + seconds
        self.run_forever()

    def finish(self, work: Coroutine[Any, Any, T], seconds: float = 0.0) -> T:
        """What ``work`` gives or raises. Raises TimeoutError when it needs more than ``seconds``."""
        task = self.create_task(work)
        task.add_done_callback(lambda _: self.stop())
        self.advance(seconds)
        if not task.done():
            task.cancel()
            self.advance(0.0)
            raise TimeoutError(f"it is not done after {seconds:g} s")
        return task.result()

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Calls ``func`` at once."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            done.set_exception(error)
        return done

    def _idle(self, seconds: float | None) -> None:
        """Nothing is left to do now: goes on to the next timer, ``seconds`` from here, or stops where it was to go."""
        if seconds is not None and self._now + seconds <= self._until:
            self._now += seconds
        else:
            self._now = max(self._now, self._until)
            self.stop()


class _Selector(selectors.SelectSelector):
    """Looks whether something is ready, and never waits for it."""

    def __init__(self, idle: Callable[[float | None], None]) -> None:
        super().__init__()
        self._on_idle = idle
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            self._turns += 1
            if self._turns > _MOST_TURNS:
                self._turns = 0
                raise NeverWaits(f"{_MOST_TURNS} turns of the loop at one instant: something never waits")
            return ready
        self._turns = 0
        self._on_idle(timeout)
        return ready
