"""A model that makes its video in chunks, as most diffusion models do, and tags each frame."""

import asyncio
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactor_runtime import Audio, Output, ReactorModel, TrackPayload, Video

FRAMES, FPS, RATE = 12, 24, 48_000


class Seen(Output):
    main_video: Video
    main_audio: Audio


def diffuse(number: int) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """A stand-in for the work: (N, H, W, 3) uint8 RGB, and (1, samples) int16."""
    pictures = np.full((FRAMES, 180, 320, 3), number % 256, np.uint8)
    return pictures, np.zeros((1, RATE * FRAMES // FPS), np.int16)


class Chunks(ReactorModel):
    """Twelve frames at a time."""

    async def run(self) -> None:
        number = 0
        while True:
            await self.connected.wait()
            began = time.perf_counter()
            pictures, sound = await asyncio.to_thread(diffuse, number)
            tags: list[Any] = [{"chunk": number, "frame": i} for i in range(FRAMES)]
            chunk = Seen(main_video=TrackPayload(pictures, metadata=tags), main_audio=sound)
            # Played out evenly: over as long as the chunk took to make, and no faster than it should be watched.
            await self.emit(chunk, compute_time=max(FRAMES / FPS, time.perf_counter() - began))
            number += 1
