"""Pictures and sound between NumPy, PyAV and the engine.

What is decoded is I420 (BT.601, limited range), the right way up, and becomes RGB only where somebody asks for it. What a model
makes is RGB, and only padded to four bytes a pixel here: the engine's own conversion to I420 is several times faster than any
other at hand.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias, cast

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.colour import tell_bt601, to_bt601
from reactor_rtc.orientation import Orientation

RgbArray: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), dtype uint8, channels red, green, blue."""

PcmArray: TypeAlias = NDArray[np.int16]
"""Shape (channels, samples), dtype int16."""

MAX_SIDE = 8192
AUDIO_RATE = 48_000
MIN_AUDIO_RATE, MAX_AUDIO_RATE = 8_000, 96_000
_MICROSECONDS = Fraction(1, 1_000_000)


PixelFormat: TypeAlias = Literal["I420", "RGBX"]


class _Converters(threading.local):
    """One scaling context for each conversion and thread; making one costs more than a conversion."""

    def __init__(self) -> None:
        self.to_i420 = VideoReformatter()
        self.to_rgb = VideoReformatter()
        self.to_rgbx = VideoReformatter()


_converters = _Converters()


def _planes(width: int, height: int) -> tuple[tuple[int, int], ...]:
    """Width and height in bytes of the three planes."""
    chroma = ((width + 1) // 2, (height + 1) // 2)
    return (width, height), chroma, chroma


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """The memory of a plane, shape (rows, bytes of a row with padding)."""
    return np.frombuffer(cast(memoryview, plane), np.uint8).reshape(-1, plane.line_size)


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One picture. ``timestamp_us`` is in microseconds, of the sender's clock.

    ``metadata``, ``capture_time_us`` (of the clock of who captured it) and ``number`` (of a session's pictures, from 0) cross
    to a peer that declared that it reads them; None where nothing was told.

    ``data`` is uint8 in one dimension: three packed planes (``I420``), or rows of red, green, blue and padding (``RGBX``).
    """

    data: NDArray[np.uint8]
    width: int
    height: int
    timestamp_us: int = 0
    pixels: PixelFormat = "I420"
    metadata: bytes | None = None
    capture_time_us: int | None = None
    number: int | None = None

    @classmethod
    def from_rgb(cls, rgb: RgbArray, timestamp_us: int = 0) -> VideoFrame:
        """A frame of an RGB array. Raises :class:`InvalidArgumentError` for any other shape or dtype."""
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise InvalidArgumentError(
                f"a video frame is (height, width, 3) uint8 RGB; got shape {rgb.shape} and dtype {rgb.dtype}"
            )
        height, width = rgb.shape[:2]
        if not (2 <= height <= MAX_SIDE and 2 <= width <= MAX_SIDE):
            raise InvalidArgumentError(f"a video frame is 2 to {MAX_SIDE} pixels on each side; got {width}x{height}")
        source = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(rgb), format="rgb24")
        padded = _converters.to_rgbx.reformat(source, format="rgb0", threads=1)
        rows = _rows(padded.planes[0])[:height, : width * 4]
        return cls(rows.reshape(-1), width, height, timestamp_us, "RGBX")

    @classmethod
    def from_i420(cls, data: NDArray[np.uint8], size: tuple[int, int], timestamp_us: int = 0, rotation: int = 0) -> VideoFrame:
        """A frame of three packed planes whose ``size`` is (width, height), shown turned clockwise by ``rotation`` degrees."""
        orientation = Orientation.clockwise(rotation)
        if orientation == Orientation():
            return cls(data, *size, timestamp_us)
        planes, start = [], 0
        for width, height in _planes(*size):
            planes.append(data[start : start + width * height].reshape(height, width))
            start += width * height
        return cls(orientation.packed(planes), *orientation.size(*size), timestamp_us)

    @classmethod
    def from_av(cls, frame: av.VideoFrame, timestamp_us: int = 0) -> VideoFrame:
        """A frame of a PyAV one, in any format that PyAV converts; turned as its display matrix says."""
        orientation = Orientation.of(frame)
        frame = to_bt601(frame)
        sizes = _planes(frame.width, frame.height)
        planes = [_rows(plane)[:height, :width] for plane, (width, height) in zip(frame.planes, sizes, strict=True)]
        return cls(orientation.packed(planes), *orientation.size(frame.width, frame.height), timestamp_us)

    def to_av(self) -> av.VideoFrame:
        """The same picture as a PyAV frame in yuv420p (BT.601, limited), with its own memory and time in microseconds."""
        frame = self._planar()
        tell_bt601(frame)
        frame.pts, frame.time_base = self.timestamp_us, _MICROSECONDS
        return frame

    def _planar(self) -> av.VideoFrame:
        if self.pixels == "RGBX":
            return _converters.to_i420.reformat(self._padded(), format="yuv420p", threads=1)
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        start = 0
        for plane, (width, height) in zip(frame.planes, _planes(self.width, self.height), strict=True):
            rows = self.data[start : start + width * height].reshape(height, width)
            target = _rows(plane)
            target[:height, :width] = rows
            start += width * height
        return frame

    def to_rgb(self) -> RgbArray:
        """The same picture as an RGB array of its own, which the caller may write to."""
        if self.pixels == "RGBX":
            source = self._padded()
        elif self.width % 2 or self.height % 4:  # PyAV wraps no other packed picture
            source = self.to_av()
        else:
            packed = self.data.reshape(self.height * 3 // 2, self.width)
            source = av.VideoFrame.from_numpy_buffer(packed, format="yuv420p")
        rgb = _converters.to_rgb.reformat(source, format="rgb24", interpolation="FAST_BILINEAR", threads=1)
        plane = rgb.planes[0]
        picture: RgbArray = _rows(plane)[: self.height, : self.width * 3].reshape(self.height, self.width, 3)
        return picture

    def _padded(self) -> av.VideoFrame:
        return av.VideoFrame.from_numpy_buffer(self.data.reshape(self.height, self.width, 4), format="rgba")


@dataclass(frozen=True, slots=True, eq=False)
class AudioBlock:
    """A stretch of sound. ``samples`` is (channels, n) int16; ``rate`` is in Hz."""

    samples: PcmArray
    rate: int = AUDIO_RATE
    timestamp_us: int = 0

    @classmethod
    def from_array(cls, samples: NDArray[Any], rate: int = AUDIO_RATE, timestamp_us: int = 0) -> AudioBlock:
        """A block of (n,) or (channels, n) samples: int16, or floats in [-1, 1], which are clipped.

        Raises :class:`InvalidArgumentError` for any other shape or dtype, and for a rate that the engine cannot send.
        """
        if not MIN_AUDIO_RATE <= rate <= MAX_AUDIO_RATE:
            raise InvalidArgumentError(f"the rate of audio is {MIN_AUDIO_RATE} to {MAX_AUDIO_RATE} Hz; got {rate}")
        block = samples[np.newaxis, :] if samples.ndim == 1 else samples
        if block.ndim != 2 or not 1 <= block.shape[0] <= 8:
            raise InvalidArgumentError(f"audio is (samples,) or (channels, samples); got shape {samples.shape}")
        if block.dtype.kind == "f":
            block = (np.clip(np.nan_to_num(block.astype(np.float32, copy=False)), -1.0, 1.0) * 32767).astype(np.int16)
        elif block.dtype != np.int16:
            raise InvalidArgumentError(f"audio is int16, or float in [-1, 1]; got dtype {block.dtype}")
        return cls(np.ascontiguousarray(block), rate, timestamp_us)

    @classmethod
    def from_av(cls, frame: av.AudioFrame, timestamp_us: int = 0) -> AudioBlock:
        """A block of a PyAV frame in format s16 (interleaved)."""
        channels = frame.layout.nb_channels
        interleaved = frame.to_ndarray().reshape(-1, channels)
        return cls(np.ascontiguousarray(interleaved.T), frame.sample_rate, timestamp_us)

    def to_av(self) -> av.AudioFrame:
        """The same sound as a PyAV frame in format s16, with time in samples."""
        channels, count = self.samples.shape
        layout: Literal["mono", "stereo"] = "mono" if channels == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(self.samples[:2].T.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = self.rate
        frame.pts = self.timestamp_us * self.rate // 1_000_000
        frame.time_base = Fraction(1, self.rate)
        return frame

    def to_mono(self) -> AudioBlock:
        """The mean of the channels, shape (1, n)."""
        if self.samples.shape[0] == 1:
            return self
        mono = self.samples.mean(axis=0, keepdims=True).astype(np.int16)
        return AudioBlock(mono, self.rate, self.timestamp_us)


Media: TypeAlias = VideoFrame | AudioBlock
