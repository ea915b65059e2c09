"""A speech model: on command it hands over a whole sentence at once, at 22,050 Hz, and takes it back on another."""

import asyncio

import numpy as np

from reactor_runtime import Audio, Output, ReactorModel, event

RATE = 22_050
HERTZ = 440.0
LOUD = 12_000


class Speech(Audio):
    sample_rate = RATE


class Spoken(Output):
    voice: Speech


class VoiceModel(ReactorModel):
    async def run(self) -> None:
        self._sentences: asyncio.Queue[float] = asyncio.Queue()
        while True:
            seconds = await self._sentences.get()
            at = np.arange(int(seconds * RATE))
            await self.emit(Spoken(voice=(LOUD * np.sin(2 * np.pi * HERTZ * at / RATE)).astype(np.int16)))

    @event(name="say")
    async def say(self, seconds: float) -> None:
        self._sentences.put_nowait(seconds)

    @event(name="hush")
    async def hush(self) -> None:
        self.output.flush()
