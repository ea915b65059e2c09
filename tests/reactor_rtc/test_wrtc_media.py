"""The rates that pictures are given."""

from __future__ import annotations

import pytest

from reactor_rtc.wrtc_media import bitrate_for


@pytest.mark.parametrize(
    ("width", "height", "limit", "expected"),
    [
        (1280, 720, 10_000_000, 4_008_960),
        (1920, 1080, 10_000_000, 9_020_160),
        (960, 540, 10_000_000, 2_255_040),
        (64, 64, 10_000_000, 2_000_000),
        (1280, 720, 3_000_000, 3_000_000),
        (64, 64, 1_000_000, 1_000_000),
    ],
)
def test_a_picture_gets_a_rate_for_its_size_within_the_limit(width: int, height: int, limit: int, expected: int) -> None:
    assert bitrate_for(width, height, limit) == expected
