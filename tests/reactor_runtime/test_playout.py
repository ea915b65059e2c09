"""Playout: each bundle at its time."""

import asyncio

import numpy as np

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.emission import Bundle
from reactor_runtime.pacer import Plan
from reactor_runtime.playout import Playout


def picture(number: int) -> VideoFrame:
    return VideoFrame(np.zeros(6, np.uint8), 2, 2, number)


class Sent:
    """What was delivered and when."""

    def __init__(self) -> None:
        self.bundles: list[Bundle] = []
        self.times: list[float] = []
        self.changed = asyncio.Event()
        self.playout = Playout(self._deliver)

    def _deliver(self, bundle: Bundle) -> None:
        self.bundles.append(bundle)
        self.times.append(asyncio.get_running_loop().time())
        self.changed.set()

    def stamps(self) -> list[int]:
        return [bundle["main"].timestamp_us for bundle in self.bundles]

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(40):
            while len(self.bundles) < wanted:
                self.changed.clear()
                await self.changed.wait()


async def test_what_is_due_leaves_within_the_call() -> None:
    sent = Sent()
    now = asyncio.get_running_loop().time()
    sent.playout.play(({"main": picture(1)},), Plan(now, 0.1, now))
    assert sent.stamps() == [1]


async def test_a_batch_leaves_evenly_and_in_order() -> None:
    sent = Sent()
    now = asyncio.get_running_loop().time()
    sent.playout.play(tuple({"main": picture(i)} for i in range(4)), Plan(now, 0.02, now))
    await sent.count(4)
    assert sent.stamps() == [0, 1, 2, 3]
    for index, time in enumerate(sent.times):
        assert time >= now + index * 0.02 - 0.001


async def test_the_newest_picture_of_each_track_is_remembered_and_no_sound() -> None:
    sent = Sent()
    now = asyncio.get_running_loop().time()
    sound = AudioBlock(np.zeros((1, 480), np.int16))
    sent.playout.play(({"a": picture(1), "voice": sound}, {"a": picture(2), "b": picture(3)}), Plan(now - 1, 0.1, now))
    assert {name: frame.timestamp_us for name, frame in sent.playout.newest.items()} == {"a": 2, "b": 3}


async def test_a_flush_drops_what_is_still_to_come_and_keeps_the_newest_picture() -> None:
    sent = Sent()
    now = asyncio.get_running_loop().time()
    sent.playout.play(tuple({"main": picture(i)} for i in range(50)), Plan(now, 0.2, now))
    sent.playout.flush()
    sent.playout.play(({"main": picture(99)},), Plan(now + 0.25, 0.1, now))
    await sent.count(2)
    assert sent.stamps() == [0, 99]
    assert sent.playout.newest["main"].timestamp_us == 99


async def test_clearing_also_forgets_what_was_sent() -> None:
    sent = Sent()
    now = asyncio.get_running_loop().time()
    sent.playout.play(({"main": picture(1)}, {"main": picture(2)}), Plan(now, 60.0, now))
    sent.playout.clear()
    assert sent.playout.newest == {}
    assert sent.stamps() == [1]
