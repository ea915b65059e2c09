"""Messages larger than one data-channel message, in fragments (reference: runtime, 5.5).

Both ends have to declare it in their session descriptions. Then every message goes as binary fragments of a flag byte and
payload, in order, on a channel that is ordered and reliable.
"""

from __future__ import annotations

import re
from typing import Final

from reactor_protocol.attributes import session_part, with_session_line
from reactor_protocol.codec import Payload
from reactor_protocol.errors import DecodeError
from reactor_protocol.names import CHUNK_BYTES

_MORE: Final = 0x01
_TEXT: Final = 0x02
_ATTRIBUTE: Final = re.compile(r"^a=x-reactor-dc-chunking:1 max-message-size=(\d{1,12})\s*$", re.MULTILINE)


def offered(sdp: str) -> int | None:
    """The largest message (bytes) that the sender of a description takes in fragments; None where it does not know them."""
    found = _ATTRIBUTE.search(session_part(sdp))
    return int(found.group(1)) if found and int(found.group(1)) > 0 else None


def with_agreement(sdp: str, max_bytes: int) -> str:
    """The description with the declaration that its sender takes messages of so many bytes in fragments."""
    return with_session_line(sdp, f"a=x-reactor-dc-chunking:1 max-message-size={max_bytes}")


def split(payload: Payload, fragment: int = CHUNK_BYTES) -> list[bytes]:
    """The fragments of a message, each of ``fragment`` bytes at most: 65,536, or less where the other side takes no more."""
    text = _TEXT if isinstance(payload, str) else 0
    data = payload.encode() if isinstance(payload, str) else payload
    room = max(1, min(fragment, CHUNK_BYTES) - 1)
    pieces = [data[begin : begin + room] for begin in range(0, len(data), room)] or [b""]
    last = len(pieces) - 1
    return [bytes((text | (_MORE if number < last else 0),)) + piece for number, piece in enumerate(pieces)]


class Assembly:
    """Puts the fragments of one channel together again. Holds ``max_bytes`` at most."""

    def __init__(self, max_bytes: int) -> None:
        self._limit = max_bytes
        self._data = bytearray()
        self._overlong = False

    def feed(self, fragment: Payload) -> Payload | None:
        """The message that a fragment completes, or None while more are to come.

        Raises :class:`DecodeError` for what is no fragment, and at the end of a message above the limit.
        """
        if isinstance(fragment, str) or not fragment:
            raise DecodeError("a fragment is binary and begins with its flags")
        flags = fragment[0]
        if len(self._data) + len(fragment) - 1 > self._limit:
            self._data.clear()
            self._overlong = True
        if not self._overlong:
            self._data += memoryview(fragment)[1:]
        return None if flags & _MORE else self._complete(flags)

    def _complete(self, flags: int) -> Payload:
        data, overlong = bytes(self._data), self._overlong
        self._data.clear()
        self._overlong = False
        if overlong:
            raise DecodeError(f"a message in fragments above the limit of {self._limit} bytes")
        if not flags & _TEXT:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise DecodeError(f"text that is not UTF-8: {error.reason}") from error
