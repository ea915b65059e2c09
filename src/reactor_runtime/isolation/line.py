"""Messages between the server and a model's process: pickled, each with its length before it.

The process runs as the same user, from the same installation, over a socket that nobody else has: what comes over it is trusted
as much as code of the model that runs in the server would be.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, Final

MAX_MESSAGE_BYTES: Final = 64 << 20

_LENGTH: Final = struct.Struct("=I")


def packed(message: object) -> bytes:
    """A message as it is sent. Raises ValueError for one that is too long, and what pickle raises for what cannot cross."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    if len(body) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {len(body)} bytes is above the limit of {MAX_MESSAGE_BYTES}")
    return _LENGTH.pack(len(body)) + body


class Mouth:
    """Says messages over a blocking socket, from any thread, in the order in which they are said."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._lock = threading.Lock()

    def say(self, message: object) -> None:
        """Returns when it is on its way; what nobody hears any more is lost, and the end of the line tells so."""
        data = packed(message)
        with self._lock, contextlib.suppress(OSError):
            self._line.sendall(data)


class Ear(asyncio.Protocol):
    """Hears messages, and the end of the line, on the event loop."""

    def __init__(self, heard: Callable[[Any], None], ended: Callable[[], None]) -> None:
        self._heard = heard
        self._ended = ended
        self._rest = bytearray()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        begin = 0
        while len(self._rest) - begin >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._rest, begin)
            end = begin + _LENGTH.size + length
            if len(self._rest) < end:
                break
            message = pickle.loads(memoryview(self._rest)[begin + _LENGTH.size : end])
            begin = end
            self._heard(message)
        del self._rest[:begin]

    def connection_lost(self, error: Exception | None) -> None:
        self._ended()
