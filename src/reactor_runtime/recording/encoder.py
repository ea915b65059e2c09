"""FragmentEncoder: pictures and sounds to fragments of MP4, over PyAV. It has no opinion on where to cut."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias, cast

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.recording.fitting import Fitter
from reactor_runtime.recording.options import RecordingOptions, VideoOptions

_TICKS: Final = 90_000
"""Of video time in a second."""
_AAC_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
_AAC_FRAME: Final = 1024
_TOLERANCE_S: Final = 0.02
"""Sound that is late by less follows the sound before it without a gap."""
_MAX_SILENCE_S: Final = 10.0
_BT601: Final = 6
_LIMITED: Final = 1

_START_CODE: Final = re.compile(rb"\x00*\x00\x00\x01")

_FLAGS: Final = "empty_moov+default_base_moof"
_FRAGMENT_FLAGS: Final = f"{_FLAGS}+frag_custom+frag_discont+skip_trailer"

FloatSamples: TypeAlias = NDArray[np.float32]
VideoPacket: TypeAlias = "Packet[VideoStream]"
AudioPacket: TypeAlias = "Packet[AudioStream]"


class FragmentEncoder:
    """Encodes to one video track and, where ``channels`` is not 0, one of sound. Not safe for several threads.

    Raises :class:`av.FFmpegError` where the codec does not take what it is given.
    """

    def __init__(self, options: RecordingOptions, first: VideoFrame, channels: int, rate: int) -> None:
        head = io.BytesIO()
        self._head = av.open(head, "w", format="mp4", options={"movflags": _FLAGS, "use_editlist": "0"})
        self._size = _size(options.video, first)
        self._video = _add_video(self._head, options.video, self._size)
        self._sound = _Sound(self._head, channels, rate, options.audio_kbps) if channels else None
        self._head.start_encoding()
        self.init = b"".join(_boxes(head.getvalue(), (b"ftyp", b"moov")))
        self._template = av.open(io.BytesIO(self.init))
        self._fitter = Fitter(self._size)
        self._pictures: list[VideoPacket] = []
        self._fragments = 0
        self._last = -1

    def picture(self, frame: VideoFrame, at: float) -> None:
        """Takes a picture that is seen from ``at`` on, in seconds; the first of a fragment can be decoded by itself.

        One of another shape than the first has bars.
        """
        source = self._fitter.fit(_picture(frame))
        source.pts = self._last = max(round(at * _TICKS), self._last + 1)
        source.time_base = Fraction(1, _TICKS)
        source.pict_type = PictureType.NONE if self._pictures else PictureType.I
        self._keep(self._video.encode(source))

    def sound(self, block: AudioBlock, at: float) -> None:
        """Takes a sound that begins at ``at``, in seconds."""
        if self._sound is not None:
            self._sound.add(block, at)

    def cut(self, end: float) -> bytes:
        """The fragment of what was taken since the last one, whose last picture is seen until ``end``; empty for nothing."""
        pictures, self._pictures = self._pictures, []
        sounds = self._sound.taken() if self._sound is not None else []
        if not pictures:
            return b""
        ends = [*(packet.pts or 0 for packet in pictures[1:]), max(round(end * _TICKS), self._last + 1)]
        for packet, until in zip(pictures, ends, strict=True):
            packet.duration = until - (packet.pts or 0)
        return self._fragment(pictures, sounds)

    def close(self) -> None:
        """Takes what the encoders still hold; one :meth:`cut` may follow."""
        if self._sound is not None:
            self._sound.finish()
        self._keep(self._video.encode(None))

    def _keep(self, packets: list[VideoPacket]) -> None:
        self._pictures.extend(_with_lengths(packet) for packet in packets)

    def _fragment(self, pictures: list[VideoPacket], sounds: list[AudioPacket]) -> bytes:
        """A muxer of its own for each fragment: only so can one be ended before the next picture is there."""
        self._fragments += 1
        out = io.BytesIO()
        options = {
            "movflags": _FRAGMENT_FLAGS,
            "fragment_index": str(self._fragments),
            "avoid_negative_ts": "disabled",
            "use_editlist": "0",
        }
        with av.open(out, "w", format="mp4", options=options) as muxer:
            streams: list[Stream] = [muxer.add_stream_from_template(each, opaque=True) for each in self._template.streams]
            muxer.start_encoding()
            packets: list[tuple[Packet[Any], Stream]] = [(packet, streams[0]) for packet in pictures]
            packets.extend((packet, streams[-1]) for packet in sounds)
            for packet, stream in sorted(packets, key=_moment):
                packet.stream = stream
                muxer.mux_one(packet)
        return b"".join(_boxes(out.getvalue(), (b"moof", b"mdat")))


def _picture(frame: VideoFrame) -> av.VideoFrame:
    """The picture as PyAV has it, without a copy where it still is as the model made it."""
    if frame.pixels == "RGBX":
        return av.VideoFrame.from_numpy_buffer(frame.data.reshape(frame.height, frame.width, 4), format="rgba")
    return frame.to_av()


def _moment(entry: tuple[Packet[Any], Stream]) -> Fraction:
    packet = entry[0]
    return (packet.dts or 0) * packet.time_base


def _size(options: VideoOptions, first: VideoFrame) -> tuple[int, int]:
    """Width and height of the recording: even, as the codec wants them."""
    width, height = options.width, options.height
    if width is None and height is not None:
        width = round(first.width * height / first.height)
    if height is None and width is not None:
        height = round(first.height * width / first.width)
    wide, high = width or first.width, height or first.height
    return max(2, wide & ~1), max(2, high & ~1)


def _add_video(container: OutputContainer, options: VideoOptions, size: tuple[int, int]) -> VideoCodecContext:
    rate = min(16_000_000, max(1_500_000, round(size[0] * size[1] * 30 * 0.22)))
    settings = {
        "preset": options.preset,
        "tune": "zerolatency",
        "crf": str(options.crf),
        "maxrate": str(rate),
        "bufsize": str(rate),
        "forced-idr": "1",
    }
    if options.codec == "h265":
        settings["x265-params"] = "log-level=error:scenecut=0"
    else:
        settings["sc_threshold"] = "0"
    stream = container.add_stream(options.encoder, rate=30, options=settings)
    context = cast(VideoCodecContext, stream.codec_context)
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = stream.time_base = Fraction(1, _TICKS)
    context.gop_size = 100_000  # where a fragment begins is decided elsewhere
    context.thread_count = 1
    context.colorspace = context.color_primaries = context.color_trc = _BT601
    context.color_range = _LIMITED
    return context


def _with_lengths(packet: VideoPacket) -> VideoPacket:
    """The same packet, each unit of it with its length in front in place of a start code (ISO 14496-15, 5.3.3)."""
    units = _START_CODE.split(bytes(packet))
    data = b"".join(struct.pack(">I", len(unit)) + unit for unit in units if unit)
    converted = cast(VideoPacket, Packet(data))
    converted.pts, converted.dts, converted.time_base = packet.pts, packet.dts, packet.time_base
    converted.is_keyframe = packet.is_keyframe
    return converted


def _boxes(data: bytes, wanted: tuple[bytes, ...]) -> Iterator[bytes]:
    """The top-level boxes of these kinds (ISO 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind in wanted:
            yield data[at : at + size]
        at += max(8, size)


class _Sound:
    """One track of AAC, fed with blocks of any rate and any number of channels; what is missing between them is silence."""

    def __init__(self, container: OutputContainer, channels: int, rate: int, kbps: int) -> None:
        self._rate = rate if rate in _AAC_RATES else 48_000
        self._layout: Literal["mono", "stereo"] = "mono" if channels == 1 else "stereo"
        self._channels = 1 if channels == 1 else 2
        stream = container.add_stream("aac", rate=self._rate, layout=self._layout)
        self._context = stream.codec_context
        self._context.bit_rate = kbps * 1000
        self._resampler: tuple[int, AudioResampler] | None = None
        self._buffer: FloatSamples = np.zeros((self._channels, 0), np.float32)
        self._begin = 0
        """Where on the timeline the buffer begins, in samples."""
        self._packets: list[AudioPacket] = []

    def add(self, block: AudioBlock, at: float) -> None:
        samples = self._converted(block)
        end = self._begin + self._buffer.shape[1]
        gap = round(at * self._rate) - end
        if gap > _MAX_SILENCE_S * self._rate:
            self._encode(whole=True)
            self._begin = round(at * self._rate)
        elif gap > _TOLERANCE_S * self._rate:
            self._append(np.zeros((self._channels, gap), np.float32))
        self._append(samples)
        self._encode()

    def taken(self) -> list[AudioPacket]:
        """The packets since the last call."""
        packets, self._packets = self._packets, []
        return packets

    def finish(self) -> None:
        self._encode(whole=True)
        self._keep(self._context.encode(None))

    def _append(self, samples: FloatSamples) -> None:
        self._buffer = np.concatenate([self._buffer, samples], axis=1)

    def _encode(self, *, whole: bool = False) -> None:
        if whole and (rest := -self._buffer.shape[1] % _AAC_FRAME):
            self._append(np.zeros((self._channels, rest), np.float32))
        while self._buffer.shape[1] >= _AAC_FRAME:
            part = np.ascontiguousarray(self._buffer[:, :_AAC_FRAME])
            self._buffer = self._buffer[:, _AAC_FRAME:]
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=self._layout)
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._begin, Fraction(1, self._rate)
            self._begin += _AAC_FRAME
            self._keep(self._context.encode(frame))

    def _keep(self, packets: list[AudioPacket]) -> None:
        # The packet before the beginning only warms the decoder up, and a fragment has no place for it.
        self._packets.extend(packet for packet in packets if packet.pts is not None and packet.pts >= 0)

    def _converted(self, block: AudioBlock) -> FloatSamples:
        if block.rate != self._rate:
            return self._resampled(block)
        samples: FloatSamples = block.samples.astype(np.float32) / np.float32(32768)
        if samples.shape[0] == self._channels:
            return samples
        mono = samples.mean(axis=0, keepdims=True, dtype=np.float32)
        return mono if self._channels == 1 else np.repeat(mono, 2, axis=0)

    def _resampled(self, block: AudioBlock) -> FloatSamples:
        if self._resampler is None or self._resampler[0] != block.rate:
            self._resampler = block.rate, AudioResampler("fltp", self._layout, self._rate)
        frame = block.to_av()
        frame.pts = None
        parts = [part.to_ndarray() for part in self._resampler[1].resample(frame)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((self._channels, 0), np.float32)
