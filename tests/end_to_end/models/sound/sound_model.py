"""A model that flashes and beeps at the same moment, once a second: sound on four tracks, each at a rate of its own."""

import numpy as np
import numpy.typing as npt

from reactor_runtime import Audio, Output, ReactorModel, Video

FPS = 30
FLASH_FRAMES = 6
"""A flash and a beep last 0.2 s."""
TONE_HZ = {"telephone": 500.0, "disc": 1000.0, "studio": 750.0, "fine": 1500.0}
LOUD = 12_000


class Telephone(Audio):
    sample_rate = 8_000


class Disc(Audio):
    sample_rate = 44_100


class Fine(Audio):
    sample_rate = 96_000


class Show(Output):
    main_video: Video
    telephone: Telephone
    disc: Disc
    studio: Audio
    fine: Fine


RATES = {"telephone": 8_000, "disc": 44_100, "studio": 48_000, "fine": 96_000}
STEREO = frozenset({"disc"})
"""Tracks that have two channels: the tone is on the left one alone."""


class SoundModel(ReactorModel):
    """A white picture and a tone for 0.2 s, then black and silence for 0.8 s."""

    fps = float(FPS)

    async def run(self) -> None:
        number = 0
        while True:
            await self.connected.wait()
            flashes = number % FPS < FLASH_FRAMES
            picture = np.full((180, 320, 3), 255 if flashes else 0, np.uint8)
            sounds = {name: sound(name, number, loud=flashes) for name in RATES}
            await self.emit(Show(main_video=picture, **sounds))
            number += 1


def sound(name: str, number: int, *, loud: bool) -> npt.NDArray[np.int16]:
    """The samples that go with the picture of that number: ``(n,)``, or ``(2, n)`` on a stereo track."""
    rate = RATES[name]
    at = np.arange(number * rate // FPS, (number + 1) * rate // FPS)
    tone = (LOUD * np.sin(2 * np.pi * TONE_HZ[name] * at / rate)).astype(np.int16) if loud else np.zeros(len(at), np.int16)
    return np.stack([tone, np.zeros_like(tone)]) if name in STEREO else tone
