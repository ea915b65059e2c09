"""Pictures and sound into and out of the engine's tracks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import webrtc

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.resources import TrackKind
from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_rtc.port import EncodedPicture, PeerConfig, SharingRole
from reactor_rtc.wrtc_encoded import EncodedSink, EncodedStream
from reactor_rtc.wrtc_trailers import Untagger

logger = logging.getLogger(__name__)

_AUDIO_BUFFER_BLOCKS = 20  # of 10 ms

SHARED_CODECS = frozenset({"VP8"})
"""Codecs whose pictures say themselves what they are. Of others the packets do, in words of the stand-in's encoder."""

_BITS_PER_PIXEL = 4.35
_LEAST_BITRATE = 2_000_000


def bitrate_for(width: int, height: int, limit: int) -> int:
    """The bitrate (bit/s) that a picture of that size is given at most: 4 Mbit/s at 1280x720, and never above ``limit``.

    More buys nothing that is seen, and costs an encoder and a decoder a third of their time.
    """
    return min(limit, max(_LEAST_BITRATE, round(width * height * _BITS_PER_PIXEL)))


class Outlet:
    """A section that sends: where its media goes in, and the sender that carries it.

    ``on_shared`` is told of each picture of an encoder that leads, and with None that the other side needs a keyframe.
    """

    def __init__(
        self,
        transceiver: webrtc.RTCRtpTransceiver,
        config: PeerConfig,
        *,
        active: bool,
        on_shared: Callable[[EncodedPicture | None], None] | None = None,
    ) -> None:
        self.active = active
        self.video = str(transceiver.receiver.track.kind) == "video"
        self._sender = transceiver.sender
        self._config = config
        self.size = (0, 0)
        self._generator: Any = webrtc.VideoTrackGenerator() if self.video else webrtc.MediaStreamTrackGenerator("audio")
        self._writer = self._generator.writable.get_writer()
        self.codec: str | None = None
        tell = on_shared or _ignore
        sink = EncodedSink(made=tell, key_wanted=lambda: tell(None), encode=self._write)
        self._encoded = EncodedStream(self._sender, sink) if self.video else None

    async def open(self) -> None:
        """Gives the sender its track."""
        await self._sender.replace_track(self._generator.track if self.video else self._generator)

    def tag(self) -> None:
        """Sends what is told of each picture along with it: the other side reads it."""
        if self._encoded is not None:
            self._encoded.tag()

    async def tune(self) -> None:
        """Sets rate, codec, degradation and flow of the sender; the engine forgets them with each description."""
        parameters = self._sender.get_parameters()
        for encoding in parameters.encodings:
            encoding.active = self.active
            if self.video:
                width, height = self.size if all(self.size) else (1280, 720)
                encoding.max_bitrate = bitrate_for(width, height, self._config.max_bitrate)
                # Without it the engine encodes with the first codec of the offer, whatever the answer prefers.
                encoding.codec = codec = self._preferred_codec(parameters.codecs)
                self.codec = codec.mime_type.partition("/")[2].upper() if codec is not None else None
        if self.video:
            parameters.degradation_preference = webrtc.RTCDegradationPreference(self._config.degradation)
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
        entering = self._encoded.enter(media) if isinstance(media, VideoFrame) and self._encoded is not None else media
        if entering is not None:
            self._write(entering)
        size = (media.width, media.height) if isinstance(media, VideoFrame) else (0, 0)
        changed, self.size = size != self.size, size
        return changed

    def _write(self, media: Media) -> None:
        chunk = _engine_video(media) if isinstance(media, VideoFrame) else _engine_audio(media)

        def written(future: asyncio.Future[None]) -> None:
            error = None if future.cancelled() else future.exception()
            if error is not None:
                logger.debug("media was not sent: %s", error)
            if future.cancelled() or error is not None:
                chunk.close()

        self._writer.write(chunk).add_done_callback(written)

    def shared(self) -> EncodedStream | None:
        """What encodes the section's pictures, where others can share it; None where they cannot."""
        return self._encoded if self.codec in SHARED_CODECS else None

    @property
    def follows(self) -> bool:
        """Whether the section sends what another one encodes."""
        return self._encoded is not None and self._encoded.role is SharingRole.FOLLOW

    async def bandwidth(self) -> float | None:
        """The estimate of what the path carries, in bit/s."""
        report = await self._sender.get_stats()
        pairs = [entry for entry in report.values() if isinstance(entry, webrtc.RTCIceCandidatePairStats) and entry.nominated]
        return max((pair.available_outgoing_bitrate for pair in pairs if pair.available_outgoing_bitrate), default=None)

    async def close(self) -> None:
        """Ends the track."""
        self.active = False
        if self._encoded is not None:
            self._encoded.close()
        with contextlib.suppress(webrtc.RTCException, TypeError):
            await self._writer.close()


