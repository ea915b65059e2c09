"""Sound that a model hands over long before it is heard: all of it arrives, at its pitch, and none of it after a flush."""

import asyncio

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame
from tests.end_to_end.served import watching

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

MODEL = "voice"
RATE = 48_000
LOUD = 12_000


class Ear:
    """Listens to a track: what was loud, and when something last was (seconds of the loop's clock)."""

    def __init__(self, track: MediaStreamTrack) -> None:
        self._track = track
        self.loud: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
        self.at = 0.0
        self.changed = asyncio.Event()

    async def listen(self) -> None:
        while True:
            frame = await self._track.recv()
            assert isinstance(frame, AudioFrame)
            block = frame.to_ndarray().reshape(-1, 2)[:, 0].astype(np.int16)
            if np.abs(block.astype(int)).max() > LOUD // 4:
                self.loud.append(block)
                self.at = asyncio.get_running_loop().time()
            self.changed.set()

    async def until(self, seconds: float = 0.0, quiet_s: float = 0.0) -> None:
        """Waits for so much loud sound, and then for so much quiet."""
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(30):
            while len(self.loud) * 0.01 < seconds or now() - self.at < quiet_s:
                self.changed.clear()
                await self.changed.wait()


@pytest.mark.timing
async def test_a_flush_is_heard_within_three_tenths_of_a_second() -> None:
    async with watching(MODEL) as client, asyncio.TaskGroup() as group:
        ear = Ear(client.get_remote_tracks()["voice"])
        listening = group.create_task(ear.listen())
        await client.send_command("say", {"seconds": 6.0})
        await ear.until(seconds=0.5)
        await client.send_command("hush", {})
        flushed = asyncio.get_running_loop().time()
        await ear.until(quiet_s=0.8)
        assert ear.at - flushed < 0.3
        listening.cancel()


async def test_a_sentence_of_four_seconds_is_heard_to_its_end_and_at_its_pitch() -> None:
    async with watching(MODEL) as client, asyncio.TaskGroup() as group:
        ear = Ear(client.get_remote_tracks()["voice"])
        listening = group.create_task(ear.listen())
        await client.send_command("say", {"seconds": 4.0})
        await ear.until(seconds=3.0, quiet_s=0.5)
        listening.cancel()
    heard = np.concatenate(ear.loud).astype(float)
    # The receiver shortens and stretches sound a little to keep its buffer short.
    assert len(heard) / RATE == pytest.approx(4.0, abs=0.4)
    middle = heard[RATE : 2 * RATE]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 19))
    assert float(np.argmax(spectrum)) * RATE / (1 << 19) == pytest.approx(440.0, abs=0.5)
