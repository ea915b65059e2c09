"""Pictures and sound cross as they are."""

import os

import numpy as np
import pytest

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.isolation.arena import Arena, Borrower, Lender, shared_file
from reactor_runtime.isolation.crossing import NoRoomError, load, unload


def sides(size: int = 1 << 20) -> tuple[Lender, Borrower, list[int]]:
    descriptor = shared_file(size)
    returned: list[int] = []
    try:
        return Lender(Arena(descriptor)), Borrower(Arena(descriptor), returned.append), returned
    finally:
        os.close(descriptor)


def test_a_bundle_arrives_as_it_was_sent() -> None:
    lender, borrower, _ = sides()
    rgb = np.arange(24 * 31 * 3, dtype=np.uint8).reshape(24, 31, 3)
    picture = VideoFrame(VideoFrame.from_rgb(rgb).data, 31, 24, 123_456, "RGBX", b"tag", 99, 7)
    sound = AudioBlock(np.arange(6, dtype=np.int16).reshape(2, 3), 44_100, 77)
    (arrived,) = unload(load(({"main_video": picture, "main_audio": sound},), lender), borrower.look)
    seen, heard = arrived["main_video"], arrived["main_audio"]
    assert isinstance(seen, VideoFrame)
    assert isinstance(heard, AudioBlock)
    assert np.array_equal(seen.to_rgb(), rgb)
    assert (seen.width, seen.height, seen.timestamp_us, seen.pixels) == (31, 24, 123_456, "RGBX")
    assert (seen.metadata, seen.capture_time_us, seen.number) == (b"tag", 99, 7)
    assert (heard.samples.tolist(), heard.rate, heard.timestamp_us) == ([[0, 1, 2], [3, 4, 5]], 44_100, 77)


def test_a_picture_that_is_shown_more_than_once_crosses_once() -> None:
    lender, borrower, returned = sides()
    picture = VideoFrame.from_rgb(np.zeros((32, 32, 3), np.uint8))
    later = VideoFrame(picture.data, 32, 32, 33_333, "RGBX")
    cargo = load(({"main_video": picture}, {"main_video": later}), lender)
    assert cargo.loans == ((4096, 4096),)
    bundles = unload(cargo, borrower.look)
    assert [bundle["main_video"].timestamp_us for bundle in bundles] == [0, 33_333]
    first = bundles[0]
    del bundles
    assert returned == []
    del first
    assert returned == [4096]


def test_what_does_not_fit_is_refused_and_nothing_of_it_is_lent() -> None:
    lender, _, _ = sides(4096 + 2 * 4096)
    bundles = tuple({"main_video": VideoFrame.from_rgb(np.zeros((32, 32, 3), np.uint8))} for _ in range(3))
    with pytest.raises(NoRoomError, match="no room for 3 frames of 32x32"):
        load(bundles, lender)
    assert lender.in_use == 0
