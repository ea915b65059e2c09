"""Whether a client that has joined can be reached, and for how long it may be out of reach."""

from __future__ import annotations

import asyncio


class Presence:
    """One client's: ``here`` is set while it can be reached. ``grace`` is in seconds."""

    def __init__(self, grace: float) -> None:
        self.grace = max(0.0, grace)
        self.here = asyncio.Event()
        self.here.set()

    def leave(self) -> bool:
        """The client is out of reach; False where that was so already."""
        was_here = self.here.is_set()
        self.here.clear()
        return was_here

    def come_back(self) -> bool:
        """The client is reached again; False where it had not been away."""
        was_away = not self.here.is_set()
        self.here.set()
        return was_away

    async def returns(self) -> bool:
        """Waits for the client; False once its grace is over."""
        try:
            async with asyncio.timeout(self.grace):
                await self.here.wait()
        except TimeoutError:
            return False
        # It may be away again by now: that absence has a grace of its own.
        return True
