"""A client that watches the model that is killed: what it sees, and whether its connection ever changed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from reactor_protocol.names import NOTICE_MODEL_RESTARTED
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import EventSink, Peer, PeerConfig, PeerFactory
from reactor_sdk import Reactor, ReactorStatus
from reactor_sdk.types import ReactorError

Frame = npt.NDArray[np.uint8]

BITS = 16
NEAR = 8
"""How far a grey value may be off after lossy compression."""


@dataclass(frozen=True)
class Look:
    """One picture: when it came (s, the loop's clock), the process that painted it (16 bits), and the two values."""

    at: float
    painter: int
    left: float
    right: float

    def shows(self, left: int, right: int) -> bool:
        """Whether the picture is of those values."""
        return abs(self.left - left) <= NEAR and abs(self.right - right) <= NEAR


def look_at(frame: Frame, at: float) -> Look:
    """What a picture tells."""
    height, width = frame.shape[:2]
    row = frame[height // 8 : 3 * height // 8].mean(axis=(0, 2))
    painter = sum((float(row[(2 * i + 1) * width // (2 * BITS)]) > 125) << (BITS - 1 - i) for i in range(BITS))
    lower = frame[5 * height // 8 : 7 * height // 8].mean(axis=(0, 2))
    left, right = lower[width // 8 : 3 * width // 8].mean(), lower[5 * width // 8 : 7 * width // 8].mean()
    return Look(at, painter, float(left), float(right))


def counted_client(model: str) -> tuple[Reactor, list[Peer]]:
    """A client of a local runtime, and the connections that it makes from now on."""
    made: list[Peer] = []

    def kept(config: PeerConfig, on_event: EventSink) -> Peer:
        made.append(make_peer(config, on_event))
        return made[-1]

    class Counted(Reactor):
        _make_peer: ClassVar[PeerFactory] = staticmethod(kept)

    return Counted(model, local=True), made


class Watcher:
    """One client and what it has seen."""

    def __init__(self, client: Reactor, connections: list[Peer]) -> None:
        self.client = client
        self._connections = connections
        self.statuses: list[ReactorStatus] = []
        self.errors: list[ReactorError] = []
        self.loads: asyncio.Queue[float] = asyncio.Queue()
        """How long the model took to load, each time that it came back (s)."""
        self._newest: Look | None = None
        self._news = asyncio.Event()
        client.on("status_changed", self.statuses.append)
        client.on("error", self.errors.append)
        client.on("runtime_message", self._note)
        client.set_frame_callback(self._show)

    def _show(self, frame: Frame) -> None:
        self._newest = look_at(frame, asyncio.get_running_loop().time())
        self._news.set()

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("type") == NOTICE_MODEL_RESTARTED:
            self.loads.put_nowait(float(message["data"]["load_seconds"]))

    async def until(self, wanted: Callable[[Look], bool], seconds: float = 30.0) -> Look:
        """The next picture of which that is true. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                self._news.clear()
                await self._news.wait()
                if self._newest is not None and wanted(self._newest):
                    return self._newest

    @property
    def stayed(self) -> bool:
        """Whether it has been READY ever since it became so, over the one connection that it has made."""
        ready = self.statuses[-1:] == [ReactorStatus.READY] and self.statuses.count(ReactorStatus.READY) == 1
        return ready and len(self._connections) == 1
