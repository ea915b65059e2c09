"""Models of this folder, each served by a ``reactor run`` of its own, and our client as a viewer of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reactor_sdk import Reactor

MODELS = Path(__file__).parent / "models"
DEADLINE_S = 40.0
BITS = 8

Frame = npt.NDArray[np.uint8]


def number_of(frame: Frame) -> int | None:
    """The number, modulo 256, of a picture of the media model; None where it shows none."""
    height, width = frame.shape[:2]
    row = frame[height // 8 : max(height // 8 + 1, 3 * height // 8)].mean(axis=(0, 2))
    blocks = [float(row[(2 * i + 1) * width // (2 * BITS)]) for i in range(BITS)]
    if not all(level < 80 or level > 170 for level in blocks):
        return None
    return sum((level > 170) << (BITS - 1 - i) for i, level in enumerate(blocks))


@dataclass(frozen=True)
class Shown:
    """One picture as it arrived: ``at`` is in seconds of the loop's clock."""

    at: float
    frame: Frame

    @property
    def number(self) -> int | None:
        return number_of(self.frame)


class Viewer:
    """Looks at one video track, from before what it waits for is asked for."""

    def __init__(self, client: Reactor, track: str = "main_video") -> None:
        self.client = client
        self._frames = client.frames(track)

    async def until(self, wanted: Callable[[Shown], bool]) -> Shown:
        """The next picture of which that is true. Raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_S):
            async for frame in self._frames:
                shown = Shown(asyncio.get_running_loop().time(), frame)
                if wanted(shown):
                    return shown
        raise AssertionError("the session has ended")

    async def next(self, count: int) -> list[Shown]:
        """The next pictures that arrive."""
        return [await self.until(lambda shown: True) for _ in range(count)]


@contextlib.asynccontextmanager
async def watching(model: str, callback: Callable[[Frame], None] | None = None) -> AsyncIterator[Reactor]:
    """Our client, connected to the runtime at ``REACTOR_LOCAL_URL``; ``callback`` gets its frames from the first on."""
    async with Reactor(model, local=True) as client, asyncio.timeout(2 * DEADLINE_S):
        client.set_frame_callback(callback)
        await client.connect()
        yield client
