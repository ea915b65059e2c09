"""From one thread to an event loop: items in order, bounded, with one wake-up for as many as are there."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Handoff(Generic[T]):
    """Has ``take`` called on ``loop`` with each item that is put in from another thread, in order.

    At most ``capacity`` items wait; the oldest gives way.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[T], None], capacity: int | None = None) -> None:
        self._loop = loop
        self._take = take
        self._items: deque[T] = deque(maxlen=capacity)
        self._called = False

    def put(self, item: T) -> bool:
        """Never waits. False where the loop is closed, and nobody will take anything any more."""
        self._items.append(item)
        if self._called:
            return True
        # The loop clears it before it looks for items: one that is put in meanwhile is seen, or calls again.
        self._called = True
        try:
            self._loop.call_soon_threadsafe(self._hand_over)
        except RuntimeError:
            self._items.clear()
            return False
        return True

    def _hand_over(self) -> None:
        self._called = False
        waiting = len(self._items)
        try:
            while waiting:
                waiting -= 1
                self._take(self._items.popleft())
        finally:
            if waiting:  # one that raises keeps none of the others back
                self._called = True
                self._loop.call_soon(self._hand_over)


class Arrivals(Generic[T]):
    """What one reader on ``loop`` takes, and another thread puts in. Keeps ``capacity`` items; the oldest gives way.

    With ``newest_wins`` a reader gets only the newest of several that came while it was busy with another item. What came while
    it waited, and the loop was busy with something else, it gets item by item.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, capacity: int, *, newest_wins: bool = False) -> None:
        self._loop = loop
        self._items: deque[tuple[float, T]] = deque(maxlen=capacity)
        self._newest_wins = newest_wins
        self._taken_at = -math.inf
        self._wakes: Handoff[None] = Handoff(loop, self._wake, 1)
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Adds an item; never waits. False where the loop is closed."""
        self._items.append((time.monotonic(), item))
        return self._wakes.put(None)

    def end(self, error: BaseException | None = None) -> None:
        """No item follows. The reader gets ``error``, if one is given, after the items that are there."""
        self._error = error
        self._ended = True
        self._wakes.put(None)

    def _wake(self, _nothing: None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> T | None:
        """The oldest item, as soon as there is one; None at the end.

        The loop has its turn before an item that came while the reader was busy: a reader slower than what it reads always finds
        the next one ready.
        """
        late = sum(came_at > self._taken_at for came_at, _ in tuple(self._items))
        if late:
            await asyncio.sleep(0)
        if late > 1 and self._newest_wins:
            while len(self._items) > 1:
                self._items.popleft()
        while True:
            ended = self._ended  # looked at first: what was put in before the end is there by then
            if self._items:
                self._taken_at = time.monotonic()
                return self._items.popleft()[1]
            if ended:
                if self._error is not None:
                    raise self._error
                return None
            self._waiter = self._loop.create_future()
            await self._waiter
