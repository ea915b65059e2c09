"""Server-sent events, from bytes to the data of each event (WHATWG HTML, 9.2). No I/O; what is kept is bounded."""

from __future__ import annotations

from typing import Final

from reactor_protocol.errors import DecodeError

MAX_EVENT_BYTES: Final = 1024 * 1024

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class EventStreamDecoder:
    """Takes the bytes of one stream in pieces of any size. Comments and fields other than ``data`` are passed over."""

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._line = bytearray()
        self._data: list[bytes] = []
        self._held = 0
        self._after_return = False
        self._at_beginning = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that ``chunk`` completes. Raises :class:`DecodeError` for an event above the limit."""
        if not chunk:
            return []
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]  # the second half of a line's end that came in two pieces
        self._after_return = chunk.endswith(b"\r")
        *ended, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events: list[bytes] = []
        for part in ended:
            self._keep(part)
            line, self._line = bytes(self._line), bytearray()
            if (event := self._take(line)) is not None:
                events.append(event)
        self._keep(rest)
        return events

    def _keep(self, part: bytes) -> None:
        self._line += part
        if len(self._line) + self._held > self._limit:
            raise DecodeError(f"an event of the stream is larger than {self._limit} bytes")

    def _take(self, line: bytes) -> bytes | None:
        """Takes a line; an empty one ends the event, whose data is returned if it has any."""
        if self._at_beginning:
            self._at_beginning = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            data, self._data, self._held = self._data, [], 0
            return b"\n".join(data) if data else None
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._held += len(value) + 1
        return None
