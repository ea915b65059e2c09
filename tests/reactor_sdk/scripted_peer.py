"""A peer that does what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from reactor_protocol.codec import Frame
from reactor_protocol.errors import TransportError
from reactor_rtc.frames import Media
from reactor_rtc.port import (
    ChannelOpened,
    EventSink,
    FrameReceived,
    IceCandidate,
    LocalOffer,
    PeerConfig,
    PeerState,
    PeerStats,
    Section,
    StateChanged,
)


class ScriptedPeer:
    """Notes what it is asked to do; tests let events happen."""

    def __init__(self, config: PeerConfig, on_event: EventSink) -> None:
        self.config = config
        self.emit = on_event
        self.state = PeerState.NEW
        self.sections: Sequence[Section] = ()
        self.labels: Sequence[str] = ()
        self.answered: str | None = None
        self.sent: list[Frame] = []
        self.media_sent: list[tuple[str, Media]] = []
        self.arriving: dict[str, asyncio.Queue[Media | None]] = {}

    async def offer(self, sections: Sequence[Section], labels: Sequence[str]) -> LocalOffer:
        self.sections, self.labels = sections, labels
        mids = tuple(f"m{number}" for number in range(len(sections)))
        self.arriving = {mid: asyncio.Queue() for mid in mids}
        return LocalOffer("v=0 offer", mids)

    async def accept_answer(self, sdp: str) -> None:
        self.answered = sdp

    async def answer(self, sdp: str, sections: Sequence[Section]) -> str:
        raise NotImplementedError

    async def add_candidate(self, candidate: IceCandidate) -> None:
        raise NotImplementedError

    def send(self, frame: Frame) -> None:
        if self.state is PeerState.CLOSED:
            raise TransportError("closed")
        self.sent.append(frame)

    def send_media(self, mid: str, media: Media) -> None:
        self.media_sent.append((mid, media))

    async def set_active(self, mid: str, active: bool) -> None:
        raise NotImplementedError

    async def media(self, mid: str) -> AsyncIterator[Media]:
        while (media := await self.arriving[mid].get()) is not None:
            yield media

    async def stats(self, *, remember: bool = True) -> PeerStats:
        return PeerStats(rtt=0.02)

    async def close(self) -> None:
        self.become(PeerState.CLOSED)

    # ------------------------------------------------------------------------------------------------ for the test

    def become(self, state: PeerState) -> None:
        """The connection's state changes."""
        self.state = state
        self.emit(StateChanged(state))

    def open(self) -> None:
        """Everything that READY takes."""
        self.become(PeerState.CONNECTED)
        self.emit(ChannelOpened("control"))
        self.emit(ChannelOpened("data"))

    def receive(self, label: str, body: Any) -> None:
        """The other side says something."""
        self.emit(FrameReceived(Frame(label, body if isinstance(body, str) else json.dumps(body))))

    def said(self, label: str) -> list[Any]:
        """What was sent on a channel, parsed."""
        return [json.loads(frame.payload) for frame in self.sent if frame.label == label]
