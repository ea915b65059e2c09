"""Sound leaves just before it is heard: all of it, in order, and none after a flush. Under a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from reactor_rtc.frames import AudioBlock
from reactor_runtime.sound_feed import SoundFeed
from reactor_testing.still_loop import StillLoop

RATE = 48_000


def ramp(samples: int, start: int = 0) -> NDArray[np.int16]:
    """Samples that are told apart from one another, and none of which is silence."""
    return ((np.arange(start, start + samples) % 30_000) + 1).astype(np.int16)[np.newaxis]


class Ear:
    """What a connection is given, and when."""

    def __init__(self) -> None:
        self.loop = StillLoop()
        self.blocks: list[tuple[float, NDArray[np.int16]]] = []
        self.feed = SoundFeed(self._hear)

    def _hear(self, track: str, block: AudioBlock) -> None:
        assert track == "voice"
        assert block.rate == RATE
        assert block.samples.shape[1] % 480 == 0, "the engine would hold back what is no whole block of 10 ms"
        self.blocks.append((self.loop.time(), block.samples))

    def put(self, samples: NDArray[np.int16], rate: int = RATE) -> None:
        self.do(lambda: self.feed.put("voice", AudioBlock(samples, rate)))

    def do(self, work: Callable[[], object]) -> None:
        async def now() -> None:
            work()

        self.loop.finish(now())

    def heard(self) -> NDArray[np.int16]:
        heard: NDArray[np.int16] = np.concatenate([samples for _, samples in self.blocks], axis=1)[0]
        return heard

    def sound(self) -> NDArray[np.int16]:
        heard = self.heard()
        sound: NDArray[np.int16] = heard[heard != 0]
        return sound


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.feed.clear()
    ear.loop.close()


def test_four_seconds_in_one_piece_are_heard_to_the_end_and_not_before_their_time(ear: Ear) -> None:
    ear.put(ramp(4 * RATE))
    began = ear.loop.time()
    ear.loop.advance(4.5)
    assert np.array_equal(ear.sound(), ramp(4 * RATE)[0])
    given = 0
    for at, samples in ear.blocks:
        assert given / RATE <= at - began + 0.061
        given += samples.shape[1]


@pytest.mark.parametrize("length", [144, 480, 1_600, 20_000])
def test_pieces_of_any_length_follow_one_another(ear: Ear, length: int) -> None:
    for start in range(0, 2 * RATE, length):
        ear.put(ramp(length, start))
        ear.loop.advance(length / RATE)
    ear.loop.advance(0.3)
    heard = ear.heard()
    count = -(-2 * RATE // length) * length
    assert np.array_equal(heard[:count], ramp(count)[0]), "nothing is lost, and there is no silence in between"
    assert not heard[count:].any()


def test_pieces_that_come_up_to_50_ms_late_are_not_torn(ear: Ear) -> None:
    late = [0.0, 0.02, 0.05, 0.01, 0.0, 0.03] * 10
    began = ear.loop.time()
    for number, delay in enumerate(late):
        ear.loop.advance(max(0.0, began + number / 30 + delay - ear.loop.time()))
        ear.put(ramp(1_600, 1_600 * number))
    ear.loop.advance(0.3)
    assert np.array_equal(ear.heard()[: 1_600 * len(late)], ramp(1_600 * len(late))[0])


def test_a_flush_silences_what_was_handed_over(ear: Ear) -> None:
    ear.put(ramp(4 * RATE))
    ear.loop.advance(1.0)
    dropped = ear.feed.flush()
    unheard = dropped["voice"]
    assert isinstance(unheard, AudioBlock)
    assert unheard.samples.shape[1] == pytest.approx(2.95 * RATE, abs=0.03 * RATE)
    ear.loop.advance(1.0)
    assert len(ear.sound()) <= 1.07 * RATE
    ear.put(ramp(4_800, 7))
    ear.loop.advance(0.5)
    assert np.array_equal(ear.sound()[-4_800:], ramp(4_800, 7)[0])


def test_silence_counts_the_time_in_which_the_model_says_nothing(ear: Ear) -> None:
    ear.put(ramp(4_800))
    ear.loop.advance(3.0)
    assert len(ear.heard()) / RATE == pytest.approx(3.0, abs=0.1)
    ear.put(ramp(4_800))
    ear.loop.advance(0.5)
    assert np.array_equal(ear.sound(), np.concatenate([ramp(4_800)[0]] * 2))
    assert len(ear.heard()) / RATE == pytest.approx(3.5, abs=0.1)


def test_after_a_stall_of_the_loop_sound_keeps_its_place(ear: Ear) -> None:
    ear.put(ramp(1_600))
    ear.loop.advance(1 / 30)
    # For 0.4 s nothing runs, and then everything is there at once.
    ear.loop._now += 0.4
    ear.loop.advance(0.0)
    for number in range(1, 13):
        ear.put(ramp(1_600, 1_600 * number))
    assert len(ear.heard()) / RATE == pytest.approx(ear.loop.time(), abs=0.02)
    ear.loop.advance(0.2)
    assert np.array_equal(ear.heard()[: 1_600 * 13], ramp(1_600 * 13)[0])


def test_a_change_of_channels_is_followed(ear: Ear) -> None:
    ear.put(ramp(4_800))
    ear.loop.advance(0.05)
    ear.put(np.repeat(ramp(4_800, 4_800), 2, axis=0))
    ear.loop.advance(0.5)
    assert ear.blocks[0][1].shape[0] == 1
    assert ear.blocks[-1][1].shape[0] == 2


def test_at_the_end_of_a_session_the_next_one_hears_nothing_of_it(ear: Ear) -> None:
    ear.put(ramp(4 * RATE))
    ear.feed.clear()
    before = len(ear.blocks)
    ear.loop.advance(1.0)
    assert len(ear.blocks) == before
