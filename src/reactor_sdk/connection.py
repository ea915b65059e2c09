"""One WebRTC connection to a model: a peer, the conversation over its data channels, and its tracks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from aiortc.mediastreams import MediaStreamTrack

from reactor_protocol.errors import DisconnectedError, ReactorException, RequestTimeoutError, TransportError
from reactor_protocol.messages import PauseTrack, ResumeTrack, ServerMessage, UnpublishTrack
from reactor_protocol.names import CHANNEL_CONTROL, CHANNEL_DATA
from reactor_protocol.resources import MappedTrack, Track
from reactor_rtc.frames import Media
from reactor_rtc.port import (
    CandidateFound,
    ChannelClosed,
    ChannelDrained,
    ChannelOpened,
    FrameReceived,
    IceCandidate,
    IceServer,
    PeerConfig,
    PeerEvent,
    PeerFactory,
    PeerState,
    PeerStats,
    Section,
    StateChanged,
)
from reactor_rtc.scope import TaskScope
from reactor_sdk.conversation import Conversation
from reactor_sdk.opening import Opening
from reactor_sdk.tracks import RemoteTrack, pump, remote_track

CHANNELS: Final = (CHANNEL_CONTROL, CHANNEL_DATA)
"""The data channels, in the order in which servers expect them (reference: client and REST, 1.12)."""

DISCONNECTED_LIMIT_S: Final = 5.0
"""For how long a connection may hear nothing from the other side before it counts as lost."""


class ConnectionOwner(Protocol):
    """Whoever made a connection, and is told what happens on it."""

    def message_received(self, message: ServerMessage) -> None: ...

    def media_received(self, track: Track, media: Media) -> None: ...

    def connection_lost(self, error: ReactorException) -> None:
        """Called once, unless the connection was closed by its owner or failed before it was ready."""
        ...


class Connection:
    """From the offer to READY and to the end. Tracks are named as the model names them."""

    def __init__(
        self, make_peer: PeerFactory, ice_servers: Sequence[IceServer], tracks: Sequence[Track], owner: ConnectionOwner
    ) -> None:
        self.candidates: asyncio.Queue[IceCandidate] = asyncio.Queue()
        self.remote: dict[str, RemoteTrack] = {}
        self._tracks = tuple(tracks)
        self._owner = owner
        self._mids: dict[str, str] = {}
        self._tagged: set[str] = set()
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._scope = TaskScope("reactor.connection")
        self._progress = _Progress()
        self._peer = make_peer(PeerConfig(ice_servers=tuple(ice_servers)), self._handle)
        self._conversation = Conversation(self._peer, owner.message_received)

    # ------------------------------------------------------------------------------------------------ negotiation

    @property
    def conversation(self) -> Conversation:
        """Messages and requests over the data channels."""
        return self._conversation

    @property
    def scope(self) -> TaskScope:
        """Tasks that end with this connection."""
        return self._scope

    async def offer(self) -> tuple[str, list[MappedTrack]]:
        """The offer, and which of its sections carries which track."""
        sections = [Section(track.kind, "receive" if track.direction == "recvonly" else "send") for track in self._tracks]
        offer = await self._peer.offer(sections, CHANNELS)
        self._mids = {track.name: mid for track, mid in zip(self._tracks, offer.mids, strict=True)}
        mapping = [
            MappedTrack(mid=self._mids[track.name], name=track.name, kind=track.kind, direction=track.direction)
            for track in self._tracks
        ]
        return offer.sdp, mapping

    async def accept(self, answer: str) -> None:
        """Takes the answer; media is read from now on."""
        await self._peer.accept_answer(answer)
        self._conversation.hear_answer(answer)
        origin, opening = asyncio.get_running_loop().time(), Opening()
        for track in self._tracks:
            if track.direction == "recvonly":
                self.remote[track.name] = remote_track(track.kind, origin, opening)
                self._scope.start(self._read(track), f"read {track.name}")

    async def ready(self, limit_s: float) -> None:
        """Waits until peer and data channels are open. Raises what ended the connection, or :class:`RequestTimeoutError`."""
        try:
            async with asyncio.timeout(limit_s):
                await self._progress.ready()
        except TimeoutError as error:
            raise RequestTimeoutError(f"no WebRTC connection within {limit_s:g} s ({self._peer.state})") from error
        self._conversation.open()
        # Rates are differences between two readings: the first that is asked for has this one to compare with.
        self._scope.start(self._read_stats(), "first stats")

    async def _read_stats(self) -> None:
        with contextlib.suppress(ReactorException):
            await self._peer.stats()

    async def _read(self, track: Track) -> None:
        remote = self.remote[track.name]
        async for media in self._peer.media(self._mids[track.name]):
            remote.put(media)
            self._owner.media_received(track, media)

    # ----------------------------------------------------------------------------------------------------- tracks

    def tag(self, name: str) -> None:
        """Number and metadata of an output track's frames are read from now on, and asked for as it is resumed."""
        self._peer.tag(self._mids[name])
        self._tagged.add(name)

    def resume(self, name: str) -> None:
        """Lets an output track flow."""
        self._conversation.send(ResumeTrack(name, tagged=name in self._tagged))

    def pause(self, name: str) -> None:
        """Holds an output track."""
        self._conversation.send(PauseTrack(name))

    async def publish(self, name: str, track: MediaStreamTrack) -> None:
        """Asks for the slot of an input track, then sends what ``track`` gives; a track published before gives way."""
        if not self._stop_pump(name):  # the slot is ours already where something was published
            await self._conversation.publish(name)
        mid = self._mids[name]
        work = pump(track, lambda media: self._peer.send_media(mid, media))
        self._pumps[name] = self._scope.start(work, f"publish {name}")

    def unpublish(self, name: str) -> None:
        """Stops sending, and gives the slot back."""
        if self._stop_pump(name):
            self._conversation.send(UnpublishTrack(name))

    def _stop_pump(self, name: str) -> bool:
        task = self._pumps.pop(name, None)
        if task is None:
            return False
        task.cancel()
        return True

    async def stats(self, *, remember: bool = True) -> tuple[PeerStats, dict[str, str]]:
        """Figures by mid, and the mid of each track. See :meth:`reactor_rtc.port.Peer.stats`."""
        return await self._peer.stats(remember=remember), dict(self._mids)

    # ------------------------------------------------------------------------------------------------------ state

    def _handle(self, event: PeerEvent) -> None:
        if self._progress.ended is not None:
            return
        match event:
            case FrameReceived(frame):
                self._conversation.receive(frame)
            case CandidateFound(candidate):
                self.candidates.put_nowait(candidate)
            case ChannelDrained():
                self._conversation.drained()
            case ChannelOpened(label):
                self._progress.opened(label)
            case ChannelClosed(label):
                self.fail(DisconnectedError(f"the other side closed the data channel {label!r}"))
            case StateChanged(state):
                self._changed(state)
            case _:
                pass

    def _changed(self, state: PeerState) -> None:
        match state:
            case PeerState.CONNECTED:
                self._progress.connected()
            case PeerState.DISCONNECTED:
                silent = TransportError(f"nothing was heard from the other side for {DISCONNECTED_LIMIT_S:g} s")
                self._progress.silent(lambda: self.fail(silent))
            case PeerState.FAILED:
                self.fail(TransportError("the WebRTC connection failed: no path to the other side"))
            case PeerState.CLOSED:
                self.fail(DisconnectedError("the WebRTC connection was closed"))
            case _:
                pass

    @property
    def over(self) -> asyncio.Future[None]:
        """Done when the connection has ended."""
        return self._progress.over

    def check_open(self) -> None:
        """Raises what ended the connection, if it has ended."""
        if self._progress.ended is not None:
            raise self._progress.ended

    def fail(self, error: ReactorException) -> None:
        """The connection is lost: calls that wait get ``error``, and the owner hears of it if it was ready."""
        was_ready = self._progress.is_ready
        if self.abandon(error) and was_ready:
            self._owner.connection_lost(error)

    def abandon(self, error: ReactorException) -> bool:
        """Nothing more is expected: calls that wait get ``error``, tracks end. False where that was so already."""
        if not self._progress.end(error):
            return False
        self._conversation.close(error)
        for remote in self.remote.values():
            remote.stop()
        return True

    async def forsake(self) -> None:
        """Ends the connection where its own event loop is closed: the other side is told, and nobody here is."""
        await self._peer.close()

    async def close(self) -> None:
        """Ends the connection; the other side is told, the owner is not. May be called twice."""
        self.abandon(DisconnectedError("the connection was closed by disconnect()"))
        await self._scope.close()
        await self._peer.close()


