"""Trailers behind encoded pictures, on their way out of the engine's encoder and into its decoder."""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Final

import webrtc

from reactor_protocol.trailers import FrameTag, split_trailer, trailer
from reactor_rtc.frames import VideoFrame

logger = logging.getLogger(__name__)

MAX_WAITING_TAGS: Final = 32
"""How many pictures may be on their way through an encoder or decoder; what was told of older ones is forgotten."""


class _Waiting:
    """What is told of the pictures that are inside the engine, by the time that it knows each by."""

    def __init__(self) -> None:
        self._tags: dict[int, FrameTag] = {}

    def put(self, time: int, tag: FrameTag) -> None:
        self._tags[time] = tag
        while len(self._tags) > MAX_WAITING_TAGS:
            del self._tags[next(iter(self._tags))]

    def take(self, time: int | None) -> FrameTag | None:
        return None if time is None else self._tags.pop(time, None)


class Tagger:
    """What is told of the pictures of a sender, and the trailer that goes behind each of them."""

    def __init__(self) -> None:
        self._waiting = _Waiting()
        self._count = 0

    def tell(self, frame: VideoFrame) -> None:
        """Takes note of a picture that is about to be encoded."""
        self._count += 1
        captured = frame.capture_time_us or frame.timestamp_us
        number = self._count if frame.number is None else frame.number + 1
        self._waiting.put(frame.timestamp_us, FrameTag(number, captured, frame.metadata or b""))

    def trailer_of(self, time: int | None) -> bytes:
        """The trailer of the picture of that time (microseconds), empty where nothing was told of it."""
        tag = self._waiting.take(time)
        return b"" if tag is None else trailer(tag)


class Untagger:
    """Takes the trailers off what a receiver gets, and remembers what they told until the picture is decoded."""

    def __init__(self, receiver: webrtc.RTCRtpReceiver) -> None:
        self._waiting = _Waiting()
        self._transform = receiver.transform = webrtc.RTCRtpScriptTransform(self.work)

    def told_of(self, rtp_timestamp: int | None) -> FrameTag | None:
        """What was told of the picture with that RTP timestamp."""
        return self._waiting.take(rtp_timestamp)

    async def work(self, event: Any) -> None:
        """Passes the engine's pictures on; the engine runs it as the worker of the transform."""
        writer = event.transformer.writable.get_writer()
        with contextlib.suppress(webrtc.RTCException, TypeError):  # the receiver has ended
            async for encoded in event.transformer.readable:
                picture, tag = split_trailer(bytes(encoded.data))
                if tag is not None:
                    encoded.data = picture
                    if (time := encoded.get_metadata().rtp_timestamp) is not None:
                        self._waiting.put(time, tag)
                await writer.write(encoded)
