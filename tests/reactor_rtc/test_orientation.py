"""Whatever marks how a frame is turned, its pixels arrive upright."""

from __future__ import annotations

import asyncio

import av
import numpy as np
import pytest
import webrtc
from numpy.typing import NDArray
from tests.reactor_rtc.clips import clip, first_frame, turned

from reactor_rtc import wrtc_media
from reactor_rtc.frames import VideoFrame
from reactor_rtc.peer_proxy import make_peer
from reactor_testing.peer_pairs import FRAME_S, LIMIT_S, SECTIONS, connected

NAMES = {(200, 40, 40): "R", (40, 200, 40): "G", (40, 40, 200): "B", (200, 200, 200): "W"}
ONE = 0x10000


def corners(rgb: NDArray[np.uint8]) -> str:
    """The colours of the four quarters, as one reads: top left, top right, bottom left, bottom right."""
    height, width = rgb.shape[:2]
    seen = [rgb[y, x].astype(int) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return "".join(_name(colour) for colour in seen)


def _name(colour: NDArray[np.int_]) -> str:
    return NAMES[min(NAMES, key=lambda known: int(np.abs(colour - np.array(known)).sum()))]


def stored(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """What the sensor sees: red and green above, blue and white below."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = (200, 40, 40), (40, 200, 40)
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = (40, 40, 200), (200, 200, 200)
    return picture


@pytest.mark.parametrize(
    ("matrix", "size", "right"),
    [
        ((ONE, 0, 0, ONE), (64, 48), "RGBW"),
        ((0, ONE, -ONE, 0), (48, 64), "BRWG"),
        ((-ONE, 0, 0, -ONE), (64, 48), "WBGR"),
        ((0, -ONE, ONE, 0), (48, 64), "GWRB"),
        ((-ONE, 0, 0, ONE), (64, 48), "GRWB"),
        ((ONE, 0, 0, -ONE), (64, 48), "BWRG"),
        ((0, ONE, ONE, 0), (48, 64), "RBGW"),
        ((0, -ONE, -ONE, 0), (48, 64), "WGBR"),
    ],
    ids=["upright", "90", "180", "270", "mirrored", "flipped", "transposed", "antitransposed"],
)
def test_a_file_is_turned_as_its_display_matrix_says(
    matrix: tuple[int, int, int, int], size: tuple[int, int], right: str
) -> None:
    a, b, c, d = matrix
    made = av.VideoFrame.from_ndarray(stored(), format="rgb24").reformat(format="yuv420p")
    frame = first_frame(turned(clip([made]), (a, b, 0, c, d, 0, 0, 0, 1 << 30)))
    sent = VideoFrame.from_av(frame)
    assert (sent.width, sent.height) == size
    assert corners(sent.to_rgb()) == right


@pytest.mark.parametrize(("rotation", "right"), [(0, "RGBW"), (90, "BRWG"), (180, "WBGR"), (270, "GWRB")])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (63, 47)])
def test_packed_planes_are_turned_clockwise(rotation: int, right: str, width: int, height: int) -> None:
    upright = VideoFrame.from_av(av.VideoFrame.from_ndarray(stored(width, height), format="rgb24"))
    frame = VideoFrame.from_i420(upright.data, (width, height), 7, rotation)
    assert (frame.width, frame.height) == ((height, width) if rotation in (90, 270) else (width, height))
    assert frame.timestamp_us == 7
    assert corners(frame.to_rgb()) == right


@pytest.mark.network
@pytest.mark.parametrize(("rotation", "size", "right"), [(90, (120, 160), "BRWG"), (270, (120, 160), "GWRB")])
async def test_what_a_phone_marks_on_the_wire_arrives_upright(
    rotation: int, size: tuple[int, int], right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: list[int] = []

    def mark(frame: VideoFrame) -> webrtc.VideoFrame:
        marked.append(rotation)
        told = webrtc.VideoFrameBufferInit(
            format=frame.pixels, coded_width=frame.width, coded_height=frame.height, timestamp=0, rotation=rotation
        )
        return webrtc.VideoFrame(frame.data.data, told)

    monkeypatch.setattr(wrtc_media, "_engine_video", mark)
    async with connected(make_peer, make_peer) as pair, asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        mid = pair.mids[next(place for place, section in enumerate(SECTIONS) if section.direction == "send")]
        sending = group.create_task(_film(lambda frame: pair.offerer.send_media(mid, frame)))
        async for media in pair.answerer.media(mid):
            assert isinstance(media, VideoFrame)
            if (media.width, media.height) == size:
                break
        sending.cancel()
    assert marked
    assert isinstance(media, VideoFrame)
    assert corners(media.to_rgb()) == right


async def _film(send: object) -> None:
    assert callable(send)
    while True:
        send(VideoFrame.from_rgb(stored(160, 120)))
        await asyncio.sleep(FRAME_S)
