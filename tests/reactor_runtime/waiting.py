"""Waits for what a test watches, with a deadline and without fixed sleeps."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE_S = 40.0


class Changes:
    """Somebody announces changes; somebody waits until they make a condition true."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def announce(self) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[], object], seconds: float = DEADLINE_S) -> None:
        """Returns once ``condition()`` is true. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


async def poll(condition: Callable[[], Awaitable[object]], seconds: float = DEADLINE_S) -> None:
    """Asks again and again until the answer is true: for what can announce nothing. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.005)