class Inlet:
    """A section that receives; where ``tagged``, the other side sends what is told of each picture along with it."""

    def __init__(self, receiver: webrtc.RTCRtpReceiver, *, tagged: bool = False) -> None:
        self._receiver = receiver
        self._track = receiver.track
        self.kind: TrackKind = "video" if str(self._track.kind) == "video" else "audio"
        self._tags: Untagger | None = None
        if tagged:
            self.tag()

    def tag(self) -> None:
        """Reads what is told of each picture, from the next one on."""
        if self.kind == "video" and self._tags is None:
            self._tags = Untagger(self._receiver)

    async def read(self, pictures: int = 1) -> AsyncGenerator[Media, None]:
        """What arrives, until the track ends. So many pictures are kept for a slow reader, or 0.2 s of audio; the newest win."""
        size = pictures if self.kind == "video" else _AUDIO_BUFFER_BLOCKS
        processor = webrtc.MediaStreamTrackProcessor(webrtc.MediaStreamTrackProcessorInit(self._track, size))
        reader = processor.readable.get_reader()
        reading: asyncio.Future[Any] | None = None
        try:
            at_once = False
            while True:
                if at_once:
                    # A reader slower than the track finds the next frame ready, and would never let the loop have its turn.
                    await asyncio.sleep(0)
                reading = reader.read()
                at_once = reading.done()
                if (chunk := (await reading).value) is None:
                    return
                reading = None
                with chunk:
                    media: Media = _video(chunk, self._tags) if isinstance(chunk, webrtc.VideoFrame) else _audio(chunk)
                yield media
        finally:
            _drop(reading)
            with contextlib.suppress(webrtc.RTCException, TypeError):
                await reader.cancel()


def _drop(reading: asyncio.Future[Any] | None) -> None:
    """A reader that was cancelled just as a chunk came has not seen it, and the engine wants each of them closed."""
    if reading is None or not reading.done() or reading.cancelled() or reading.exception() is not None:
        return
    if (chunk := reading.result().value) is not None:
        chunk.close()


def _ignore(_picture: EncodedPicture | None) -> None:
    """Nobody wants to know."""


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
    # Phones send what they film as the sensor lies, and mark how it is to be turned (RTP extension video-orientation).
    picture = VideoFrame.from_i420(data, (frame.coded_width, frame.coded_height), frame.timestamp, frame.rotation)
    tag = tags.told_of(frame.metadata().rtp_timestamp) if tags is not None else None
    if tag is None:
        return picture
    number = tag.frame_id - 1 if tag.frame_id else None
    return replace(picture, metadata=tag.user_data or None, capture_time_us=tag.capture_time_us or None, number=number)


def _audio(chunk: webrtc.AudioData) -> AudioBlock:
    count, channels = chunk.number_of_frames, chunk.number_of_channels
    interleaved = np.empty(count * channels, np.int16)
    options = webrtc.AudioDataCopyToOptions(plane_index=0, format=webrtc.AudioSampleFormat("s16"))
    chunk.copy_to(interleaved.data.cast("B"), options)
    samples = np.ascontiguousarray(interleaved.reshape(count, channels).T)
    return AudioBlock(samples, int(chunk.sample_rate), chunk.timestamp)
