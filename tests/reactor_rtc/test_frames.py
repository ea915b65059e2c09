"""Pictures and sound between NumPy, PyAV and I420."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.frames import AudioBlock, VideoFrame

SIZES = [(2, 2), (3, 3), (3, 2), (2, 3), (16, 9), (121, 91), (160, 120), (62, 34), (319, 240), (480, 270), (640, 361)]


def gradient(width: int, height: int) -> NDArray[np.uint8]:
    """A smooth picture, which survives the loss of half the colour."""
    x = np.linspace(40, 200, width)[np.newaxis, :, np.newaxis]
    y = np.linspace(40, 200, height)[:, np.newaxis, np.newaxis]
    return np.broadcast_to(np.concatenate([x + 0 * y, y + 0 * x, 0 * x + 0 * y + 90], axis=2), (height, width, 3)).astype(
        np.uint8
    )


def flat(colour: tuple[int, int, int], width: int = 32, height: int = 24) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    assert first.shape == second.shape
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


# --------------------------------------------------------------------------------------------------------- video


def i420(rgb: NDArray[np.uint8], timestamp_us: int = 0) -> VideoFrame:
    """The picture as a decoder gives it."""
    return VideoFrame.from_av(VideoFrame.from_rgb(rgb).to_av(), timestamp_us)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_rgb_there_and_back(width: int, height: int) -> None:
    rgb = gradient(width, height)
    frame = VideoFrame.from_rgb(rgb, 33_000)
    assert (frame.width, frame.height, frame.timestamp_us) == (width, height, 33_000)
    assert frame.data.dtype == np.uint8
    assert frame.data.ndim == 1
    assert difference(frame.to_rgb(), rgb) < 4


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_rgb_to_i420_and_back(width: int, height: int) -> None:
    # Of a picture of a few pixels the colours run into one another.
    rgb = gradient(width, height) if min(width, height) > 8 else flat((120, 90, 60), width, height)
    frame = i420(rgb, 33_000)
    assert (frame.width, frame.height, frame.timestamp_us, frame.pixels) == (width, height, 33_000, "I420")
    chroma = ((width + 1) // 2) * ((height + 1) // 2)
    assert frame.data.shape == (width * height + 2 * chroma,)
    back = frame.to_rgb()
    assert back.dtype == np.uint8
    assert difference(back, rgb) < 4


@pytest.mark.parametrize(
    ("colour", "yuv"),
    [
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 0), (16, 128, 128)),
        ((255, 0, 0), (81, 90, 240)),
        ((0, 255, 0), (145, 54, 34)),
        ((0, 0, 255), (41, 240, 110)),
    ],
)
def test_the_planes_are_bt601_limited(colour: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    data = i420(flat(colour)).data.astype(int)
    size, quarter = 32 * 24, 16 * 12
    planes = data[:size], data[size : size + quarter], data[size + quarter :]
    for plane, expected in zip(planes, yuv, strict=True):
        assert np.abs(plane - expected).max() <= 2


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 30, 30), (30, 200, 30), (30, 30, 200)])
@pytest.mark.parametrize("size", [(32, 24), (31, 23)])
def test_colours_keep(colour: tuple[int, int, int], size: tuple[int, int]) -> None:
    rgb = flat(colour, *size)
    for frame in (VideoFrame.from_rgb(rgb), i420(rgb)):
        assert np.abs(frame.to_rgb().astype(int) - rgb).max() <= 4


@pytest.mark.parametrize(
    "view",
    [
        lambda rgb: rgb[::2, ::2],
        lambda rgb: rgb[:, ::-1],
        lambda rgb: rgb[::-1],
        lambda rgb: rgb[10:50, 7:48],
        lambda rgb: rgb[..., ::-1],
        lambda rgb: rgb.transpose(1, 0, 2),
        lambda rgb: np.asfortranarray(rgb),
    ],
    ids=["strided", "mirrored", "flipped", "cropped", "bgr", "transposed", "fortran"],
)
def test_views_are_read_as_they_look(view: Any) -> None:
    seen = view(gradient(160, 120))
    assert not seen.flags.c_contiguous
    assert np.array_equal(VideoFrame.from_rgb(seen).data, VideoFrame.from_rgb(seen.copy()).data)


def test_a_read_only_array_is_read() -> None:
    rgb = flat((10, 20, 30))
    rgb.flags.writeable = False
    assert VideoFrame.from_rgb(rgb).width == 32


def test_a_frame_does_not_share_memory_with_its_source() -> None:
    rgb = flat((200, 30, 30))
    frame = VideoFrame.from_rgb(rgb)
    rgb[:] = 0
    assert frame.to_rgb()[5, 5, 0] > 190


@pytest.mark.parametrize("size", [(64, 48), (62, 34), (33, 17)])
@pytest.mark.parametrize("make", [VideoFrame.from_rgb, i420])
def test_rgb_is_the_callers_own(make: Callable[[NDArray[np.uint8]], VideoFrame], size: tuple[int, int]) -> None:
    frame = make(flat((200, 30, 30), *size))
    first = frame.to_rgb()
    kept = frame.data.copy()
    first[:] = 7
    assert np.array_equal(frame.data, kept)
    assert frame.to_rgb()[5, 5, 0] > 190
    assert (first == 7).all()


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((24, 32), np.uint8),
        np.zeros((24, 32, 4), np.uint8),
        np.zeros((24, 32, 1), np.uint8),
        np.zeros((3, 24, 32), np.uint8),
        np.zeros((1, 24, 32, 3), np.uint8),
        np.zeros((24, 32, 3), np.float32),
        np.zeros((24, 32, 3), np.int8),
        np.zeros((24, 32, 3), np.uint16),
    ],
    ids=lambda array: f"{array.shape}-{array.dtype}",
)
def test_other_arrays_are_refused_by_name(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"RGB; got shape .* and dtype"):
        VideoFrame.from_rgb(wrong)


@pytest.mark.parametrize(("width", "height"), [(1, 2), (2, 1), (0, 0), (8193, 2), (2, 8193)])
def test_sizes_have_bounds(width: int, height: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"got {width}x{height}"):
        VideoFrame.from_rgb(np.zeros((height, width, 3), np.uint8))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_av_there_and_back(width: int, height: int) -> None:
    frame = i420(gradient(width, height), 41_000)
    picture = frame.to_av()
    assert (picture.width, picture.height, picture.format.name) == (width, height, "yuv420p")
    assert (picture.pts, picture.time_base) == (41_000, Fraction(1, 1_000_000))
    back = VideoFrame.from_av(picture, 41_000)
    assert np.array_equal(back.data, frame.data)
    assert (back.width, back.height, back.timestamp_us) == (width, height, 41_000)


@pytest.mark.parametrize("name", ["rgb24", "bgr24", "yuv444p", "rgba", "gray"])
def test_other_av_formats_are_converted(name: str) -> None:
    source = av.VideoFrame.from_ndarray(flat((90, 90, 90), 62, 34), format="rgb24").reformat(format=name)
    assert difference(VideoFrame.from_av(source).to_rgb(), flat((90, 90, 90), 62, 34)) < 4


# --------------------------------------------------------------------------------------------------------- audio


def test_mono_and_stereo_int16_pass_as_they_are() -> None:
    mono = AudioBlock.from_array(np.array([1, -2, 3], np.int16), 16_000, 5)
    assert (mono.samples.tolist(), mono.rate, mono.timestamp_us) == ([[1, -2, 3]], 16_000, 5)
    stereo = AudioBlock.from_array(np.array([[1, 2], [3, 4]], np.int16))
    assert (stereo.samples.tolist(), stereo.rate) == ([[1, 2], [3, 4]], 48_000)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_scaled_and_clipped(dtype: Any) -> None:
    block = AudioBlock.from_array(np.array([0.0, 0.5, 1.0, -1.0, 3.0, -3.0], dtype))
    assert block.samples.dtype == np.int16
    assert block.samples.tolist() == [[0, 16383, 32767, -32767, 32767, -32767]]


def test_floats_that_are_no_numbers_are_silence_or_full() -> None:
    block = AudioBlock.from_array(np.array([np.nan, np.inf, -np.inf]))
    assert block.samples.tolist() == [[0, 32767, -32767]]


def test_views_of_sound_are_read_as_they_look() -> None:
    interleaved = np.arange(12, dtype=np.int16).reshape(6, 2)
    block = AudioBlock.from_array(interleaved.T)
    assert block.samples.flags.c_contiguous
    assert block.samples.tolist() == [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((480, 2), np.int16),
        np.zeros((9, 480), np.int16),
        np.zeros((0, 480), np.int16),
        np.zeros((1, 2, 480), np.int16),
        np.zeros((), np.int16),
        np.zeros(480, np.int32),
        np.zeros(480, np.uint8),
        np.zeros(480, np.complex64),
    ],
    ids=lambda array: f"{array.shape}-{array.dtype}",
)
def test_other_sound_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        AudioBlock.from_array(wrong)


@pytest.mark.parametrize("rate", [0, -1, 7_999, 96_001])
def test_rates_that_cannot_be_sent_are_refused(rate: int) -> None:
    with pytest.raises(InvalidArgumentError, match=str(rate)):
        AudioBlock.from_array(np.zeros(480, np.int16), rate)


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_av_there_and_back(channels: int) -> None:
    samples = np.arange(channels * 480, dtype=np.int16).reshape(channels, 480)
    frame = AudioBlock(samples, 48_000, 20_000).to_av()
    assert (frame.format.name, frame.layout.name) == ("s16", "mono" if channels == 1 else "stereo")
    assert (frame.samples, frame.sample_rate) == (480, 48_000)
    assert (frame.pts, frame.time_base) == (960, Fraction(1, 48_000))
    back = AudioBlock.from_av(frame, 20_000)
    assert np.array_equal(back.samples, samples)
    assert (back.rate, back.timestamp_us) == (48_000, 20_000)


def test_more_than_two_channels_leave_as_the_first_two() -> None:
    frame = AudioBlock.from_array(np.arange(32, dtype=np.int16).reshape(8, 4)).to_av()
    assert AudioBlock.from_av(frame).samples.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_mono_is_the_mean() -> None:
    stereo = AudioBlock(np.array([[100, -32768, 32767], [200, -32768, 32767]], np.int16), 16_000, 9)
    mono = stereo.to_mono()
    assert mono.samples.tolist() == [[150, -32768, 32767]]
    assert mono.samples.dtype == np.int16
    assert (mono.rate, mono.timestamp_us) == (16_000, 9)
    assert mono.to_mono() is mono
