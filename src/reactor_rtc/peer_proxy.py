"""PeerProxy: the port for a program whose loop is its own affair, over a peer that lives on the engine's loop.

Verbs go over to the engine's thread, events and media come back, in order, in the turn of the program's loop that follows. What
may be called on any thread is called where the program stands: a message leaves before ``send`` returns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from reactor_protocol.codec import Frame
from reactor_protocol.errors import TransportError
from reactor_rtc.engine_thread import engine_thread
from reactor_rtc.frames import AudioBlock, Media
from reactor_rtc.handoff import Arrivals, Handoff
from reactor_rtc.port import (
    EncodedPicture,
    EventSink,
    FrameReceived,
    IceCandidate,
    LocalOffer,
    PeerConfig,
    PeerEvent,
    PeerState,
    PeerStats,
    Section,
    SharingRole,
    StateChanged,
)
from reactor_rtc.wrtc_path import PathReport
from reactor_rtc.wrtc_peer import WrtcPeer

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Of messages may wait for a program's loop. The engine would take them without end; the connection is given up instead."""

_AUDIO_BLOCKS: Final = 256
"""Of sound may be on their way to the engine, whose thread takes them at once."""
_VIDEO_KEPT, _AUDIO_KEPT = 6, 20
"""What waits for a reader whose loop is busy: six pictures, or 0.2 s of sound."""


