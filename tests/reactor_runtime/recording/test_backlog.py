"""What waits for the encoder."""

import numpy as np

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.recording.backlog import Backlog
from reactor_runtime.recording.writer import Cut, Finish, Item, Picture, Sound


def picture(size: int = 64) -> Picture:
    return Picture(VideoFrame.from_rgb(np.zeros((size, size, 3), np.uint8)), 0.0)


def test_pictures_beyond_eight_find_no_room_until_one_is_taken() -> None:
    backlog = Backlog()
    assert [backlog.put(picture()) for _ in range(9)] == [True] * 8 + [False]
    backlog.get()
    assert backlog.put(picture())


def test_large_pictures_find_room_for_96_mebibytes_and_one_always() -> None:
    backlog, large = Backlog(), picture(3000)  # 36 MB each
    assert [backlog.put(large) for _ in range(3)] == [True, True, False]
    huge = picture(6000)  # 144 MB
    backlog = Backlog()
    assert [backlog.put(huge) for _ in range(2)] == [True, False]


def test_sounds_are_kept_when_pictures_are_not() -> None:
    backlog, sound = Backlog(), Sound(AudioBlock.from_array(np.zeros(480, np.int16)), 0.0)
    for _ in range(9):
        backlog.put(picture())
    assert [backlog.put(sound) for _ in range(513)] == [True] * 512 + [False]


def test_the_end_always_finds_room() -> None:
    backlog = Backlog()
    while backlog.put(Cut(0.0)):
        pass
    assert backlog.put(Finish(0.0))


def test_what_came_first_is_taken_first() -> None:
    backlog = Backlog()
    items: list[Item] = [Cut(0.0), picture(), Finish(1.0)]
    for item in items:
        backlog.put(item)
    assert [backlog.get() for _ in range(3)] == items
