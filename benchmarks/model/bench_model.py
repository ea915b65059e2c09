"""The model that every runtime serves: a moving texture with the clock in it, at a pace set by the environment.

``BENCH_COMPUTE_MS`` is what one frame costs, in milliseconds, drawing included; ``BENCH_FPS`` is the declared rate in
frames a second. Nothing is imported but NumPy and the runtime, so the memory of the process is the runtime's.
"""

import asyncio
import os
import time
from pathlib import Path

import numpy as np
from benchmarks.pixel_clock import Picture

from benchmarks import pixel_clock
from reactor_runtime import ModelMessage, Output, ReactorModel, Video, event

WIDTH, HEIGHT = 1280, 720
SCROLL = 4
"""Pixels that the texture moves by from one frame to the next."""
CELL = 20
"""Edge of one patch of the texture, in pixels."""


class BenchOutput(Output):
    """The one track that the viewers look at."""

    main_video: Video


class Marked(ModelMessage):
    """The answer to ``mark``."""

    n: int


def moving_texture() -> Picture:
    """Two pictures' width of coloured patches under a soft gradient; its halves are equal, so that scrolling wraps."""
    patches = np.random.default_rng(7).integers(40, 200, (HEIGHT // CELL, WIDTH // CELL, 3), dtype=np.uint8)
    tile = patches.repeat(CELL, axis=0).repeat(CELL, axis=1)
    tile += np.linspace(0, 55, HEIGHT, dtype=np.uint8)[:, None, None]
    return np.concatenate([tile, tile], axis=1)


class BenchModel(ReactorModel):
    """Frame after frame while somebody is connected, each finished just before it is emitted."""

    fps = float(os.environ.get("BENCH_FPS", "30"))

    def load(self, config_path: Path | None) -> None:
        """Prepare the texture; there are no weights."""
        self._compute_s = float(os.environ.get("BENCH_COMPUTE_MS", "5")) / 1000
        self._texture = moving_texture()

    @event(name="mark", description="Answers at once with the number that it was given.")
    async def mark(self, n: int) -> Marked:
        """The command whose way there and back is timed."""
        return Marked(n=n)

    async def run(self) -> None:
        """Block like a call to a GPU does, stamp the clock last, emit."""
        offset = 0
        while True:
            await self.connected.wait()
            started = time.perf_counter()
            offset = (offset + SCROLL) % WIDTH
            picture = self._texture[:, offset : offset + WIDTH].copy()
            left_s = self._compute_s - (time.perf_counter() - started)
            time.sleep(max(0.0, left_s))  # noqa: ASYNC251 - a model's call to the GPU blocks its loop just so
            pixel_clock.draw(picture)
            await self.emit(BenchOutput(main_video=picture))
            # A runtime may hand a frame over without waiting; the commands get their turn all the same.
            await asyncio.sleep(0)
