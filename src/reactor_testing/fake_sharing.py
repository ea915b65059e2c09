"""How sections of a :class:`reactor_testing.fake_peer.FakePeer` share what one encodes; its codec leaves pictures as they are."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from reactor_rtc.frames import PixelFormat, VideoFrame
from reactor_rtc.port import EncodedPicture, SharingRole
from reactor_rtc.splice import Splice

_HEADER: Final = struct.Struct("<BIIq")
_FORMATS: Final[tuple[PixelFormat, ...]] = ("I420", "RGBX")


def encode(frame: VideoFrame) -> bytes:
    """A picture as bytes."""
    return _HEADER.pack(_FORMATS.index(frame.pixels), frame.width, frame.height, frame.timestamp_us) + frame.data.tobytes()


def decode(data: bytes) -> VideoFrame:
    """The picture that :func:`encode` was given, but for its metadata."""
    pixels, width, height, timestamp = _HEADER.unpack_from(data)
    return VideoFrame(np.frombuffer(data, np.uint8, offset=_HEADER.size), width, height, timestamp, _FORMATS[pixels])


class Sharing:
    """The role of a section that sends pictures, and what follows from it."""

    def __init__(self) -> None:
        self.role = SharingRole.OWN
        self.key_due = True
        self._splice: Splice[VideoFrame] = Splice()

    def take(self, role: SharingRole) -> None:
        """Has that role from now on."""
        if role is not self.role:
            self.role, self.key_due, self._splice = role, True, Splice()

    def encoded(self, frame: VideoFrame) -> EncodedPicture:
        """What a section that leads tells of a picture."""
        key, self.key_due = self.key_due, False
        return EncodedPicture(encode(frame), key, frame.timestamp_us)

    def given(self, frame: VideoFrame) -> list[VideoFrame]:
        """A section that follows is given a picture; what it sends now."""
        if not self._splice.due():
            return []
        self._splice.leave(self._splice.enter(frame.timestamp_us))
        return [decode(picture.data) for _, picture in self._splice.frame(frame)]

    def followed(self, picture: EncodedPicture) -> list[VideoFrame]:
        """A section is given what another has encoded; what it sends now."""
        if self.role is not SharingRole.FOLLOW:
            return []
        return [decode(one.data) for _, one in self._splice.picture(picture)]
