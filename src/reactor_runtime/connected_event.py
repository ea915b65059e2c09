"""The event ``connected`` of a model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Literal


class Connected(asyncio.Event):
    """``connected`` of a model: whoever waits for it goes on when the hook of the client who came is done."""

    def __init__(self) -> None:
        super().__init__()
        self._greeting: asyncio.Task[Any] | None = None
        self._greeted = asyncio.Event()

    @contextlib.contextmanager
    def greeting(self) -> Iterator[None]:
        """Set from here on, and told to those who wait at the end of the block; the block itself does not wait."""
        self._greeting = asyncio.current_task()
        self.set()
        try:
            yield
        finally:
            self._greeting = None
            self._greeted.set()
            self._greeted = asyncio.Event()

    async def wait(self) -> Literal[True]:
        while True:
            await super().wait()
            if self._greeting is None or self._greeting is asyncio.current_task():
                return True
            await self._greeted.wait()


def greeting(event: asyncio.Event) -> contextlib.AbstractContextManager[None]:
    """Sets the event for a client whose hook runs in the block. Only the first client's holds up who waits."""
    if isinstance(event, Connected) and not event.is_set():
        return event.greeting()
    event.set()
    return contextlib.nullcontext()