class _Progress:
    """How far a connection has come, derived from what its parts have said."""

    def __init__(self) -> None:
        self._missing: set[str] = {"peer", *CHANNELS}
        self._silence: asyncio.TimerHandle | None = None
        self._outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: ReactorException | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_ready(self) -> bool:
        return not self._missing and self.ended is None

    async def ready(self) -> None:
        await asyncio.shield(self._outcome)

    def connected(self) -> None:
        self._hear()
        self._arrived("peer")

    def opened(self, label: str) -> None:
        self._arrived(label)

    def _arrived(self, part: str) -> None:
        self._missing.discard(part)
        if not self._missing and not self._outcome.done():
            self._outcome.set_result(None)

    def silent(self, give_up: Callable[[], None]) -> None:
        """Nothing is heard; ``give_up`` is called unless that changes in time."""
        self._hear()
        self._silence = asyncio.get_running_loop().call_later(DISCONNECTED_LIMIT_S, give_up)

    def _hear(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def end(self, error: ReactorException) -> bool:
        """Nothing follows; whoever waits to be ready gets ``error``. False where it had ended already."""
        if self.ended is not None:
            return False
        self.ended = error
        self.over.set_result(None)
        self._hear()
        if not self._outcome.done():
            self._outcome.set_exception(error)
            self._outcome.exception()  # nobody may be waiting
        return True
