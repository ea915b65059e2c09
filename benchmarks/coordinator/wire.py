"""A lean HTTP client: one request at a time on a connection that is kept, and streams of events."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

HEAD_END = b"\r\n\r\n"
EVENT_END = b"\n\n"


class Lost(Exception):
    """The connection was closed before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One connection to an HTTP/1.1 server that gives the length of its answers."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._answer: asyncio.Future[Reply] | None = None

    @classmethod
    async def open(cls, port: int) -> Self:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(f"127.0.0.1:{port}"), "127.0.0.1", port)
        return connection

    async def ask(self, method: str, path: str, token: str = "", body: object = None, **headers: str) -> Reply:
        """The answer to one request. Raises :class:`Lost`."""
        if self._transport is None or self._transport.is_closing():
            raise Lost("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request_bytes(self._host, method, path, token, body, **headers))
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, mark, rest = self._held.partition(HEAD_END)
        if not mark:
            return
        length = _length(head)
        if len(rest) < length:
            return
        self._held = rest[length:]
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Reply(int(head[9:12]), rest[:length]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Lost(str(exc) or "closed by the server"))


class EventStream(asyncio.Protocol):
    """One stream of events. ``heard`` gets each event's JSON text as it comes, and ``ended`` is called at the end."""

    def __init__(self, request: bytes, heard: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._request = request
        self._heard = heard
        self._ended = ended
        self._held = b""
        self._transport: asyncio.Transport | None = None
        self.status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        held = self._held + data
        if self.status == 0:
            head, mark, held = held.partition(HEAD_END)
            if not mark:
                self._held = head
                return
            self.status = int(head[9:12])
        *whole, self._held = held.split(EVENT_END)
        for part in whole:
            begin = part.find(b"data: ")
            if begin >= 0:
                self._heard(part[begin + 6 :])
        # The last chunk of a chunked answer: nothing more will come.
        if self._held.endswith(b"0\r\n\r\n"):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def request_bytes(host: str, method: str, path: str, token: str = "", body: object = None, **headers: str) -> bytes:
    """A request as it goes over the wire. Names of ``headers`` have ``_`` for ``-``."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + HEAD_END + content


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
