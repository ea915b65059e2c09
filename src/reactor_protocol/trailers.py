"""What goes with one picture: a trailer behind its encoded bytes, added after encoding and taken off before decoding.

``[codec bytes][protobuf][u32 LE length of the protobuf]["RXMT"]`` (reference: runtime, 6.5).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from reactor_protocol.errors import DecodeError
from reactor_protocol.protobuf import BYTES, INTEGER, Field, Kind, Shape

MAX_USER_DATA_BYTES: Final = 64 * 1024
MAX_TRAILER_BYTES: Final = MAX_USER_DATA_BYTES + 64

_MARK: Final = b"RXMT"
_LENGTH: Final = struct.Struct("<I")
_BLOB: Final = Kind(BYTES, lambda data, pos, end, _: data[pos:end], bytes)
_SHAPE: Final = Shape({1: Field("frame_id", INTEGER), 2: Field("capture_time_us", INTEGER), 3: Field("user_data", _BLOB)})


@dataclass(frozen=True, slots=True)
class FrameTag:
    """What is told of a picture: its number, its capture (microseconds of the sender's clock; 0: not told), and bytes."""

    frame_id: int = 0
    capture_time_us: int = 0
    user_data: bytes = b""


def trailer(tag: FrameTag) -> bytes:
    """The bytes that go behind an encoded picture; user data above ``MAX_USER_DATA_BYTES`` is left out."""
    body = {"frame_id": tag.frame_id, "capture_time_us": tag.capture_time_us}
    user_data = {"user_data": tag.user_data} if 0 < len(tag.user_data) <= MAX_USER_DATA_BYTES else {}
    content = _SHAPE.encode({**body, **user_data})
    return content + _LENGTH.pack(len(content)) + _MARK


def split_trailer(data: bytes) -> tuple[bytes, FrameTag | None]:
    """The encoded picture, and what was told of it. Bytes that end in no trailer stay as they are, and None is told."""
    if data[-4:] != _MARK or len(data) < 8:
        return data, None
    size: int = _LENGTH.unpack_from(data, len(data) - 8)[0]
    begin = len(data) - 8 - size
    if begin < 0 or size > MAX_TRAILER_BYTES:
        return data, None
    try:
        body = _SHAPE.decode(data[begin:-8])
    except DecodeError:
        return data, None
    return data[:begin], FrameTag(body.get("frame_id", 0), body.get("capture_time_us", 0), body.get("user_data", b""))
