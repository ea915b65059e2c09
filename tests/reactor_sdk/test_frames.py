from __future__ import annotations

import asyncio
import gc
import logging

import numpy as np
import pytest

from reactor_rtc.frames import RgbArray, VideoFrame
from reactor_sdk.frames import FrameFeed, FrameStream, Outlet


def picture(level: int) -> VideoFrame:
    return VideoFrame.from_rgb(np.full((8, 16, 3), level, np.uint8))


async def always(_name: str) -> None:
    """Every track may be watched."""


async def test_an_outlet_keeps_the_newest() -> None:
    outlet: Outlet[int] = Outlet()
    outlet.put(1)
    outlet.put(2)
    assert await outlet.get() == 2


async def test_an_outlet_with_room_drops_the_oldest() -> None:
    outlet: Outlet[int] = Outlet(2)
    for number in (1, 2, 3):
        outlet.put(number)
    assert [await outlet.get(), await outlet.get()] == [2, 3]


async def test_an_outlet_that_ends_wakes_its_readers() -> None:
    outlet: Outlet[int] = Outlet()
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(outlet.get()) for _ in range(2)]
        await asyncio.sleep(0)
        outlet.end()
    assert [reader.result() for reader in readers] == [None, None]


def test_the_callback_gets_its_own_writable_rgb_array() -> None:
    feed, seen = FrameFeed(), list[RgbArray]()
    feed.callback = seen.append
    frame = picture(200)
    feed.deliver("main_video", frame, is_main=True)
    feed.deliver("main_video", frame, is_main=True)
    assert [(each.shape, str(each.dtype), each.flags.writeable) for each in seen] == [((8, 16, 3), "uint8", True)] * 2
    assert abs(int(seen[0][0, 0, 0]) - 200) < 3
    seen[0][:] = 0
    assert seen[1].any()


def test_the_callback_sees_only_the_main_video() -> None:
    feed, seen = FrameFeed(), list[RgbArray]()
    feed.callback = seen.append
    feed.deliver("depth", picture(1), is_main=False)
    assert seen == []


def test_nothing_is_converted_when_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    feed, frame = FrameFeed(), picture(1)
    monkeypatch.setattr(VideoFrame, "to_rgb", lambda _self: pytest.fail("converted for nobody"))
    feed.deliver("main_video", frame, is_main=True)
    outlet = feed.subscribe("main_video")
    feed.deliver("main_video", frame, is_main=True)
    assert outlet is not None


def test_a_callback_that_raises_is_logged_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    feed, calls = FrameFeed(), list[int]()

    def broken(_frame: RgbArray) -> None:
        calls.append(1)
        raise ValueError("boom")

    feed.callback = broken
    with caplog.at_level(logging.ERROR):
        for _ in range(50):
            feed.deliver("main_video", picture(1), is_main=True)
    assert len(calls) == 50
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "boom" in caplog.text


async def test_a_stream_gives_the_newest_frame_and_ends_with_the_feed() -> None:
    feed = FrameFeed()
    stream, other = FrameStream("main_video", feed, always), FrameStream("main_video", feed, always)
    stream.open()
    other.open()
    for level in (10, 100):
        feed.deliver("main_video", picture(level), is_main=True)
    assert abs(int((await anext(stream))[0, 0, 0]) - 100) < 3
    assert abs(int((await anext(other))[0, 0, 0]) - 100) < 3
    feed.end()
    assert [frame async for frame in stream] == []


async def test_a_stream_is_checked_with_its_first_frame() -> None:
    async def refuse(name: str) -> None:
        raise LookupError(name)

    with pytest.raises(LookupError, match="depth"):
        await anext(FrameStream("depth", FrameFeed(), refuse))


async def test_a_stream_that_nobody_holds_costs_nothing() -> None:
    feed = FrameFeed()
    outlet = feed.subscribe("main_video")
    assert len(feed._outlets["main_video"]) == 1
    del outlet
    gc.collect()
    assert len(feed._outlets["main_video"]) == 0


async def test_a_reader_that_comes_late_has_the_newest_frame_at_once() -> None:
    feed = FrameFeed()
    feed.deliver("main_video", picture(10), is_main=True)
    newest, other = picture(20), picture(30)
    feed.deliver("main_video", newest, is_main=True)
    feed.deliver("depth", other, is_main=False)
    outlet = feed.subscribe("main_video")
    async with asyncio.timeout(20):
        assert await outlet.get() is newest


async def test_a_reader_that_comes_after_a_drop_waits_for_a_frame_of_the_next_connection() -> None:
    feed = FrameFeed()
    feed.deliver("main_video", picture(10), is_main=True)
    feed.grow_stale()
    outlet, later = feed.subscribe("main_video"), picture(20)
    feed.deliver("main_video", later, is_main=True)
    async with asyncio.timeout(20):
        assert await outlet.get() is later


async def test_a_reader_never_has_the_frame_of_a_session_that_is_over() -> None:
    feed = FrameFeed()
    feed.deliver("main_video", picture(10), is_main=True)
    feed.end()
    of_the_next_session = picture(20)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        reader = group.create_task(feed.subscribe("main_video").get())
        await asyncio.sleep(0)
        assert not reader.done()
        feed.deliver("main_video", of_the_next_session, is_main=True)
    assert reader.result() is of_the_next_session


class Awaited:
    """A frame callback that takes as long as the test says."""

    def __init__(self) -> None:
        self.levels: list[int] = []
        self.ended = 0
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()

    async def __call__(self, frame: RgbArray) -> None:
        self.levels.append(round(int(frame[0, 0, 0]), -1))
        self.begun.set()
        await self.go_on.wait()
        self.ended += 1


async def test_a_coroutine_function_is_called_again_with_the_newest_frame_when_it_is_through() -> None:
    feed, callback = FrameFeed(), Awaited()
    feed.callback = callback
    for level in (50, 100, 150, 200):
        feed.deliver("main_video", picture(level), is_main=True)
    await callback.begun.wait()
    callback.go_on.set()
    await feed.settle(5.0)
    assert callback.levels == [50, 200]
    assert callback.ended == 2
    feed.deliver("main_video", picture(100), is_main=True)
    await feed.settle(5.0)
    assert callback.levels == [50, 200, 100]


async def test_a_coroutine_function_that_raises_is_logged_and_called_again(caplog: pytest.LogCaptureFixture) -> None:
    feed, calls = FrameFeed(), list[int]()

    async def broken(_frame: RgbArray) -> None:
        calls.append(1)
        await asyncio.sleep(0)
        raise ValueError("boom")

    feed.callback = broken
    for level in (50, 100):
        feed.deliver("main_video", picture(level), is_main=True)
    await feed.settle(5.0)
    assert len(calls) == 2
    assert caplog.text.count("ValueError: boom") == 1


async def test_no_frame_of_a_session_that_is_over_reaches_the_callback() -> None:
    feed, callback = FrameFeed(), Awaited()
    feed.callback = callback
    for level in (50, 100):
        feed.deliver("main_video", picture(level), is_main=True)
    await callback.begun.wait()
    feed.end()
    callback.go_on.set()
    await feed.settle(5.0)
    assert callback.levels == [50]
