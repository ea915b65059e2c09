"""How a recording of picture and sound begins: with the picture."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LOOK_S: Final = 0.05
"""For so long sound waits for somebody who wants pictures, and once he has one for him to make use of it."""
LIMIT_S: Final = 5.0
"""For so long sound waits for the first picture, at most."""


class Opening:
    """Holds the sound of a connection back until somebody who waits for its first picture has it.

    A connection's sound comes before its first picture, and aiortc's ``MediaRecorder`` writes no picture at all once sound has
    settled what its file is like. Where nobody waits for pictures sound is not held back.
    """

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._watchers = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around the waiting for a picture."""
        self._watchers += 1
        try:
            yield
            if not self._open.is_set():
                asyncio.get_running_loop().call_later(LOOK_S, self._open.set)
        finally:
            self._watchers -= 1

    async def listen(self) -> None:
        """Returns when sound may be heard."""
        if self._open.is_set() or await self._opened(LOOK_S):
            return
        if self._watchers:
            await self._opened(LIMIT_S)
        self._open.set()

    async def _opened(self, limit_s: float) -> bool:
        try:
            async with asyncio.timeout(limit_s):
                return await self._open.wait()
        except TimeoutError:
            return False