class PeerProxy:
    """One peer connection of the engine, seen from the loop that made it. See :class:`reactor_rtc.port.Peer`.

    A loop that is closed without a word is let go: its connection is closed with the next thing that happens on it.
    """

    def __init__(self, config: PeerConfig, on_event: EventSink) -> None:
        self._on_event = on_event
        self._owner = asyncio.get_running_loop()
        self._thread = engine_thread()
        self._state = PeerState.NEW
        self._events: Handoff[PeerEvent] = Handoff(self._owner, self._tell)
        self._outgoing: dict[str, Handoff[Media]] = {}
        self._backlog = _Backlog()
        self._peer: WrtcPeer | None = None
        self._making = asyncio.run_coroutine_threadsafe(self._make(config), self._thread.loop)

    @property
    def state(self) -> PeerState:
        """As the events have told it."""
        return self._state

    # ------------------------------------------------------------------------------------------------ negotiation

    async def offer(self, sections: Sequence[Section], labels: Sequence[str]) -> LocalOffer:
        return await self._ask(lambda peer: peer.offer(sections, labels))

    async def accept_answer(self, sdp: str) -> None:
        await self._ask(lambda peer: peer.accept_answer(sdp))

    async def answer(self, sdp: str, sections: Sequence[Section]) -> str:
        return await self._ask(lambda peer: peer.answer(sdp, sections))

    async def add_candidate(self, candidate: IceCandidate) -> None:
        await self._ask(lambda peer: peer.add_candidate(candidate))

    # --------------------------------------------------------------------------------------------------- messages

    def send(self, frame: Frame) -> None:
        self._made().send(frame)

    def buffered(self, label: str) -> int:
        return self._peer.buffered(label) if self._peer is not None else 0

    # ------------------------------------------------------------------------------------------------------ media

    def send_media(self, mid: str, media: Media) -> None:
        if self._made().takes(mid, media) and self._state is PeerState.CONNECTED:
            self._way(mid, media).put(media)

    def _way(self, mid: str, media: Media) -> Handoff[Media]:
        way = self._outgoing.get(mid)
        if way is None:
            peer, capacity = self._made(), _AUDIO_BLOCKS if isinstance(media, AudioBlock) else 1
            way = self._outgoing[mid] = Handoff(self._thread.loop, lambda each: peer.send_media(mid, each), capacity)
        return way

    async def set_active(self, mid: str, active: bool) -> None:
        await self._ask(lambda peer: peer.set_active(mid, active))

    def tag(self, mid: str) -> None:
        section = self._made().section(mid)
        self._thread.loop.call_soon_threadsafe(section.tag)

    def shared_codec(self, mid: str) -> str | None:
        return self._made().shared_codec(mid)

    def share(self, mid: str, role: SharingRole) -> None:
        peer = self._sharing(mid)
        # A picture that is given from now on may not overtake the change by taking the place of an older one.
        self._outgoing.pop(mid, None)
        self._later(lambda: peer.share(mid, role))

    def send_encoded(self, mid: str, picture: EncodedPicture) -> None:
        peer = self._sharing(mid)
        self._later(lambda: peer.send_encoded(mid, picture))

    def ask_keyframe(self, mid: str) -> None:
        peer = self._sharing(mid)
        self._later(lambda: peer.ask_keyframe(mid))

    def _sharing(self, mid: str) -> WrtcPeer:
        peer = self._made()
        if peer.shared_codec(mid) is None:
            raise TransportError(f"what section {mid!r} sends cannot be shared")
        return peer

    def _later(self, verb: Callable[[], None]) -> None:
        def run() -> None:
            try:
                verb()
            except TransportError as error:
                logger.debug("the connection went away meanwhile: %s", error)

        self._thread.loop.call_soon_threadsafe(run)

    async def bandwidth(self) -> float | None:
        return await self._ask(lambda peer: peer.bandwidth())

    async def media(self, mid: str) -> AsyncIterator[Media]:
        peer = self._made()
        video = peer.receives(mid) == "video"
        arrivals: Arrivals[Media] = Arrivals(self._owner, _VIDEO_KEPT if video else _AUDIO_KEPT, newest_wins=video)
        reading = asyncio.run_coroutine_threadsafe(self._read(peer, mid, arrivals), self._thread.loop)
        reading.add_done_callback(lambda done: arrivals.end(None if done.cancelled() else done.exception()))
        try:
            while (media := await arrivals.get()) is not None:
                yield media
        finally:
            reading.cancel()

    async def _read(self, peer: WrtcPeer, mid: str, arrivals: Arrivals[Media]) -> None:
        """On the engine's loop: fills ``arrivals`` until the section ends, or nobody can read any more."""
        async for media in peer.read(mid, _VIDEO_KEPT):
            if not arrivals.put(media):
                self._let_go()

    # ------------------------------------------------------------------------------------------------------ state

    async def stats(self, *, remember: bool = True) -> PeerStats:
        return await self._ask(lambda peer: peer.stats(remember=remember))

    async def path(self) -> PathReport:
        """How the connection comes about. No verb of the port: it is for those who look for faults."""
        return await self._ask(lambda peer: peer.path())

    async def close(self) -> None:
        # A caller that is cancelled leaves no half-closed connection behind.
        await asyncio.shield(self._ask(lambda peer: peer.close()))

    # ------------------------------------------------------------------------------------------- between the loops

    async def _make(self, config: PeerConfig) -> WrtcPeer:
        """On the engine's loop, before anything else of this peer."""
        self._peer = WrtcPeer(config, self._heard)
        return self._peer

    def _made(self) -> WrtcPeer:
        if self._peer is None:
            raise TransportError("the connection is not negotiated")
        return self._peer

    async def _ask(self, verb: Callable[[WrtcPeer], Coroutine[Any, Any, T]]) -> T:
        """Does something on the engine's loop. What it told before has been told here when this returns."""

        async def work() -> T:
            peer = self._peer
            if peer is None:  # raises why not
                peer = await asyncio.shield(asyncio.wrap_future(self._making))
            return await verb(peer)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._thread.loop))

    def _heard(self, event: PeerEvent) -> None:
        """On the engine's loop: the peer has something to tell."""
        if not self._backlog.admits(event):
            logger.error("a connection is closed: %d MB of messages wait for its program", MAX_WAITING_BYTES >> 20)
            self._let_go()
        elif not self._events.put(event):
            self._let_go()

    def _let_go(self) -> None:
        """On the engine's loop: nobody is there to close the connection."""
        if not self._backlog.given_up:
            self._backlog.given_up = True
            self._thread.begin(self._made().close(), "let go")

    def _tell(self, event: PeerEvent) -> None:
        """On the owner's loop."""
        self._backlog.took(event)
        if isinstance(event, StateChanged):
            self._state = event.state
        self._on_event(event)


class _Backlog:
    """How many bytes of messages wait for the owner. Each thread counts for itself: neither waits for the other."""

    def __init__(self) -> None:
        self._given = 0
        self._taken = 0
        self.given_up = False

    def admits(self, event: PeerEvent) -> bool:
        """On the engine's loop. False for a message that is too much; none follows it."""
        if not isinstance(event, FrameReceived):
            return True
        self._given += len(event.frame.payload)
        return not self.given_up and self._given - self._taken <= MAX_WAITING_BYTES

    def took(self, event: PeerEvent) -> None:
        """On the owner's loop."""
        if isinstance(event, FrameReceived):
            self._taken += len(event.frame.payload)


def make_peer(config: PeerConfig, on_event: EventSink) -> PeerProxy:
    """The factory that the client and the runtime are composed with. Raises ``RuntimeError`` outside of an event loop."""
    return PeerProxy(config, on_event)
