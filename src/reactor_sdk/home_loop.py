"""The event loop on which a client is connected: asyncio's objects cannot be used on another one."""

from __future__ import annotations

import asyncio

from reactor_protocol.errors import InvalidStateError


class HomeLoop:
    """Which loop it is, and who may call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def ended(self) -> bool:
        """Whether the loop is closed, as after ``asyncio.run``."""
        return self._loop is not None and self._loop.is_closed()

    def move(self) -> bool:
        """From now on it is the loop that runs. True where that is another one than before."""
        before, self._loop = self._loop, asyncio.get_running_loop()
        return before is not self._loop

    def leave(self) -> None:
        """Nothing lives on any loop any more."""
        self._loop = None

    def check(self, what: str) -> None:
        """Raises :class:`InvalidStateError` for a call from elsewhere."""
        if self.ended:
            raise InvalidStateError(f"{what}: the event loop that this client is connected on has ended; call disconnect() first")
        if self._loop is not None and _running() not in (None, self._loop):
            raise InvalidStateError(f"{what}: this client is connected on another event loop, and can only be used there")


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
