"""What a video sender's encoder makes, on its way to the network: trailers behind pictures, and pictures that senders share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import webrtc

from reactor_rtc.frames import VideoFrame
from reactor_rtc.port import EncodedPicture, SharingRole
from reactor_rtc.splice import Splice
from reactor_rtc.wrtc_trailers import Tagger

logger = logging.getLogger(__name__)

STAND_IN_SIDE: Final = 16
_MAX_STALE: Final = 64
"""How many stand-ins of a role that has ended may still be inside the encoder."""
_STAND_IN_PIXELS: Final = np.full(STAND_IN_SIDE * STAND_IN_SIDE * 3 // 2, 128, np.uint8)


@dataclass(frozen=True, slots=True)
class EncodedSink:
    """Who is told. ``made``: of each picture of an encoder that leads. ``key_wanted``: that the other side of a section that
    shares needs a keyframe. ``encode``: that the encoder is to be given one stand-in more.
    """

    made: Callable[[EncodedPicture], None]
    key_wanted: Callable[[], None]
    encode: Callable[[VideoFrame], None]


class EncodedStream:
    """The pictures of one sender between its encoder and the network.

    A section that follows has its encoder make tiny stand-ins, which cost next to nothing; each carries a picture of another
    sender's encoder. Pacing, retransmission and everything else behind the encoder stay the sender's own.
    """

    def __init__(self, sender: webrtc.RTCRtpSender, sink: EncodedSink) -> None:
        self._sender = sender
        self._sink = sink
        self._way = _Way()
        self._splice: Splice[Any] = Splice()
        self._stale: deque[int] = deque(maxlen=_MAX_STALE)
        self._lost = False
        self._starting = False
        self._led = False
        self.role = SharingRole.OWN
        self.tagger: Tagger | None = None

    def tag(self) -> None:
        """Sends what is told of each picture along with it, from the next one on."""
        if self.tagger is None:
            self.tagger = Tagger()
            self._lay()

    def share(self, role: SharingRole) -> None:
        """Takes a role. The first picture of a new role is a keyframe."""
        if role is self.role:
            return
        # Of what this encoder makes from now on, only a keyframe can follow on another encoder's pictures.
        self._starting = self._starting or self.role is SharingRole.FOLLOW
        self.role, self._led, self._lost = role, False, False
        self._stale.extend(self._splice.inside)
        self._splice = Splice()
        if not self._lay() and role is not SharingRole.FOLLOW:
            self.ask_keyframe()

    def _lay(self) -> bool:
        """Sets the transform, once: a sender that neither shares nor tells has none and pays nothing. True where it is new.

        The engine makes the encoder anew then, which begins with a keyframe.
        """
        if self._way.transform is not None:
            return False
        # The engine holds neither the transform nor its worker.
        self._way.transform = self._sender.transform = webrtc.RTCRtpScriptTransform(self.work)
        return True

    def ask_keyframe(self) -> None:
        """Has the encoder make a keyframe next. Does nothing while one is asked for."""
        self._way.asked = True
        if self._way.transformer is not None and (self._way.asking is None or self._way.asking.done()):
            self._way.asking = asyncio.ensure_future(_generate(self._way.transformer))

    def close(self) -> None:
        """Forgets what is under way."""
        if self._way.asking is not None:
            self._way.asking.cancel()

    # ------------------------------------------------------------------------------------------- into the encoder

    def enter(self, frame: VideoFrame) -> VideoFrame | None:
        """What the encoder is given for a picture: the picture, a stand-in, or nothing where one is left over."""
        if self.tagger is not None:
            self.tagger.tell(frame)
        if self.role is not SharingRole.FOLLOW:
            return frame
        return self._stand_in(frame.timestamp_us) if self._splice.due() else None

    def _stand_in(self, time: int) -> VideoFrame:
        return VideoFrame(_STAND_IN_PIXELS, STAND_IN_SIDE, STAND_IN_SIDE, self._splice.enter(time))

    # ---------------------------------------------------------------------------------------------- to the network

    async def work(self, event: Any) -> None:
        """Passes the engine's pictures on; the engine runs it as the worker of the transform."""
        self._way.transformer = event.transformer
        self._way.writer = event.transformer.writable.get_writer()
        with contextlib.suppress(webrtc.RTCException, TypeError):  # the sender has ended
            async for encoded in event.transformer.readable:
                told = encoded.get_metadata()
                if self._splice.leave(told.timestamp or 0):
                    self._stand_in_made(encoded)
                elif told.timestamp not in self._stale:
                    self._picture_made(told, encoded)

    def _picture_made(self, told: webrtc.RTCEncodedVideoFrameMetadata, encoded: Any) -> None:
        key = _is_key(encoded)
        if self._splice.started or (self._starting and not key):
            return
        self._starting = False
        time, unasked = told.timestamp or 0, key and self._way.is_unasked((told.width, told.height))
        picture = EncodedPicture(bytes(encoded.data), key, time) if self.role is SharingRole.LEAD and (key or self._led) else None
        self._write(encoded, None, time)
        if picture is not None:
            if unasked and self._led:
                self._sink.key_wanted()
            self._led = True
            self._sink.made(picture)

    def _stand_in_made(self, encoded: Any) -> None:
        # The engine has the stand-in's encoder make a keyframe when the other side asks for one.
        wanted = _is_key(encoded) or self._lost
        self._carry(self._splice.frame(encoded), 0)
        if wanted:
            self._lost = False
            self._sink.key_wanted()

    def send(self, picture: EncodedPicture) -> None:
        """Sends a picture of another encoder, if this section follows."""
        if self.role is not SharingRole.FOLLOW:
            return
        started = self._splice.started
        self._carry(self._splice.picture(picture), picture.timestamp_us)
        # A keyframe helps nobody until the encoder of the stand-ins makes some again.
        self._lost = self._lost or (started and not self._splice.started)

    def _carry(self, pairs: list[tuple[Any, EncodedPicture]], now: int) -> None:
        for encoded, picture in pairs:
            self._write(encoded, picture.data, picture.timestamp_us)
        if self._splice.missing:
            self._sink.encode(self._stand_in(now))

    def _write(self, encoded: Any, data: bytes | None, time: int) -> None:
        """Sends a frame, with these bytes in place of its own where they are given, and what is told of its picture."""
        trailer = self.tagger.trailer_of(time) if self.tagger is not None else b""
        if data is not None or trailer:
            encoded.data = (bytes(encoded.data) if data is None else data) + trailer
        self._way.writer.write(encoded).add_done_callback(_note)


class _Way:
    """The engine's objects between encoder and network, which nobody else holds."""

    def __init__(self) -> None:
        self.transform: Any = None
        self.transformer: Any = None
        self.writer: Any = None
        self.asking: asyncio.Future[None] | None = None
        self.asked = True
        self._size: tuple[int | None, int | None] = (None, None)

    def is_unasked(self, size: tuple[int | None, int | None]) -> bool:
        """Whether a keyframe of that size was made because the other side has asked for it."""
        unasked = not self.asked and size == self._size
        self.asked, self._size = False, size
        return unasked


def _is_key(encoded: Any) -> bool:
    return bool(encoded.type == webrtc.EncodedVideoChunkType.key)


async def _generate(transformer: Any) -> None:
    try:
        await transformer.generate_key_frame()
    except webrtc.RTCException as error:
        logger.debug("no keyframe was made: %s", error)


def _note(future: asyncio.Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        logger.debug("a picture was not sent: %s", error)
