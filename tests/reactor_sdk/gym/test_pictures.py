"""The picture that a command led to, found among those that come; its size; and what the model says of the step."""

import asyncio

import numpy as np
import pytest

from reactor_rtc.frames import VideoFrame
from reactor_sdk.frames import FrameFeed, Outlet
from reactor_sdk.gym.pictures import KEPT, observed, picture_from
from reactor_sdk.gym.tally import Tally, Verdict


def numbered(number: int | None) -> VideoFrame:
    return VideoFrame(np.zeros(6, np.uint8), 2, 2, number=number)


async def found_among(wanted: int, *numbers: int | None) -> tuple[int, int] | None:
    """Number of the picture that is found, and how many were missed."""
    outlet: Outlet[VideoFrame] = Outlet(KEPT)
    for number in numbers:
        outlet.put(numbered(number))
    async with asyncio.timeout(20):
        found = await picture_from(outlet, wanted)
    return (found.number, found.skipped) if found is not None else None


async def test_it_is_the_one_of_that_number_however_many_came_before_the_acknowledgement() -> None:
    assert await found_among(7, 5, 6, 7, 8, 9) == (7, 0)
    assert await found_among(0, 0, 1) == (0, 0)


async def test_of_one_that_was_lost_it_is_the_next() -> None:
    assert await found_among(7, 5, 6, 9, 10) == (9, 2)


async def test_what_has_no_number_is_not_the_models() -> None:
    assert await found_among(7, None, 7) == (7, 0)


async def test_it_may_come_later_than_it_is_looked_for() -> None:
    outlet: Outlet[VideoFrame] = Outlet(KEPT)
    outlet.put(numbered(6))
    looking = asyncio.ensure_future(picture_from(outlet, 7))
    await asyncio.sleep(0)
    assert not looking.done()
    outlet.put(numbered(7))
    async with asyncio.timeout(20):
        found = await looking
    assert found is not None
    assert found.number == 7


async def test_none_is_found_where_no_more_will_come() -> None:
    outlet: Outlet[VideoFrame] = Outlet(KEPT)
    looking = asyncio.ensure_future(picture_from(outlet, 7))
    await asyncio.sleep(0)
    outlet.end()
    async with asyncio.timeout(20):
        assert await looking is None


async def test_a_feed_keeps_as_many_pictures_as_its_reader_wants() -> None:
    feed = FrameFeed()
    one, three = feed.subscribe("main_video"), feed.subscribe("main_video", 3)
    for number in range(5):
        feed.deliver("main_video", numbered(number), is_main=False)
    assert [(await one.get() or numbered(None)).number] == [4]
    assert [(await three.get() or numbered(None)).number for _ in range(3)] == [2, 3, 4]


def test_each_pixel_of_a_smaller_picture_is_the_mean_of_its_area() -> None:
    rgb = np.zeros((64, 96, 3), np.uint8)
    rgb[:, 48:] = (200, 100, 40)
    rgb[::2, :48] = 100
    small = observed(rgb, (8, 12))
    assert small.shape == (8, 12, 3)
    assert small.dtype == np.uint8
    assert np.abs(small[:, 6:].astype(int) - (200, 100, 40)).max() <= 2
    assert np.abs(small[:, :6].astype(int) - 50).max() <= 2


def test_a_picture_of_that_size_stays_as_it_is() -> None:
    rgb = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(observed(rgb, (4, 6)), rgb)


def test_what_the_model_says_is_added_up_until_it_is_taken() -> None:
    tally = Tally()
    for data in ({"reward": 1}, {"reward": 0.5, "terminated": False}, {"truncated": True}, {"other": 3}):
        tally.hear({"type": "scored", "data": data})
    assert tally.take() == Verdict(1.5, False, True)
    assert tally.take() == Verdict(0.0, False, False)
    tally.hear({"type": "scored", "data": {"terminated": True}})
    assert tally.take() == Verdict(0.0, True, False)


@pytest.mark.parametrize("data", [{"reward": "1"}, {"reward": True}, {"reward": float("nan")}, {"reward": 10**400}, None, [1]])
def test_what_is_no_reward_counts_nothing(data: object) -> None:
    tally = Tally()
    tally.hear({"type": "scored", "data": data})
    tally.hear({"type": "scored", "data": {"terminated": 1, "truncated": "yes"}})
    assert tally.take() == Verdict(0.0, False, False)
