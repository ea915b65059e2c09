"""The media of a step: frames of a request to what a model reads, and what it made to the frames of a result (5.4). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import av
import numpy as np

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.messages import StepFrame, StepTrack
from reactor_rtc.frames import MAX_SIDE, AudioBlock, Media, VideoFrame
from reactor_runtime.emission import Bundle
from reactor_runtime.inputs import CAPACITY
from reactor_runtime.tracks import TrackSpec

MAX_STEP_PIXELS: Final = 256 * 1024 * 1024
"""Limit of the pixels of all pictures in one step: compressed ones unpack to far more than they weigh."""


class BadEntry(InvalidArgumentError):
    """A part of a request that cannot be applied; ``entry`` says which."""

    def __init__(self, entry: str, message: str) -> None:
        super().__init__(message)
        self.entry = entry


def read_media(tracks: Sequence[StepTrack], declared: Sequence[TrackSpec]) -> list[tuple[str, Media]]:
    """The media of a request by track, in order. Raises :class:`BadEntry`."""
    inputs = {spec.name: spec for spec in declared if spec.flow == "in"}
    found: list[tuple[str, Media]] = []
    seen: set[str] = set()
    pixels = 0
    for number, track in enumerate(tracks):
        place = f"media_input[{number}]"
        spec = _spec_of(track, inputs, seen, place)
        decoder = _Decoder(spec, place)
        for media in decoder.read(track.frames):
            pixels += media.width * media.height if isinstance(media, VideoFrame) else 0
            if pixels > MAX_STEP_PIXELS:
                raise BadEntry(place, f"more than {MAX_STEP_PIXELS} pixels in one step")
            found.append((track.track, media))
    return found


def _spec_of(track: StepTrack, inputs: dict[str, TrackSpec], seen: set[str], place: str) -> TrackSpec:
    spec = inputs.get(track.track)
    if spec is None:
        raise BadEntry(place, f"the model has no input track {track.track[:64]!r}; it has: {', '.join(inputs) or 'none'}")
    if track.track in seen:
        raise BadEntry(place, f"the track {track.track!r} is given twice")
    if track.kind not in (None, spec.kind):
        raise BadEntry(place, f"the track {track.track!r} carries {spec.kind}")
    if len(track.frames) > CAPACITY:
        raise BadEntry(place, f"{len(track.frames)} frames, where a model keeps {CAPACITY}")
    seen.add(track.track)
    return spec


class _Decoder:
    """Reads the frames of one track."""

    def __init__(self, spec: TrackSpec, place: str) -> None:
        self._spec = spec
        self._place = place
        self._codec: Any = None

    def read(self, frames: Sequence[StepFrame]) -> Iterator[Media]:
        for number, frame in enumerate(frames):
            place = f"{self._place}.frames[{number}]"
            try:
                yield self._one(frame)
            except (InvalidArgumentError, av.error.FFmpegError) as error:
                raise BadEntry(place, str(error)) from error

    def _one(self, frame: StepFrame) -> Media:
        if frame.encoding == "raw":
            return _raw_video(frame) if self._spec.kind == "video" else _raw_audio(frame, self._spec.rate)
        if frame.encoding == "h264" and self._spec.kind == "video":
            return self._unpacked(frame)
        raise InvalidArgumentError(f"a frame of {self._spec.kind} cannot be read in this encoding")

    def _unpacked(self, frame: StepFrame) -> VideoFrame:
        first = self._codec is None
        if first:
            self._codec = av.CodecContext.create("h264", "r")
            # Pictures come out one for one: nothing is held back to be put in order.
            self._codec.thread_count = 1
            self._codec.options = {"flags": "low_delay", "max_pixels": str(MAX_SIDE * MAX_SIDE)}
        pictures = self._codec.decode(av.Packet(frame.data))
        if first and not (pictures and pictures[0].key_frame):
            raise InvalidArgumentError("the first H.264 frame of a step is an IDR picture")
        if len(pictures) != 1:
            raise InvalidArgumentError("an H.264 frame is one access unit, and gives one picture")
        return _tagged(VideoFrame.from_av(pictures[0]), frame)


def _raw_video(frame: StepFrame) -> VideoFrame:
    if frame.dtype != "uint8" or len(frame.shape) != 3 or frame.shape[2] != 3:
        raise InvalidArgumentError("a raw picture is uint8 of shape [height, width, 3]")
    return _tagged(VideoFrame.from_rgb(_array(frame, "<u1")), frame)


def _raw_audio(frame: StepFrame, rate: int) -> AudioBlock:
    if frame.dtype != "int16" or len(frame.shape) != 2:
        raise InvalidArgumentError("raw sound is int16 of shape [channels, samples]")
    return AudioBlock.from_array(_array(frame, "<i2"), rate)


def _array(frame: StepFrame, dtype: str) -> Any:
    size = np.dtype(dtype).itemsize
    for side in frame.shape:
        size *= side
    if size != len(frame.data) or size == 0:
        raise InvalidArgumentError(f"a frame of shape {list(frame.shape)} is {size} bytes, and {len(frame.data)} came")
    return np.frombuffer(frame.data, dtype).reshape(frame.shape)


def _tagged(picture: VideoFrame, frame: StepFrame) -> VideoFrame:
    return VideoFrame(
        picture.data,
        picture.width,
        picture.height,
        picture.timestamp_us,
        picture.pixels,
        frame.metadata,
        frame.capture_time_us,
    )


def step_tracks(bundles: Sequence[Bundle], fps: float) -> tuple[StepTrack, ...]:
    """What a step has made, raw, by track."""
    frames: dict[str, list[StepFrame]] = {}
    kinds: dict[str, tuple[Any, float]] = {}
    for bundle in bundles:
        for name, media in bundle.items():
            video = isinstance(media, VideoFrame)
            kinds.setdefault(
                name, ("video", fps) if video else ("audio", float(media.rate if isinstance(media, AudioBlock) else 0))
            )
            frames.setdefault(name, []).append(_frame_of(media))
    return tuple(StepTrack(name, kinds[name][0], tuple(found), kinds[name][1]) for name, found in frames.items())


def _frame_of(media: Media) -> StepFrame:
    if isinstance(media, VideoFrame):
        return StepFrame("raw", "uint8", (media.height, media.width, 3), media.to_rgb().tobytes(), media.metadata)
    return StepFrame("raw", "int16", media.samples.shape, media.samples.astype("<i2").tobytes())


def weight_of(tracks: Sequence[StepTrack]) -> int:
    """The bytes of all frames."""
    return sum(len(frame.data) + len(frame.metadata or b"") for track in tracks for frame in track.frames)
