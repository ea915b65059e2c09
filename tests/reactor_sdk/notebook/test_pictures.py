"""Pictures as files."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from reactor_rtc.frames import VideoFrame
from reactor_sdk import InvalidArgumentError, Picture
from reactor_sdk.notebook.pictures import jpeg


def decoded(file: bytes, form: str) -> NDArray[Any]:
    with av.open(io.BytesIO(file), "r", format=form) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def test_a_picture_shows_itself_as_png_without_loss() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (37, 51, 3), np.uint8)
    picture = Picture(rgb)
    before = rgb.copy()
    rgb[:] = 0  # the frame is the caller's again
    file = picture._repr_png_()
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    assert (decoded(file, "png_pipe") == before).all()
    assert repr(picture) == "<Picture 51x37>"


@pytest.mark.parametrize(
    "frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8), [[1]], None]
)
def test_what_is_no_picture_is_refused(frame: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="picture"):
        Picture(frame)


def test_a_live_picture_keeps_its_colours_and_its_shape() -> None:
    rgb = np.zeros((180, 320, 3), np.uint8)
    rgb[:, :160], rgb[:, 160:] = (200, 40, 40), (255, 255, 255)
    small = decoded(jpeg(VideoFrame.from_av(VideoFrame.from_rgb(rgb).to_av()), 160), "jpeg_pipe")
    assert small.shape == (90, 160, 3)
    assert np.abs(small[45, 20].astype(int) - (200, 40, 40)).max() <= 8
    assert small[45, 140].min() >= 250
    assert decoded(jpeg(VideoFrame.from_rgb(rgb), 4096), "jpeg_pipe").shape == (180, 320, 3)
