"""Sound at four declared rates, mono and stereo, in time with the pictures that it was emitted with."""

import asyncio
import statistics
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame
from tests.end_to_end.served import Viewer, watching

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

MODEL = "sound"
RATE = 48_000
BEATS = 5
TONE_HZ = {"telephone": 500.0, "disc": 1000.0, "studio": 750.0, "fine": 1500.0}
LOUD = 12_000
EARLIEST_S, LATEST_S = -0.045, 0.125
"""How far a beep may be from its flash: what hardly anybody notices (ITU-R BT.1359)."""


@dataclass
class Heard:
    """What has arrived of one track: when each beep began (seconds of the loop's clock), and the samples of the last one."""

    onsets: list[float] = field(default_factory=list)
    beep: list[npt.NDArray[np.int16]] = field(default_factory=list)
    beeps: list[npt.NDArray[np.int16]] = field(default_factory=list)
    quiet: int = 100


async def listen(track: MediaStreamTrack, heard: Heard) -> None:
    """Takes note of every beep; a block is 10 ms of stereo at 48 kHz."""
    while True:
        frame = await track.recv()
        assert isinstance(frame, AudioFrame)
        assert (frame.format.name, frame.layout.name, frame.sample_rate) == ("s16", "stereo", RATE)
        block = frame.to_ndarray().reshape(-1, 2).astype(np.int16, copy=False)
        loud = np.flatnonzero(np.abs(block[:, 0].astype(int)) > LOUD // 4)
        if len(loud) == 0:
            heard.quiet += 1
            if heard.quiet == 5 and heard.beep:
                heard.beeps.append(np.concatenate(heard.beep))
                heard.beep = []
            continue
        if heard.quiet >= 20:
            # A block arrives with its end: its first loud sample is as much older.
            heard.onsets.append(asyncio.get_running_loop().time() - (len(block) - int(loud[0])) / RATE)
        heard.quiet = 0
        heard.beep.append(block)


def frequency(beep: npt.NDArray[np.int16], channel: int) -> float:
    """The strongest frequency of one channel, in Hz."""
    middle = beep[len(beep) // 4 : -len(beep) // 4, channel].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 16))
    return float(np.argmax(spectrum)) * RATE / (1 << 16)


@pytest.mark.timing
async def test_flashes_and_beeps_of_all_rates_come_together(capsys: pytest.CaptureFixture[str]) -> None:
    async with watching(MODEL) as client, asyncio.TaskGroup() as group:
        heard = {name: Heard() for name in TONE_HZ}
        tracks = client.get_remote_tracks()
        ears = [group.create_task(listen(tracks[name], each)) for name, each in heard.items()]
        viewer = Viewer(client)
        flashes: list[float] = []
        while len(flashes) < BEATS:
            await viewer.until(lambda shown: shown.frame.mean() < 60)
            flashes.append((await viewer.until(lambda shown: shown.frame.mean() > 200)).at)
        await viewer.until(lambda shown: shown.frame.mean() < 60)
        await viewer.next(15)
        for ear in ears:
            ear.cancel()
    offsets = {name: offsets_of(flashes, each.onsets) for name, each in heard.items()}
    with capsys.disabled():
        print("\nsound after picture, ms:", {n: [round(o * 1e3) for o in each] for n, each in offsets.items()})
    for name, each in heard.items():
        assert len(offsets[name]) >= BEATS - 1, (name, flashes, each.onsets)
        assert EARLIEST_S < statistics.median(offsets[name]) < LATEST_S, (name, offsets)
        beep = each.beeps[-1]
        assert len(beep) / RATE == pytest.approx(0.2, abs=0.06)
        assert frequency(beep, 0) == pytest.approx(TONE_HZ[name], rel=0.02)
        right = float(np.abs(beep[:, 1].astype(int)).max())
        assert right < LOUD / 8 if name == "disc" else right > LOUD / 2


def offsets_of(flashes: list[float], onsets: list[float]) -> list[float]:
    """How long after each flash its beep began, in seconds, as far as it has one."""
    nearest = [min(onsets, key=lambda onset: abs(onset - flash), default=float("inf")) - flash for flash in flashes]
    return [offset for offset in nearest if abs(offset) < 0.4]
