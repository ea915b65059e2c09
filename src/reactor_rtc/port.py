"""Peer: one WebRTC connection as the client and the runtime see it. A few verbs, and events.

Verbs are called, and events told, on the event loop that made the peer, however busy that is. Media sections are named by their
mid (RFC 8843), directions are this peer's own. Three implementations pass the same conformance test: ``wrtc_peer.WrtcPeer``,
which lives on one loop with the engine, ``peer_proxy.PeerProxy`` over it, which programs use, and ``reactor_testing.FakePeer``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Protocol, TypeAlias

from reactor_protocol.codec import Frame
from reactor_protocol.resources import TrackKind
from reactor_rtc.frames import Media

Direction: TypeAlias = Literal["send", "receive"]
Degradation: TypeAlias = Literal["maintain-resolution", "maintain-framerate", "balanced"]


DRAINED_BYTES: Final = 256 * 1024


class PeerState(StrEnum):
    """State of the connection as a whole (W3C ``RTCPeerConnectionState``)."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Section:
    """A media section: what kind, and which way it flows seen from this peer."""

    kind: TrackKind
    direction: Direction
    mid: str = ""


@dataclass(frozen=True, slots=True)
class LocalOffer:
    """An offer, and the mid of each section that was asked for, in order."""

    sdp: str
    mids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """An ICE candidate in the words of W3C ``RTCIceCandidateInit``."""

    candidate: str
    mid: str | None = None
    mline_index: int | None = None


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server."""

    urls: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """How a peer connects. Times are seconds, rates bit/s.

    The estimate of what the path carries begins at ``start_bitrate`` and stays within ``path_min_bitrate`` and
    ``path_max_bitrate``; one video section is given ``max_bitrate`` at most. ``degradation`` says what is kept on a narrow path.

    A description leaves once all candidates are gathered, or ``gather_limit_s`` after the engine has begun, whichever is
    first: nobody waits for a STUN server that does not answer.

    A ``bundled`` peer puts everything on one transport, and refuses offers that do not; one that answers strangers is not.

    An offer with ``trailers`` declares that this side reads what is told of each picture it receives: number, capture, metadata.
    """

    ice_servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    port_range: tuple[int, int] | None = None
    gather_limit_s: float = 0.15
    bundled: bool = True
    video_codecs: tuple[str, ...] = ("VP8", "VP9", "AV1")
    start_bitrate: int = 4_000_000
    max_bitrate: int = 10_000_000
    path_min_bitrate: int = 0
    path_max_bitrate: int = 10_000_000
    degradation: Degradation = "maintain-resolution"
    trailers: bool = False


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: PeerState


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    label: str


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    label: str


@dataclass(frozen=True, slots=True)
class ChannelDrained:
    """Of what was given to a data channel, less than ``DRAINED_BYTES`` wait still, where more did."""

    label: str


@dataclass(frozen=True, slots=True)
class FrameReceived:
    frame: Frame


@dataclass(frozen=True, slots=True)
class CandidateFound:
    """A candidate that is not in the description which has already left."""

    candidate: IceCandidate


class SharingRole(StrEnum):
    """What a sending section does with the pictures it is given.

    ``OWN``: encodes them for its own side. ``LEAD``: that, and tells what its encoder makes (:class:`PictureEncoded`), from a
    keyframe on. ``FOLLOW``: encodes none; sends what :meth:`Peer.send_encoded` gives it, from a keyframe on, one for each that
    :meth:`Peer.send_media` is given.
    """

    OWN = "own"
    LEAD = "lead"
    FOLLOW = "follow"


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPicture:
    """A picture as an encoder made it. ``timestamp_us`` is that of the :class:`reactor_rtc.frames.VideoFrame` it is made of."""

    data: bytes
    key: bool
    timestamp_us: int


@dataclass(frozen=True, slots=True)
class PictureEncoded:
    """The encoder of a section that leads has made a picture."""

    mid: str
    picture: EncodedPicture


@dataclass(frozen=True, slots=True)
class KeyframeWanted:
    """The other side of a section that leads or follows asks for a keyframe; one that leads makes it without being told."""

    mid: str


PeerEvent: TypeAlias = (
    StateChanged
    | ChannelOpened
    | ChannelClosed
    | ChannelDrained
    | FrameReceived
    | CandidateFound
    | PictureEncoded
    | KeyframeWanted
)


@dataclass(frozen=True, slots=True)
class StreamTotals:
    """What has gone over one media section since it began. ``octets`` are bytes of media, ``dropped`` pictures, and ``codec_s``
    the seconds that encoding or decoding ``frames`` pictures took; ``round_trip`` is in seconds, None where nobody measures it.
    """

    packets: int = 0
    octets: int = 0
    frames: int = 0
    lost: int = 0
    retransmitted: int = 0
    nacks: int = 0
    keyframe_requests: int = 0
    dropped: int = 0
    codec_s: float = 0.0
    round_trip: float | None = None


@dataclass(frozen=True, slots=True)
class TrackStats:
    """Figures of one media section since the connection began. Rates are of the last two readings.

    ``fps`` is frames per second, ``bitrate`` bit/s, ``jitter`` seconds, ``packet_loss`` a fraction of 0 to 1, ``width`` and
    ``height`` pixels. What does not apply is 0.
    """

    kind: TrackKind
    direction: Direction
    fps: float = 0.0
    bitrate: float = 0.0
    jitter: float = 0.0
    packet_loss: float = 0.0
    width: int = 0
    height: int = 0
    frames: int = 0
    totals: StreamTotals = StreamTotals()


@dataclass(frozen=True, slots=True)
class PeerStats:
    """Figures of a connection: round-trip time in seconds, bandwidth estimate in bit/s (None: not known yet)."""

    rtt: float | None = None
    available_outgoing_bitrate: float | None = None
    candidate_type: str | None = None
    tracks: dict[str, TrackStats] = field(default_factory=dict)


class Peer(Protocol):
    """One WebRTC connection.

    Raises :class:`reactor_protocol.errors.NegotiationError` for a description or candidate that cannot be used, and
    :class:`reactor_protocol.errors.TransportError` for a verb that a closed or unconnected peer cannot do.
    """

    @property
    def state(self) -> PeerState: ...

    async def offer(self, sections: Sequence[Section], labels: Sequence[str]) -> LocalOffer:
        """Opens data channels of these labels and offers these media sections."""
        ...

    async def accept_answer(self, sdp: str) -> None:
        """Takes the answer to :meth:`offer`."""
        ...

    async def answer(self, sdp: str, sections: Sequence[Section]) -> str:
        """Takes an offer and answers it. ``sections`` says what each mid is for; other sections stay inactive.

        Sections that send start inactive: see :meth:`set_active`. A section without a codec in common is refused in the answer,
        and is none of this peer's. Metadata of pictures crosses, both ways, where the offer declares that its side reads it.
        """
        ...

    async def add_candidate(self, candidate: IceCandidate) -> None:
        """Takes a candidate of the other side."""
        ...

    def send(self, frame: Frame) -> None:
        """Sends a message over the data channel that the frame names."""
        ...

    def buffered(self, label: str) -> int:
        """How many bytes given to a data channel have not left yet; 0 for one that is not open. See :class:`ChannelDrained`."""
        ...

    def send_media(self, mid: str, media: Media) -> None:
        """Sends a picture or a stretch of sound; dropped while the section is inactive or not connected. Never blocks."""
        ...

    async def set_active(self, mid: str, active: bool) -> None:
        """Lets a sending section flow, or holds it."""
        ...

    def tag(self, mid: str) -> None:
        """From now on what is told of each frame crosses with it: a sending section tells it, a receiving one reads it.

        Both ends have to be asked, the one that receives first. Asking again changes nothing.
        """
        ...

    def shared_codec(self, mid: str) -> str | None:
        """The codec in which a sending section can lead or follow others, or None where it can do neither."""
        ...

    def share(self, mid: str, role: SharingRole) -> None:
        """Gives a sending section its role; it begins with ``OWN``. Takes effect with the next picture, which is a keyframe then.

        Like the two verbs below, raises ``TransportError`` where there is no :meth:`shared_codec`.
        """
        ...

    def send_encoded(self, mid: str, picture: EncodedPicture) -> None:
        """Sends a picture that another section's encoder made, in the same codec, if this section follows. Never blocks."""
        ...

    def ask_keyframe(self, mid: str) -> None:
        """Has a section that leads make its next picture a keyframe."""
        ...

    async def bandwidth(self) -> float | None:
        """How much the path is estimated to carry to the other side, bit/s; None where that is not known."""
        ...

    def media(self, mid: str) -> AsyncIterator[Media]:
        """What arrives on a receiving section, until the peer ends. Video: the newest picture wins. Audio: 0.2 s are kept."""
        ...

    async def stats(self, *, remember: bool = True) -> PeerStats:
        """Figures of the connection. With ``remember`` False the next reading's rates are not counted from this one."""
        ...

    async def close(self) -> None:
        """Ends the connection; the other side is told. May be called twice."""
        ...


EventSink: TypeAlias = Callable[[PeerEvent], None]
PeerFactory: TypeAlias = Callable[[PeerConfig, EventSink], Peer]
