"""Pictures and sound into and out of the engine's tracks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import webrtc

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_rtc.port import PeerConfig
from reactor_rtc.wrtc_trailers import Tagger, Untagger

logger = logging.getLogger(__name__)

_AUDIO_BUFFER_BLOCKS = 20  # of 10 ms

_BITS_PER_PIXEL = 4.35
_LEAST_BITRATE = 2_000_000


def bitrate_for(width: int, height: int, limit: int) -> int:
    """The bitrate (bit/s) that a picture of that size is given at most: 4 Mbit/s at 1280x720, and never above ``limit``.

    More buys nothing that is seen, and costs an encoder and a decoder a third of their time.
    """
    return min(limit, max(_LEAST_BITRATE, round(width * height * _BITS_PER_PIXEL)))


class Outlet:
    """A section that sends: where its media goes in, and the sender that carries it."""

    def __init__(self, transceiver: webrtc.RTCRtpTransceiver, config: PeerConfig, *, active: bool) -> None:
        self.active = active
        self.video = str(transceiver.receiver.track.kind) == "video"
        self._sender = transceiver.sender
        self._config = config
        self._size = (0, 0)
        self._generator: Any = webrtc.VideoTrackGenerator() if self.video else webrtc.MediaStreamTrackGenerator("audio")
        self._writer = self._generator.writable.get_writer()
        self._tagger: Tagger | None = None

    async def open(self) -> None:
        """Gives the sender its track."""
        await self._sender.replace_track(self._generator.track if self.video else self._generator)

    def tag(self) -> None:
        """Sends what is told of each picture along with it: the other side reads it."""
        if self.video:
            self._tagger = Tagger(self._sender)

    async def tune(self) -> None:
        """Sets rate, codec, degradation and flow of the sender; the engine forgets them with each description."""
        parameters = self._sender.get_parameters()
        for encoding in parameters.encodings:
            encoding.active = self.active
            if self.video:
                width, height = self._size if all(self._size) else (1280, 720)
                encoding.max_bitrate = bitrate_for(width, height, self._config.max_bitrate)
                # Without it the engine encodes with the first codec of the offer, whatever the answer prefers.
                encoding.codec = self._preferred_codec(parameters.codecs)
        if self.video:
            parameters.degradation_preference = webrtc.RTCDegradationPreference("maintain-resolution")
        await self._sender.set_parameters(parameters)

    def _preferred_codec(self, negotiated: Sequence[webrtc.RTCRtpCodecParameters]) -> webrtc.RTCRtpCodec | None:
        for name in self._config.video_codecs:
            for codec in negotiated:
                if codec.mime_type.lower() == f"video/{name}".lower():
                    return webrtc.RTCRtpCodec(codec.mime_type, codec.clock_rate, codec.channels, codec.sdp_fmtp_line)
        return None

    def check(self, media: Media) -> None:
        """Raises :class:`InvalidArgumentError` for media of the wrong kind: the engine's track would take nothing any more."""
        if isinstance(media, VideoFrame) is not self.video:
            given = "video" if isinstance(media, VideoFrame) else "audio"
            raise InvalidArgumentError(f"the section carries {'video' if self.video else 'audio'}, not {given}")

    def write(self, media: Media) -> bool:
        """Sends a picture or a stretch of sound. True where the picture has a new size, for which :meth:`tune` is due."""
        if isinstance(media, AudioBlock) and media.samples.size == 0:
            return False
        if self._tagger is not None and isinstance(media, VideoFrame):
            self._tagger.tell(media)
        chunk = _engine_video(media) if isinstance(media, VideoFrame) else _engine_audio(media)

        def written(future: asyncio.Future[None]) -> None:
            if not future.cancelled() and (error := future.exception()) is not None:
                logger.debug("media was not sent: %s", error)
                chunk.close()

        self._writer.write(chunk).add_done_callback(written)
        size = (media.width, media.height) if isinstance(media, VideoFrame) else (0, 0)
        changed, self._size = size != self._size, size
        return changed

    async def close(self) -> None:
        """Ends the track."""
        self.active = False
        with contextlib.suppress(webrtc.RTCException, TypeError):
            await self._writer.close()


class Inlet:
    """A section that receives; where ``tagged``, the other side sends what is told of each picture along with it."""

    def __init__(self, receiver: webrtc.RTCRtpReceiver, *, tagged: bool = False) -> None:
        self._track = receiver.track
        self._video = str(self._track.kind) == "video"
        self._tags = Untagger(receiver) if tagged and self._video else None

    async def read(self) -> AsyncGenerator[Media, None]:
        """What arrives, until the track ends. Video: the newest picture wins. Audio: 0.2 s are kept."""
        size = 1 if self._video else _AUDIO_BUFFER_BLOCKS
        processor = webrtc.MediaStreamTrackProcessor(webrtc.MediaStreamTrackProcessorInit(self._track, size))
        reader = processor.readable.get_reader()
        try:
            while (chunk := (await reader.read()).value) is not None:
                with chunk:
                    media: Media = _video(chunk, self._tags) if isinstance(chunk, webrtc.VideoFrame) else _audio(chunk)
                yield media
                # A reader slower than the track finds the next frame ready, and would never let the loop have its turn.
                await asyncio.sleep(0)
        finally:
            with contextlib.suppress(webrtc.RTCException, TypeError):
                await reader.cancel()


def _engine_video(frame: VideoFrame) -> webrtc.VideoFrame:
    init = webrtc.VideoFrameBufferInit(
        format=frame.pixels, coded_width=frame.width, coded_height=frame.height, timestamp=frame.timestamp_us
    )
    return webrtc.VideoFrame(frame.data.data, init)


def _engine_audio(block: AudioBlock) -> webrtc.AudioData:
    channels, count = block.samples.shape
    init = webrtc.AudioDataInit(
        format="s16",
        sample_rate=block.rate,
        number_of_frames=count,
        number_of_channels=channels,
        timestamp=block.timestamp_us,
        data=np.ascontiguousarray(block.samples.T).tobytes(),
    )
    return webrtc.AudioData(init)


def _video(frame: webrtc.VideoFrame, tags: Untagger | None) -> VideoFrame:
    data = np.empty(frame.allocation_size(), np.uint8)
    _ = frame.copy_to(data.data)
    picture = VideoFrame(data, frame.coded_width, frame.coded_height, frame.timestamp)
    tag = tags.told_of(frame.metadata().rtp_timestamp) if tags is not None else None
    if tag is None:
        return picture
    return replace(picture, metadata=tag.user_data or None, capture_time_us=tag.capture_time_us or None)


def _audio(chunk: webrtc.AudioData) -> AudioBlock:
    count, channels = chunk.number_of_frames, chunk.number_of_channels
    interleaved = np.empty(count * channels, np.int16)
    options = webrtc.AudioDataCopyToOptions(plane_index=0, format=webrtc.AudioSampleFormat("s16"))
    chunk.copy_to(interleaved.data.cast("B"), options)
    samples = np.ascontiguousarray(interleaved.reshape(count, channels).T)
    return AudioBlock(samples, int(chunk.sample_rate), chunk.timestamp)
