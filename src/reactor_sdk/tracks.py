"""Tracks of aiortc over ours: what is received as ``MediaStreamTrack`` objects, and a pump for those that are published."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Final, TypeAlias

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.resources import TrackKind
from reactor_rtc.frames import AUDIO_RATE, AudioBlock, Media, VideoFrame
from reactor_sdk.frames import Outlet
from reactor_sdk.opening import Opening
from reactor_sdk.pace import Pace
from reactor_sdk.player import hold_back

logger = logging.getLogger(__name__)

VIDEO_CLOCK: Final = 90_000
_AUDIO_BLOCK: Final = AUDIO_RATE // 100
_AUDIO_BLOCKS_KEPT: Final = 20  # 0.2 s
_VIDEO_TIME_BASE: Final = Fraction(1, VIDEO_CLOCK)
_AUDIO_TIME_BASE: Final = Fraction(1, AUDIO_RATE)
_RECORDED: Final = VIDEO_CLOCK // 30
_LATEST: Final = VIDEO_CLOCK // 10


class _Timeline:
    """Places the media of one track on the time since the connection began, in microseconds, never backwards.

    Engines date pictures and sound by different clocks: the first arrival is the anchor, the sender's dates are the steps.
    """

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._anchor: tuple[float, int] | None = None

    def place(self, timestamp_us: int) -> int:
        if self._anchor is None:
            arrived = (asyncio.get_running_loop().time() - self._origin) * 1_000_000
            self._anchor = (max(0.0, arrived), timestamp_us)
        start, first = self._anchor
        return max(0, int(start) + timestamp_us - first)


class _Spacing:
    """Keeps pictures a thirtieth of a second apart, by dating those that come too soon up to 0.1 s later.

    aiortc's ``MediaRecorder`` writes thirty pictures a second, and gives a recording up when two fall into the same place. The
    dates of a video of up to thirty a second jitter around its rate; those of a faster one stay as they are.
    """

    def __init__(self) -> None:
        self._next = 0
        self._apart = _RECORDED

    def date(self, pts: int) -> int:
        """The date of the picture that was taken at ``pts``; later than that of the one before."""
        due = max(pts, self._next)
        if due - pts > _LATEST:
            self._apart = 1
        self._next = due + self._apart
        return due


class RemoteVideoTrack(MediaStreamTrack):
    """Video of the model. ``recv()`` gives the newest ``av.VideoFrame`` (yuv420p); frames that nobody fetched are dropped.

    ``pts`` counts from the moment the connection was made, in ``time_base`` of 1/90000 s. Those of a video of up to 30 frames a
    second are 1/30 s apart at least, which aiortc's ``MediaRecorder`` relies on.
    """

    kind = "video"

    def __init__(self, origin: float, opening: Opening | None = None) -> None:
        super().__init__()
        self._opening = opening or Opening()
        self._timeline = _Timeline(origin)
        self._spacing = _Spacing()
        self._outlet: Outlet[tuple[int, VideoFrame]] = Outlet()

    def put(self, media: Media) -> None:
        """A frame has come."""
        if isinstance(media, VideoFrame) and self.readyState == "live":
            self._outlet.put((self._timeline.place(media.timestamp_us), media))

    async def recv(self) -> av.VideoFrame:
        """The next frame. Raises ``MediaStreamError`` once the track has ended."""
        with self._opening.watching():
            item = await self._outlet.get()
        if item is None:
            self.stop()
            raise MediaStreamError
        at, media = item
        frame = media.to_av()
        frame.pts = self._spacing.date(at * VIDEO_CLOCK // 1_000_000)
        frame.time_base = _VIDEO_TIME_BASE
        return frame

    def stop(self) -> None:
        """Ends the track for whoever reads it."""
        self._outlet.end()
        super().stop()


class RemoteAudioTrack(MediaStreamTrack):
    """Sound of the model. ``recv()`` gives blocks of 10 ms as ``av.AudioFrame`` (s16, stereo, 48 kHz).

    Up to 0.2 s are kept for a slow reader, then the oldest are dropped. ``pts`` counts samples from the moment the connection
    was made.
    """

    kind = "audio"

    def __init__(self, origin: float, opening: Opening | None = None) -> None:
        super().__init__()
        self._opening = opening or Opening()
        self._timeline = _Timeline(origin)
        self._outlet: Outlet[tuple[int, AudioBlock]] = Outlet(_AUDIO_BLOCKS_KEPT)
        self._next = 0

    def put(self, media: Media) -> None:
        """A block has come."""
        if isinstance(media, AudioBlock) and self.readyState == "live":
            self._outlet.put((self._timeline.place(media.timestamp_us), media))

    async def recv(self) -> av.AudioFrame:
        """The next block. Raises ``MediaStreamError`` once the track has ended."""
        await self._opening.listen()
        item = await self._outlet.get()
        if item is None:
            self.stop()
            raise MediaStreamError
        at, media = item
        frame = _stereo(media).to_av()
        frame.pts = self._position(at * AUDIO_RATE // 1_000_000, frame.samples)
        frame.time_base = _AUDIO_TIME_BASE
        return frame

    def _position(self, sample: int, count: int) -> int:
        # Blocks that follow one another are laid end to end: only a real gap moves the position on.
        if abs(sample - self._next) >= 2 * _AUDIO_BLOCK and sample > self._next:
            self._next = sample
        position, self._next = self._next, self._next + count
        return position

    def stop(self) -> None:
        """Ends the track for whoever reads it."""
        self._outlet.end()
        super().stop()


def _stereo(block: AudioBlock) -> AudioBlock:
    """The same sound in two channels: engines begin in mono, and recorders take no change of shape."""
    channels = block.samples.shape[0]
    return block if channels == 2 else replace(block, samples=np.repeat(block.to_mono().samples, 2, axis=0))


RemoteTrack: TypeAlias = RemoteVideoTrack | RemoteAudioTrack


def remote_track(kind: TrackKind, origin: float, opening: Opening | None = None) -> RemoteTrack:
    """A track that hands out what it is given. ``origin`` is the loop's time that its ``pts`` count from.

    Tracks of one ``opening`` begin together; see :class:`reactor_sdk.opening.Opening`.
    """
    return RemoteVideoTrack(origin, opening) if kind == "video" else RemoteAudioTrack(origin, opening)


def check_publishable(name: str, kind: TrackKind, track: object) -> None:
    """Raises :class:`InvalidArgumentError` for what cannot be published on a track of that kind."""
    if not isinstance(track, MediaStreamTrack):
        raise InvalidArgumentError(f"publish_track takes an aiortc MediaStreamTrack, got {type(track).__name__}")
    if track.kind != kind:
        raise InvalidArgumentError(f"the model's track {name!r} takes {kind}, and the given track is {track.kind}")
    if track.readyState != "live":
        raise InvalidArgumentError(f"the track given for {name!r} has ended")


class _Resampler:
    """Sound in any shape to 48 kHz s16, mono or stereo, in blocks of 10 ms. The shape may change between frames."""

    def __init__(self) -> None:
        self._shape: tuple[str, str, int] | None = None
        self._resampler: av.AudioResampler | None = None

    def blocks(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or shape != self._shape:
            layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
            self._shape = shape
            self._resampler = av.AudioResampler(format="s16", layout=layout, rate=AUDIO_RATE, frame_size=_AUDIO_BLOCK)
        return self._resampler.resample(frame)


async def pump(track: MediaStreamTrack, send: Callable[[Media], None]) -> None:
    """Sends what ``track`` gives until it ends. Each frame is dated when it is sent.

    The loop has its turn at every frame, also where ``recv()`` never waits; a track that runs ahead of its dates is held to them.
    """
    resampler, pace = _Resampler(), Pace()
    loop = asyncio.get_running_loop()
    hold_back(track)
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if isinstance(frame, av.VideoFrame):
            await asyncio.sleep(pace.after_picture(frame.time, loop.time()))
            send(VideoFrame.from_av(frame, _microseconds(loop)))
        elif isinstance(frame, av.AudioFrame):
            await asyncio.sleep(pace.after_sound(frame.samples / (frame.sample_rate or AUDIO_RATE), loop.time()))
            for block in resampler.blocks(frame):
                send(AudioBlock.from_av(block, _microseconds(loop)))
        else:
            logger.warning("a published track gave a %s, which cannot be sent", type(frame).__name__)
            return


def _microseconds(loop: asyncio.AbstractEventLoop) -> int:
    return int(loop.time() * 1_000_000)
