"""The model that ``reactor bench`` measures where it is given no other: a moving texture with the time of its making in it."""

import asyncio
from pathlib import Path

import numpy as np

from reactor_cli.bench.pixel_clock import Picture, draw
from reactor_runtime import ModelMessage, Output, ReactorModel, Video, event

WIDTH, HEIGHT = 1280, 720
SCROLL = 4
"""Pixels that the texture moves by from one picture to the next."""
CELL = 20
"""Edge of one patch of the texture, in pixels."""


class ClockOutput(Output):
    """What is looked at."""

    main_video: Video


class Marked(ModelMessage):
    """The answer to ``mark``."""

    n: int


class Clock(ReactorModel):
    """Frame after frame while somebody is connected, each stamped just before it is emitted."""

    fps = 30.0

    def load(self, config_path: Path | None) -> None:
        """Draws the texture: patches under a soft gradient, twice side by side, so that scrolling wraps."""
        patches = np.random.default_rng(7).integers(40, 200, (HEIGHT // CELL, WIDTH // CELL, 3), dtype=np.uint8)
        tile = patches.repeat(CELL, axis=0).repeat(CELL, axis=1)
        tile += np.linspace(0, 55, HEIGHT, dtype=np.uint8)[:, None, None]
        self._texture: Picture = np.concatenate([tile, tile], axis=1)

    @event(name="mark", description="Answers at once with the number that it was given.")
    async def mark(self, n: int) -> Marked:
        """The command whose way there and back is timed."""
        return Marked(n=n)

    async def run(self) -> None:
        offset = 0
        while True:
            await self.connected.wait()
            offset = (offset + SCROLL) % WIDTH
            picture = self._texture[:, offset : offset + WIDTH].copy()
            draw(picture)
            await self.emit(ClockOutput(main_video=picture))
            await asyncio.sleep(0)
