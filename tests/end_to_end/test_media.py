"""What a model may do with its pictures, seen by our client: sizes, rates, batches, dropped frames, flushes and gaps."""

import asyncio
import statistics
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.end_to_end.served import Shown, Viewer, watching

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

MODEL = "media"


async def play(viewer: Viewer, **what: Any) -> int:
    """Has the model play something else; the number, modulo 256, of its first picture."""
    reply = await viewer.client.send_command("play", what)
    assert reply is not None
    number: int = reply["data"]["number"]
    return number % 256


def behind(number: int, first: int) -> int:
    """How many pictures ``number`` is behind ``first``, modulo 256."""
    return (number - first) % 256


def is_since(shown: Shown, first: int) -> bool:
    """Whether the picture is of what has been played since ``first``."""
    return shown.number is not None and behind(shown.number, first) < 128


def since(first: int) -> Callable[[Shown], bool]:
    return lambda shown: is_since(shown, first)


def periods(shown: list[Shown]) -> list[float]:
    return [b.at - a.at for a, b in pairwise(shown)]


def steps(shown: list[Shown]) -> list[int]:
    """By how much the numbers of pictures grow, one after the other."""
    numbers = [each.number for each in shown]
    assert None not in numbers
    return [((b or 0) - (a or 0)) % 256 for a, b in pairwise(numbers)]


async def test_each_output_track_shows_its_own_picture() -> None:
    async with watching(MODEL) as client:
        main, side = Viewer(client), Viewer(client, "side_video")
        assert (await main.until(lambda shown: shown.number is not None)).frame.shape == (240, 320, 3)
        blue = (await side.next(1))[0].frame
        assert blue.shape == (120, 160, 3)
        assert np.abs(blue.mean(axis=(0, 1)) - (40, 60, 200)).max() < 12


async def test_a_track_that_is_paused_leaves_the_other_alone() -> None:
    async with watching(MODEL) as client:
        main, side = Viewer(client), Viewer(client, "side_video")
        await main.next(1)
        await side.next(1)
        await client.pause_track("side_video")
        first = await play(main, width=160, height=120)
        await main.until(since(first))
        await main.next(15)
        await client.resume_track("side_video")
        await side.next(2)


@pytest.mark.timing
async def test_the_rate_changes_while_the_model_runs() -> None:
    async with watching(MODEL) as client:
        viewer = Viewer(client)
        for fps in (10.0, 40.0, 5.0):
            first = await play(viewer, fps=fps)
            await viewer.until(since(first))
            shown = await viewer.next(10)
            assert statistics.median(periods(shown)) == pytest.approx(1 / fps, rel=0.2)


@pytest.mark.timing
async def test_a_batch_is_played_out_evenly_and_whole() -> None:
    async with watching(MODEL) as client:
        viewer = Viewer(client)
        first = await play(viewer, act="batch", fps=20.0, count=10)
        await viewer.until(since(first))
        shown = await viewer.next(30)
        assert statistics.median(periods(shown)) == pytest.approx(0.05, rel=0.2)
        assert steps(shown).count(1) >= 26, "a viewer that is late skips a picture, and sees none twice"
        assert 0 not in steps(shown)


@pytest.mark.timing
async def test_a_model_that_drops_is_never_held_and_its_viewers_see_the_rate() -> None:
    async with watching(MODEL) as client:
        viewer = Viewer(client)
        first = await play(viewer, act="drop", fps=10.0, width=64, height=48)
        await viewer.until(since(first))
        shown = await viewer.next(8)
        assert statistics.median(periods(shown)) == pytest.approx(0.1, rel=0.2)
        # It makes a picture in well under the tenth of a second for which it would be held.
        assert statistics.median(steps(shown)) > 5


@pytest.mark.parametrize("hold", [False, True])
async def test_a_flush_drops_the_rest_of_a_batch(hold: bool) -> None:
    """A batch of 6 s is cut after its first pictures: to black at once, or the last picture stays."""
    async with watching(MODEL) as client:
        viewer = Viewer(client)
        first = await play(viewer, act="batch", fps=10.0, count=60)
        await viewer.until(since(first))
        await viewer.next(3)
        await client.send_command("flush", {"hold": hold})
        if not hold:
            black = await viewer.until(lambda shown: shown.frame.max() < 40)
            assert black.frame.shape == (240, 320, 3)
        first = await play(viewer, fps=10.0, width=64, height=48)
        seen = [*await viewer.next(1)]
        while seen[-1].frame.shape != (48, 64, 3):
            seen += await viewer.next(1)
        assert not any(hold and shown.frame.max() < 40 for shown in seen)
        # Nothing of the batch comes any more, of which 5 s were still to be played.
        later = await viewer.next(10)
        assert {shown.frame.shape for shown in later} == {(48, 64, 3)}
        assert is_since(later[-1], first)


@pytest.mark.timing
async def test_a_model_that_emits_nothing_for_5_s_keeps_its_viewers_and_a_late_one_sees_its_last_picture() -> None:
    first_of_late: asyncio.Queue[Shown] = asyncio.Queue()
    now = asyncio.get_running_loop().time
    async with watching(MODEL) as client:
        viewer = Viewer(client)
        last = (await viewer.next(2))[-1]
        await client.send_command("rest", {"seconds": 5.0})
        async with watching(MODEL, lambda frame: first_of_late.put_nowait(Shown(now(), frame))):
            late = await first_of_late.get()
            assert late.at - last.at < 4.0
            # Some pictures were on their way when the command was given.
            seen = [last, *await viewer.next(5)]
            assert late.number in [shown.number for shown in seen[:3]]
            assert 4.5 <= max(periods(seen)) < 8.0
        assert client.get_status() == "ready"
        assert statistics.median(periods(await viewer.next(10))) == pytest.approx(1 / 30, rel=0.3)


def is_shaped(shape: tuple[int, int, int]) -> Callable[[Shown], bool]:
    return lambda shown: shown.frame.shape == shape


SIZES = [(641, 359), (1280, 720), (322, 181), (64, 48), (33, 17), (320, 240)]


async def test_the_size_changes_while_the_model_runs_and_odd_ones_are_shown_whole() -> None:
    async with watching(MODEL) as client:
        viewer = Viewer(client)
        for width, height in SIZES:
            first = await play(viewer, width=width, height=height)
            shape = (height, width, 3)
            shown = await viewer.until(is_shaped(shape))
            later = (await viewer.next(5))[-1]
            assert is_since(shown, first)
            assert later.frame.shape == shape
            # The lower half is grey to its last row and column.
            assert np.abs(later.frame[height // 2 + 2 :].astype(int) - 128).max() < 40
