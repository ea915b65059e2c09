"""InputBuffer: what clients sent, read by the model."""

import asyncio
import threading

import numpy as np
import pytest

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime import BufferClosed, InputBuffer, InputFrame, ReadMode


def frame(number: int) -> InputFrame:
    return InputFrame(VideoFrame(np.zeros(6, np.uint8), 2, 2, number))


def filled(count: int) -> InputBuffer:
    buffer = InputBuffer()
    for number in range(count):
        buffer.push(frame(number))
    return buffer


def numbers(frames: list[InputFrame] | None) -> list[int | None] | None:
    return None if frames is None else [frame.pts for frame in frames]


def test_latest_takes_the_newest_and_drops_the_rest() -> None:
    buffer = filled(5)
    assert numbers(buffer.try_read(2)) == [3, 4]
    assert buffer.available == 0
    assert buffer.total_received == 5


def test_fifo_takes_the_oldest_and_keeps_the_rest() -> None:
    buffer = filled(5)
    assert numbers(buffer.try_read(2, ReadMode.FIFO)) == [0, 1]
    assert buffer.available == 3


def test_try_read_takes_nothing_when_there_are_too_few() -> None:
    buffer = filled(2)
    assert buffer.try_read(3) is None
    assert buffer.available == 2


def test_it_holds_the_128_newest() -> None:
    buffer = filled(130)
    assert buffer.available == 128
    assert buffer.total_received == 130
    assert numbers(buffer.try_read(1, ReadMode.FIFO)) == [2]


@pytest.mark.parametrize("count", [0, -1, 129])
async def test_counts_that_can_never_be_read(count: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 128 frames can be read at once, not {count}"):
        filled(1).try_read(count)
    with pytest.raises(ValueError, match="1 to 128 frames"):
        await filled(1).read(count)


async def test_read_waits_for_enough_frames_from_another_thread() -> None:
    buffer = InputBuffer()
    reading = asyncio.create_task(buffer.read(3, timeout=5, mode=ReadMode.FIFO))
    await asyncio.sleep(0)

    def push() -> None:
        for number in range(4):
            buffer.push(frame(number))

    thread = threading.Thread(target=push)
    thread.start()
    assert numbers(await reading) == [0, 1, 2]
    thread.join()
    assert buffer.available == 1


async def test_two_readers_share_what_comes() -> None:
    buffer = InputBuffer()
    readers = [asyncio.create_task(buffer.read(timeout=5, mode=ReadMode.FIFO)) for _ in range(2)]
    await asyncio.sleep(0)
    buffer.push(frame(1))
    buffer.push(frame(2))
    assert [numbers(frames) for frames in await asyncio.gather(*readers)] == [[1], [2]]


async def test_read_gives_up_after_its_timeout() -> None:
    buffer = filled(1)
    with pytest.raises(TimeoutError):
        await buffer.read(2, timeout=0.01)
    assert buffer.available == 1
    assert numbers(await buffer.read(1, timeout=0)) == [0]


async def test_closing_ends_a_pending_read_and_refuses_what_comes_after() -> None:
    buffer = InputBuffer()
    reading = asyncio.create_task(buffer.read(2))
    await asyncio.sleep(0)
    buffer.push(frame(1))
    buffer.close()
    with pytest.raises(BufferClosed, match="the buffer is closed with 1 of 2 frames"):
        await reading
    buffer.push(frame(2))
    assert buffer.closed
    assert buffer.total_received == 1
    assert numbers(await buffer.read()) == [1]


async def test_reset_opens_it_again_and_drops_what_was_waiting() -> None:
    buffer = filled(3)
    buffer.close()
    buffer.reset()
    assert not buffer.closed
    assert buffer.available == 0
    buffer.push(frame(9))
    buffer.clear()
    assert buffer.try_read() is None


def test_pushing_to_a_reader_whose_loop_is_closed_harms_nobody() -> None:
    buffer = InputBuffer()

    async def read_nothing() -> None:
        with pytest.raises(TimeoutError):
            await buffer.read(timeout=0)

    asyncio.run(read_nothing())
    buffer.push(frame(1))
    buffer.close()
    assert buffer.available == 1


def test_a_picture_is_rgb_made_when_it_is_asked_for() -> None:
    rgb = np.full((4, 6, 3), 128, np.uint8)
    picture = InputFrame(VideoFrame.from_rgb(rgb, 7))
    assert picture.data.shape == (4, 6, 3)
    assert picture.data.dtype == np.uint8
    assert picture.data is picture.data
    assert np.abs(picture.data.astype(int) - 128).max() <= 3
    assert (picture.pts, picture.rate, picture.metadata, picture.capture_time_us) == (7, 0, None, None)


def test_sound_is_mono() -> None:
    sound = InputFrame(AudioBlock(np.array([[100, 200], [300, 400]], np.int16), 16_000))
    assert sound.data.tolist() == [[200, 300]]
    assert sound.data.dtype == np.int16
    assert sound.rate == 16_000


def test_frames_equal_only_themselves() -> None:
    assert frame(1) != frame(1)
