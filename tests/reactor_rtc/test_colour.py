"""Colour of what is published: whatever range, matrix and transfer a file has, the right colour comes out."""

from __future__ import annotations

import av
import numpy as np
import pytest
from tests.reactor_rtc.clips import Colour, clip, first_frame, middle, planes

from reactor_rtc.frames import VideoFrame

SD, HD = (320, 240), (1280, 720)
BT709 = Colour(matrix=1, span=1, transfer=1, primaries=1)
PURPLE, SKIN, WHITE = (200, 40, 200), (224, 172, 140), (255, 255, 255)
PURPLE_709, PURPLE_601 = (89, 182, 192), (107, 175, 187)
"""The same colour in both matrices, limited range (ITU-R BT.709, BT.601)."""


def shown(frame: av.VideoFrame) -> tuple[int, int, int]:
    """The colour of what is sent of a frame, read as BT.601 limited range."""
    sent = VideoFrame.from_av(frame)
    assert sent.pixels == "I420"
    count, quarter = sent.width * sent.height, ((sent.width + 1) // 2) * ((sent.height + 1) // 2)
    y, u, v = (float(np.median(part)) for part in np.split(sent.data.astype(float), [count, count + quarter]))
    luma, blue, red = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
    return round(luma + 1.402 * red), round(luma - 0.344136 * blue - 0.714136 * red), round(luma + 1.772 * blue)


def is_near(seen: tuple[int, int, int], right: tuple[int, int, int]) -> bool:
    return max(abs(one - other) for one, other in zip(seen, right, strict=True)) <= 5


@pytest.mark.parametrize(
    ("yuv", "told", "size", "right"),
    [
        (PURPLE_709, BT709, SD, PURPLE),
        (PURPLE_709, BT709, HD, PURPLE),
        (PURPLE_601, Colour(matrix=6, span=1), SD, PURPLE),
        (PURPLE_601, Colour(matrix=5, span=1), HD, PURPLE),
        ((184, 103, 157), Colour(matrix=5, span=2), SD, SKIN),
        ((183, 105, 150), Colour(matrix=1, span=2), HD, (218, 177, 140)),
        ((255, 128, 128), Colour(matrix=1, span=2), SD, WHITE),
        ((95, 179, 193), Colour(matrix=9, span=1), HD, PURPLE),
    ],
    ids=["709", "709-hd", "601", "601-hd", "full", "full-709-hd", "full-white", "bt2020"],
)
def test_a_file_arrives_in_its_colours(
    yuv: tuple[int, int, int], told: Colour, size: tuple[int, int], right: tuple[int, int, int]
) -> None:
    frame = first_frame(clip([planes(yuv, size)], told))
    assert frame.colorspace == told.matrix
    seen = shown(frame)
    assert is_near(seen, right), seen


@pytest.mark.parametrize(
    ("size", "yuv"), [(SD, PURPLE_601), ((720, 576), PURPLE_601), (HD, PURPLE_709), ((1920, 1080), PURPLE_709)]
)
def test_a_file_that_does_not_say_is_taken_as_players_take_it(size: tuple[int, int], yuv: tuple[int, int, int]) -> None:
    seen = shown(first_frame(clip([planes(yuv, size)])))
    assert is_near(seen, PURPLE), seen


FORMATS = ["rgb24", "bgr24", "rgba", "bgra", "gbrp", "yuv420p", "yuvj420p", "yuv444p", "nv12", "yuyv422"]


@pytest.mark.parametrize("pixels", FORMATS)
def test_a_frame_that_a_program_made_keeps_its_colour(pixels: str) -> None:
    made = av.VideoFrame.from_ndarray(np.full((720, 1280, 3), PURPLE, np.uint8), format="rgb24")
    span = 2 if pixels.startswith("yuvj") else 1
    frame = made if pixels == "rgb24" else made.reformat(format=pixels, dst_colorspace=5, dst_color_range=span)
    frame.colorspace, frame.color_range = 2, 0
    seen = shown(frame)
    assert is_near(seen, PURPLE), seen


@pytest.mark.parametrize("grey", [0, 90, 200, 255])
def test_grey_keeps_its_light(grey: int) -> None:
    seen = shown(av.VideoFrame.from_ndarray(np.full((48, 64), grey, np.uint8), format="gray"))
    assert is_near(seen, (grey, grey, grey)), seen


HDR10 = Colour(matrix=9, span=1, transfer=16, primaries=9)
HLG = Colour(matrix=9, span=1, transfer=18, primaries=9)


@pytest.mark.parametrize(
    ("told", "code", "right"),
    [
        (HDR10, 572, 255),  # 203 nits, the white of ITU-R BT.2408
        (HDR10, 509, 190),  # 100 nits
        (HDR10, 64, 0),
        (HDR10, 940, 255),
        (HLG, 721, 255),  # three quarters of the signal: 203 nits on a display of 1,000
        (HLG, 64, 0),
    ],
)
def test_white_of_hdr_arrives_white(told: Colour, code: int, right: int) -> None:
    frame = first_frame(clip([planes((code, 512, 512), SD, "yuv420p10le")], told))
    assert (frame.format.name, frame.color_trc) == ("yuv420p10le", told.transfer)
    seen = shown(frame)
    assert is_near(seen, (right, right, right)), seen


def test_a_saturated_colour_of_hdr_arrives_as_that_colour() -> None:
    # (200, 40, 200) of SDR at 203 nits, in the primaries of BT.2020 and PQ (ITU-R BT.2087, SMPTE ST 2084).
    frame = first_frame(clip([planes((385, 581, 582), SD, "yuv420p10le")], HDR10))
    seen = shown(frame)
    assert is_near(seen, PURPLE), seen


def test_what_is_received_says_its_colour() -> None:
    frame = VideoFrame.from_rgb(np.full((720, 1280, 3), PURPLE, np.uint8)).to_av()
    assert (frame.colorspace, frame.color_range) == (6, 1)
    assert is_near(middle(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)), PURPLE)
    assert is_near(shown(frame), PURPLE)
