"""A path that carries little: a UDP relay on the loopback between one visitor and the runtime."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
from tests.reactor_runtime.visitor import Visitor

from reactor_rtc.port import PeerFactory

_CANDIDATE = re.compile(r"^a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) typ host.*\r\n", re.MULTILINE | re.IGNORECASE)
_ANY_CANDIDATE = re.compile(r"^a=(candidate:.*|end-of-candidates)\r\n", re.MULTILINE)
MAX_WAITING_BYTES = 64 * 1024


class _End(asyncio.DatagramProtocol):
    """One socket of the relay; ``peer`` is who it talks to."""

    def __init__(self, relay: "NarrowPath") -> None:
        self._relay = relay
        self.transport: asyncio.DatagramTransport | None = None
        self.peer: tuple[str, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._relay.passed(self, data, addr)

    def send(self, data: bytes) -> None:
        if self.peer is not None and self.transport is not None:
            self.transport.sendto(data, self.peer)


class NarrowPath:
    """Passes datagrams on: to the server at once, to the client at ``rate`` bit/s. What does not fit in 64 KiB is lost."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.client, self.server = _End(self), _End(self)
        self._free_at = 0.0

    async def open(self) -> int:
        """The port for the client to talk to."""
        loop = asyncio.get_running_loop()
        for end in (self.client, self.server):
            await loop.create_datagram_endpoint(lambda end=end: end, local_addr=("127.0.0.1", 0))  # type: ignore[misc]
        assert self.client.transport is not None
        port: int = self.client.transport.get_extra_info("sockname")[1]
        return port

    def passed(self, end: _End, data: bytes, sender: tuple[str, int]) -> None:
        """A datagram has come in at one end."""
        end.peer = sender if end is self.client else end.peer
        if end is self.client:
            self.server.send(data)
            return
        loop = asyncio.get_running_loop()
        starts = max(loop.time(), self._free_at)
        if (starts - loop.time()) * self.rate / 8 <= MAX_WAITING_BYTES:
            self._free_at = starts + len(data) * 8 / self.rate
            loop.call_at(self._free_at, self.client.send, data)

    def close(self) -> None:
        for end in (self.client, self.server):
            if end.transport is not None:
                end.transport.close()


class NarrowVisitor(Visitor):
    """A visitor whose only way to the runtime is a narrow path."""

    def __init__(self, http: httpx.AsyncClient, factory: PeerFactory, path: NarrowPath) -> None:
        super().__init__(http, factory)
        self._path = path
        accept = self.peer.accept_answer

        async def accept_here(sdp: str) -> None:
            await accept(await self._through(sdp))

        self.peer.accept_answer = accept_here  # type: ignore[method-assign]

    async def offer(self) -> dict[str, Any]:
        body = await super().offer()
        return body | {"sdp_offer": _ANY_CANDIDATE.sub("", body["sdp_offer"])}

    async def _through(self, sdp: str) -> str:
        found = _CANDIDATE.search(sdp)
        assert found is not None, sdp
        self._path.server.peer = ("127.0.0.1", int(found[1]))
        port = await self._path.open()
        line = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\na=end-of-candidates\r\n"
        return _ANY_CANDIDATE.sub("", sdp).replace("a=ice-ufrag", line + "a=ice-ufrag", 1)


@asynccontextmanager
async def narrow_path(rate: float) -> AsyncIterator[NarrowPath]:
    path = NarrowPath(rate)
    try:
        yield path
    finally:
        path.close()
