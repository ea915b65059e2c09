"""A stand-in, served by a ``reactor run`` of its own, and what its typed client is told."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tests.interop.servers import Server, our_runtime
from tour.images import encode_png

TYPED = Path(__file__).resolve().parents[2] / "examples" / "typed"
DEADLINE_S = 30.0


@contextmanager
def stand_in(name: str, logs: Path) -> Iterator[Server]:
    """The runtime of a stand-in."""
    with our_runtime(logs, TYPED / name) as serving:
        yield serving


def picture(folder: Path) -> Path:
    """An image file of 200 by 100 pixels: red on the left, blue on the right."""
    pixels = np.zeros((100, 200, 4), np.uint8)
    pixels[:, :100] = (220, 30, 30, 255)
    pixels[:, 100:] = (30, 30, 220, 255)
    file = folder / "picture.png"
    file.write_bytes(encode_png(pixels))
    return file


class Heard:
    """Collects messages; :meth:`until` waits for one, which may have come already."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self._changed = asyncio.Event()

    def __call__(self, message: Any) -> None:
        self.messages.append(message)
        self._changed.set()

    async def until(self, wanted: Callable[[Any], bool]) -> Any:
        """The first message of which that is true. Raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_S):
            while not (found := [message for message in self.messages if wanted(message)]):
                self._changed.clear()
                await self._changed.wait()
        return found[0]
