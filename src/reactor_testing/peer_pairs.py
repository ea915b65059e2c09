"""Two peers that are joined, what they say, and what can be sent between them: the tools of ``peer_conformance``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import numpy as np

from reactor_protocol.codec import Frame
from reactor_protocol.errors import NegotiationError, TransportError
from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_rtc.port import (
    ChannelOpened,
    FrameReceived,
    Peer,
    PeerConfig,
    PeerEvent,
    PeerFactory,
    PeerState,
    Section,
    StateChanged,
)

LIMIT_S: Final = 15.0
FRAME_S: Final = 0.02
LABELS: Final = ("control", "data")
SECTIONS: Final = (
    Section("video", "receive"),
    Section("video", "send"),
    Section("audio", "receive"),
    Section("audio", "send"),
)
RED, GREEN, BLUE = (200, 40, 40), (40, 200, 40), (40, 40, 200)
Colour: TypeAlias = tuple[int, int, int]


class Observed:
    """Everything that one peer has said, and a way to wait for more."""

    def __init__(self) -> None:
        self.events: list[PeerEvent] = []
        self._more = asyncio.Event()

    def __call__(self, event: PeerEvent) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, *wanted: PeerEvent, limit_s: float = LIMIT_S) -> None:
        """Waits until all of ``wanted`` have been said."""
        async with asyncio.timeout(limit_s):
            while not all(event in self.events for event in wanted):
                self._more.clear()
                await self._more.wait()

    def frames(self) -> list[Frame]:
        """The messages that came, in order."""
        return [event.frame for event in self.events if isinstance(event, FrameReceived)]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two peers that are connected, what they said, and the mids of :data:`SECTIONS`."""

    offerer: Peer
    answerer: Peer
    offerer_said: Observed
    answerer_said: Observed
    mids: tuple[str, ...]


def mirrored(sections: Sequence[Section], mids: Sequence[str]) -> list[Section]:
    """The sections of an offer as the answerer sees them."""
    flipped = {"send": "receive", "receive": "send"}
    return [Section(s.kind, cast(Any, flipped[s.direction]), mid) for s, mid in zip(sections, mids, strict=True)]


@asynccontextmanager
async def connected(offering: PeerFactory, answering: PeerFactory) -> AsyncIterator[Pair]:
    """A connected pair with all channels open; closed in the end."""
    said, heard = Observed(), Observed()
    offerer, answerer = offering(PeerConfig(), said), answering(PeerConfig(), heard)
    try:
        offer = await offerer.offer(SECTIONS, LABELS)
        await offerer.accept_answer(await answerer.answer(offer.sdp, mirrored(SECTIONS, offer.mids)))
        for observed in (said, heard):
            await observed.until(StateChanged(PeerState.CONNECTED), *map(ChannelOpened, LABELS))
        yield Pair(offerer, answerer, said, heard, offer.mids)
    finally:
        await offerer.close()
        await answerer.close()


def picture(colour: Colour, width: int = 160, height: int = 120) -> VideoFrame:
    """A picture of one colour."""
    return VideoFrame.from_rgb(np.full((height, width, 3), colour, np.uint8))


def colour_of(media: Media) -> Colour:
    """The colour in the middle of a picture."""
    assert isinstance(media, VideoFrame)
    red, green, blue = media.to_rgb()[media.height // 2, media.width // 2].tolist()
    return red, green, blue


def is_like(media: Media, colour: Colour, tolerance: int = 24) -> bool:
    return all(abs(seen - sent) <= tolerance for seen, sent in zip(colour_of(media), colour, strict=True))


def tone() -> AudioBlock:
    """20 ms of 400 Hz at half the full amplitude."""
    return AudioBlock.from_array(np.sin(np.arange(960) * (2 * np.pi * 400 / 48_000)) * 0.5)


@asynccontextmanager
async def reading(receiver: Peer, mid: str) -> AsyncIterator[list[Media]]:
    """Reads a section from now on; the list is what has come."""
    seen: list[Media] = []

    async def read() -> None:
        async for media in receiver.media(mid):
            seen.append(media)

    task = asyncio.ensure_future(read())
    try:
        yield seen
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def send_until(sender: Peer, mid: str, media: Media, done: Callable[[], bool]) -> None:
    """Sends ``media`` again and again, as a live source does."""
    async with asyncio.timeout(LIMIT_S):
        while not done():
            sender.send_media(mid, media)
            await asyncio.sleep(FRAME_S)


async def received(sender: Peer, mid: str, media: Media, receiver: Peer, wanted: Callable[[Media], bool]) -> Media:
    """Sends ``media`` until the other side reads what is ``wanted``, and gives that."""
    async with reading(receiver, mid) as seen:
        await send_until(sender, mid, media, lambda: any(map(wanted, seen)))
        return next(filter(wanted, seen))


async def refused(work: Awaitable[object], kind: type[Exception] = NegotiationError) -> None:
    """Asserts that ``work`` raises ``kind``."""
    try:
        await work
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")


def cannot_send(peer: Peer, frame: Frame) -> bool:
    try:
        peer.send(frame)
    except TransportError:
        return True
    return False
