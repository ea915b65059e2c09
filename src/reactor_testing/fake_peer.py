"""FakePeer: the ``Peer`` port in memory. Peers of one :class:`FakeNetwork` connect as real ones do, without sockets or codecs.

Events come in an order that the engine has too: CONNECTING, CONNECTED, then the channels in the order of their creation. A peer
that closes tells the other by closing its channels; the other's state stays CONNECTED until it closes too, as with the engine.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Literal

from reactor_protocol.codec import Frame
from reactor_protocol.errors import InvalidArgumentError, NegotiationError, SendQueueFullError, TransportError
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.port import (
    DRAINED_BYTES,
    ChannelClosed,
    ChannelDrained,
    ChannelOpened,
    EncodedPicture,
    EventSink,
    FrameReceived,
    IceCandidate,
    KeyframeWanted,
    LocalOffer,
    PeerConfig,
    PeerFactory,
    PeerState,
    PeerStats,
    PictureEncoded,
    Section,
    SharingRole,
    StateChanged,
)
from reactor_testing.fake_media import Flow, Reader, is_empty
from reactor_testing.fake_sharing import Sharing

MAX_FRAME_BYTES: Final = 256 * 1024
MAX_BUFFERED_BYTES: Final = 16 * 1024 * 1024
RTT_S: Final = 0.001
BANDWIDTH: Final = 1e9
"""What the path of a connected peer is said to carry, in bit/s, unless its ``path_bandwidth`` says otherwise."""

_DIRECTIONS: Final = {"send": "sendonly", "receive": "recvonly"}
_ORIGIN: Final = re.compile(r"^v=0\r\no=- (\d+) 1 IN IP4 127\.0\.0\.1\r\ns=fake-(offer|answer)\r\n")
_SECTION: Final = re.compile(r"m=(audio|video) 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:(\S+)\r\na=(sendonly|recvonly|inactive)\r\n")
_CANDIDATE: Final = re.compile(r"^candidate:\S+ \d+ (udp|tcp) \d+ \S+ \d+ typ \S+", re.IGNORECASE)

_ids = itertools.count(1)


class FakeNetwork:
    """The peers that can reach one another, all on one event loop, and verbs to break what joins them."""

    def __init__(self) -> None:
        self._peers: dict[int, FakePeer] = {}

    def make_peer(self, config: PeerConfig, on_event: EventSink) -> FakePeer:
        """A new peer; this method is a :data:`reactor_rtc.port.PeerFactory`."""
        peer = FakePeer(self, config, on_event)
        self._peers[peer.id] = peer
        return peer

    def find(self, peer_id: int) -> FakePeer | None:
        """The peer whose descriptions carry that id."""
        return self._peers.get(peer_id)

    def drop(self, peer: FakePeer) -> None:
        """Breaks the path: both ends become DISCONNECTED, messages wait, media is lost."""
        peer.require_link().turn(PeerState.DISCONNECTED)

    def restore(self, peer: FakePeer) -> None:
        """Mends what :meth:`drop` broke: both ends become CONNECTED, and the messages that waited arrive."""
        peer.require_link().turn(PeerState.CONNECTED)

    def fail(self, peer: FakePeer) -> None:
        """Breaks the path for good: both ends become FAILED."""
        peer.require_link().turn(PeerState.FAILED)


class _Link:
    """What joins two peers. While it is up, what it carries arrives in order, on a later turn of the loop."""

    def __init__(self, first: FakePeer, second: FakePeer) -> None:
        self._ends = (first, second)
        self._waiting: list[Callable[[], None]] = []
        self.state = PeerState.CONNECTED

    def other(self, peer: FakePeer) -> FakePeer:
        return self._ends[1] if peer is self._ends[0] else self._ends[0]

    def carry(self, deliver: Callable[[], None]) -> None:
        if self.state is PeerState.CONNECTED:
            asyncio.get_running_loop().call_soon(deliver)
        else:
            self._waiting.append(deliver)

    def turn(self, state: PeerState) -> None:
        if self.state in (state, PeerState.FAILED):
            return
        self.state = state
        for end in self._ends:
            end.change_later(state)
        if state is PeerState.CONNECTED:
            waiting, self._waiting = self._waiting, []
            for deliver in waiting:
                self.carry(deliver)


class FakePeer:
    """One end of a fake connection. See :class:`reactor_rtc.port.Peer`."""

    def __init__(self, network: FakeNetwork, config: PeerConfig, on_event: EventSink) -> None:
        self.id = next(_ids)
        self._network = network
        self._config = config
        self._emit = on_event
        self._state = PeerState.NEW
        self._flows: dict[str, Flow] = {}
        self._labels: dict[str, bool] = {}  # label: is it open
        self._link: _Link | None = None
        self._remote_id: int | None = None
        self._sharing: dict[str, Sharing] = {}
        self._buffered: dict[str, int] = {}
        self.path_bandwidth: float | None = BANDWIDTH

    @staticmethod
    def factory() -> PeerFactory:
        """A factory of peers that can connect to one another."""
        return FakeNetwork().make_peer

    # ------------------------------------------------------------------------------------------------ negotiation

    @property
    def state(self) -> PeerState:
        return self._state

    async def offer(self, sections: Sequence[Section], labels: Sequence[str]) -> LocalOffer:
        await self._negotiating()
        self._labels.update(dict.fromkeys(labels, False))
        mids = tuple(str(len(self._flows) + index) for index in range(len(sections)))
        self._flows.update({mid: Flow(section.kind, section.direction) for mid, section in zip(mids, sections, strict=True)})
        return LocalOffer(self._describe("offer", {mid: flow.kind for mid, flow in self._flows.items()}), mids)

    async def accept_answer(self, sdp: str) -> None:
        await self._negotiating()
        remote, _ = self._parse(sdp, "answer")
        if self._remote_id is not None or remote.answers != self.id:
            raise NegotiationError("the session description cannot be used: it does not answer an open offer of this peer")
        self._remote_id = remote.id
        self.change_later(PeerState.CONNECTING)
        asyncio.get_running_loop().call_soon(self._join, remote)

    async def answer(self, sdp: str, sections: Sequence[Section]) -> str:
        await self._negotiating()
        remote, offered = self._parse(sdp, "offer")
        if self._labels or self._remote_id is not None:
            raise NegotiationError("the session description cannot be used: this peer is negotiating already")
        self._remote_id = remote.id
        for section in sections:
            if offered.get(section.mid) == section.kind:
                self._flows[section.mid] = Flow(section.kind, section.direction, active=section.direction == "receive")
        self.change_later(PeerState.CONNECTING)
        return self._describe("answer", offered)

    @property
    def answers(self) -> int | None:
        """The id of the peer whose offer this one has answered."""
        return None if self._labels else self._remote_id

    async def add_candidate(self, candidate: IceCandidate) -> None:
        await self._negotiating()
        if self._remote_id is None:
            raise NegotiationError("a candidate can only be added once there is a remote description")
        if candidate.candidate and _CANDIDATE.match(candidate.candidate) is None:
            raise NegotiationError(f"not an ICE candidate: {candidate.candidate[:80]!r}")
        if candidate.mid is None and candidate.mline_index is None:
            raise NegotiationError("the candidate names no media section")

    async def _negotiating(self) -> None:
        # The engine needs a turn of the loop too, in which somebody may close the peer.
        await asyncio.sleep(0)
        if self._state is PeerState.CLOSED:
            raise NegotiationError("the connection is closed")

    def _describe(self, role: str, kinds: dict[str, Literal["audio", "video"]]) -> str:
        lines = ["v=0", f"o=- {self.id} 1 IN IP4 127.0.0.1", f"s=fake-{role}", "t=0 0"]
        for mid, kind in kinds.items():
            flow = self._flows.get(mid)
            direction = "inactive" if flow is None else _DIRECTIONS[flow.direction]
            lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{mid}", f"a={direction}"]
        lines += ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", f"a=mid:{len(kinds)}"]
        lines += [f"a=max-message-size:{MAX_FRAME_BYTES}"]
        return "\r\n".join(lines) + "\r\n"

    def _parse(self, sdp: str, role: str) -> tuple[FakePeer, dict[str, Literal["audio", "video"]]]:
        """The peer that a description is of, and the kind of each of its sections."""
        origin = _ORIGIN.match(sdp)
        remote = self._network.find(int(origin[1])) if origin and origin[2] == role else None
        if remote is None or remote is self:
            raise NegotiationError(f"the {role} is not a session description of another peer of this network")
        return remote, {mid: "audio" if kind == "audio" else "video" for kind, mid, _ in _SECTION.findall(sdp)}

    def _join(self, remote: FakePeer) -> None:
        if PeerState.CLOSED in (self._state, remote.state):
            return
        self._link = remote._link = _Link(self, remote)
        for peer in (remote, self):
            peer._change(PeerState.CONNECTED)
        for peer in (self, remote):
            for label in self._labels:
                peer._labels[label] = True
                peer._emit(ChannelOpened(label))

    # ------------------------------------------------------------------------------------------------------ media

    def _outlet(self, mid: str) -> Flow:
        flow = self._flows.get(mid)
        if flow is None or flow.direction != "send":
            raise TransportError(f"this connection sends nothing on section {mid!r}")
        return flow

    def send_media(self, mid: str, media: Media) -> None:
        flow = self._outlet(mid)
        if isinstance(media, VideoFrame) is not (flow.kind == "video"):
            raise InvalidArgumentError(f"section {mid!r} carries {flow.kind}")
        link = self._link
        if not flow.active or link is None or self._state is not PeerState.CONNECTED or is_empty(media):
            return
        sharing = self._sharing.get(mid) if isinstance(media, VideoFrame) else None
        if sharing is not None and isinstance(media, VideoFrame) and sharing.role is SharingRole.FOLLOW:
            self._carry(mid, sharing.given(media))
            return
        self._carry(mid, [media])
        if sharing is not None and isinstance(media, VideoFrame) and sharing.role is SharingRole.LEAD:
            asyncio.get_running_loop().call_soon(self._emit, PictureEncoded(mid, sharing.encoded(media)))

    def _carry(self, mid: str, sent: Sequence[Media]) -> None:
        link = self.require_link()
        for media in sent:
            self._flows[mid].count(media)
            link.carry(lambda media=media: link.other(self)._take(mid, media))  # type: ignore[misc]

    def shared_codec(self, mid: str) -> str | None:
        shares = self._outlet(mid).kind == "video" and self._state is not PeerState.CLOSED and self._remote_id is not None
        return self._config.video_codecs[0] if shares else None

    def _shared(self, mid: str) -> Sharing:
        if self.shared_codec(mid) is None:
            raise TransportError(f"what section {mid!r} sends cannot be shared")
        return self._sharing.setdefault(mid, Sharing())

    def share(self, mid: str, role: SharingRole) -> None:
        self._shared(mid).take(role)

    def send_encoded(self, mid: str, picture: EncodedPicture) -> None:
        pictures = self._shared(mid).followed(picture)
        if self._link is not None:
            self._carry(mid, pictures)

    def ask_keyframe(self, mid: str) -> None:
        self._shared(mid).key_due = True

    def want_keyframe(self, mid: str) -> None:
        """Asks the other side for a keyframe of a section that this peer receives, as one does that has lost a picture."""
        link, remote = self.require_link(), self._other()
        link.carry(lambda: remote._key_wanted(mid))

    def _key_wanted(self, mid: str) -> None:
        sharing = self._sharing.get(mid)
        if sharing is not None and sharing.role is not SharingRole.OWN:
            sharing.key_due = True
            self._emit(KeyframeWanted(mid))

    async def bandwidth(self) -> float | None:
        await asyncio.sleep(0)
        return self.path_bandwidth if self._link is not None and self._state is PeerState.CONNECTED else None

    def _take(self, mid: str, media: Media) -> None:
        flow = self._flows.get(mid)
        if flow is not None and flow.direction == "receive":
            flow.count(media)
            for reader in flow.readers:
                reader.put(media)

    async def set_active(self, mid: str, active: bool) -> None:
        self._outlet(mid).active = active
        await asyncio.sleep(0)

    def tag(self, mid: str) -> None:
        """All that is told of a frame crosses anyway: frames are passed on as they are."""
        if self._state is PeerState.CLOSED or mid not in self._flows:
            raise TransportError(f"there is no section {mid!r} to tag")

    async def media(self, mid: str) -> AsyncIterator[Media]:
        flow = self._flows.get(mid)
        if flow is None or flow.direction != "receive" or self._remote_id is None:
            raise TransportError(f"this connection receives nothing on section {mid!r}")
        reader = Reader()
        flow.readers.add(reader)
        try:
            while self._state is not PeerState.CLOSED and (media := await reader.next()) is not None:
                yield media
        finally:
            flow.readers.discard(reader)

    # --------------------------------------------------------------------------------------------------- messages

    def send(self, frame: Frame) -> None:
        if self._link is None or not self._labels.get(frame.label):
            raise TransportError(f"the data channel {frame.label!r} is not open")
        size = len(frame.payload if isinstance(frame.payload, bytes) else frame.payload.encode())
        if size > MAX_FRAME_BYTES:
            raise TransportError(f"the data channel {frame.label!r} did not take a message: {size} bytes are too many")
        if self._buffered.get(frame.label, 0) + size > MAX_BUFFERED_BYTES:
            raise SendQueueFullError(f"the data channel {frame.label!r} takes no more messages")
        remote = self._other()
        self._buffered[frame.label] = self._buffered.get(frame.label, 0) + size

        def leave() -> None:
            before = self._buffered[frame.label]
            self._buffered[frame.label] = before - size
            remote._receive(frame)
            if before - size <= DRAINED_BYTES < before and self._labels.get(frame.label):
                self._emit(ChannelDrained(frame.label))

        self._link.carry(leave)

    def buffered(self, label: str) -> int:
        return self._buffered.get(label, 0) if self._labels.get(label) else 0

    def _receive(self, frame: Frame) -> None:
        if self._labels.get(frame.label):
            self._emit(FrameReceived(frame))

    # ------------------------------------------------------------------------------------------------------ state

    def require_link(self) -> _Link:
        """What joins this peer to another. Raises :class:`TransportError` where nothing does."""
        if self._link is None:
            raise TransportError("this peer is not connected")
        return self._link

    def _other(self) -> FakePeer:
        return self.require_link().other(self)

    def change_later(self, state: PeerState) -> None:
        """Reaches a state on a later turn of the loop: no event is emitted from inside a verb."""
        asyncio.get_running_loop().call_soon(self._change, state)

    def _change(self, state: PeerState) -> None:
        if self._state not in (state, PeerState.CLOSED):
            self._state = state
            self._emit(StateChanged(state))

    def _close_channels(self) -> None:
        for label in [label for label, is_open in self._labels.items() if is_open]:
            self._labels[label] = False
            self._emit(ChannelClosed(label))

    async def stats(self, *, remember: bool = True) -> PeerStats:
        if self._state is PeerState.CLOSED:
            return PeerStats()
        now = asyncio.get_running_loop().time()
        tracks = {mid: flow.stats(now, remember=remember) for mid, flow in self._flows.items()}
        known = PeerStats(RTT_S, float(self._config.start_bitrate), "host", tracks)
        return known if self._link is not None else PeerStats(tracks=tracks)

    async def close(self) -> None:
        if self._state is PeerState.CLOSED:
            return
        if self._link is not None:
            self._link.carry(self._other()._close_channels)
        self._close_channels()
        self._change(PeerState.CLOSED)
        for flow in self._flows.values():
            for reader in flow.readers:
                reader.end()
        await asyncio.sleep(0)
