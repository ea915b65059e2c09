"""WrtcPeer: the port over the ``wrtc`` engine (libwebrtc), on one loop with it. Programs get it through ``peer_proxy``.

Only it and its neighbours ``engine`` and ``wrtc_*`` import the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

import webrtc

from reactor_protocol.attributes import TRAILERS, declares_trailers, with_session_line
from reactor_protocol.codec import Frame
from reactor_protocol.errors import NegotiationError, SendQueueFullError, TransportError
from reactor_protocol.names import MAX_MESSAGE_BYTES
from reactor_protocol.resources import TrackKind
from reactor_rtc import sdp as sdp_text
from reactor_rtc.engine import enter_engine
from reactor_rtc.frames import Media
from reactor_rtc.port import (
    DRAINED_BYTES,
    CandidateFound,
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
    PeerState,
    PeerStats,
    PictureEncoded,
    Section,
    SharingRole,
    StateChanged,
)
from reactor_rtc.scope import TaskScope
from reactor_rtc.sdp_sections import with_candidates_in_each_section, with_message_size, without_common_codec
from reactor_rtc.wrtc_encoded import EncodedStream
from reactor_rtc.wrtc_media import Inlet, Outlet
from reactor_rtc.wrtc_path import PathReport, read_path
from reactor_rtc.wrtc_stats import StatsReader

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CLOSE_LIMIT_S = 0.25


class WrtcPeer:
    """One peer connection of the engine. See :class:`reactor_rtc.port.Peer`.

    Lives on the loop that made it. ``send``, ``buffered``, ``takes``, ``receives`` and ``shared_codec`` may be called on
    any thread.
    """

    def __init__(self, config: PeerConfig, on_event: EventSink) -> None:
        enter_engine()
        self._config = config
        self._emit = on_event
        self._connection = _open(config)
        self._channels: dict[str, webrtc.RTCDataChannel] = {}
        self._open: set[str] = set()
        self._outlets: dict[str, Outlet] = {}
        self._inlets: dict[str, Inlet] = {}
        self._stats = StatsReader()
        self._described = False
        self._changing = asyncio.Lock()
        self._scope = TaskScope("peer")
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("icecandidate", self._candidate_found)
        self._connection.on("datachannel", lambda event: self._adopt(event.channel))

    # ------------------------------------------------------------------------------------------------ negotiation

    @property
    def state(self) -> PeerState:
        return PeerState(str(self._connection.connection_state))

    async def offer(self, sections: Sequence[Section], labels: Sequence[str]) -> LocalOffer:
        return await _translate(self._offer(sections, labels))

    async def _offer(self, sections: Sequence[Section], labels: Sequence[str]) -> LocalOffer:
        for label in labels:
            self._adopt(self._connection.create_data_channel(label))
        transceivers = [self._add_section(section) for section in sections]
        await self._describe(self._connection.create_offer())
        for section, transceiver in zip(sections, transceivers, strict=True):
            if section.direction == "send":
                await self._open_outlet(transceiver, active=True)
        mids = tuple(transceiver.mid or "" for transceiver in transceivers)
        offer = self._local_sdp()
        return LocalOffer(with_session_line(offer, TRAILERS) if self._config.trailers else offer, mids)

    async def accept_answer(self, sdp: str) -> None:
        await _translate(self._accept_answer(sdp))

    async def _accept_answer(self, sdp: str) -> None:
        await self._set_remote(sdp, "answer")
        for outlet in self._outlets.values():
            await self._tune(outlet)
        self._collect_inlets(tagged=self._config.trailers and declares_trailers(sdp))

    async def answer(self, sdp: str, sections: Sequence[Section]) -> str:
        return await _translate(self._answer(sdp, sections))

    async def _answer(self, sdp: str, sections: Sequence[Section]) -> str:
        await self._set_remote(sdp, "offer")
        wanted = {section.mid: section for section in sections}
        # What is made together is one stream: receivers keep sound and picture of a stream in step, and only these.
        stream = webrtc.MediaStream()
        for transceiver in self._connection.get_transceivers():
            section = wanted.get(transceiver.mid or "")
            if section is None or section.kind != str(transceiver.receiver.track.kind):
                transceiver.direction = "inactive"
            elif section.direction == "send":
                transceiver.direction = "sendonly"
                self._prefer_codecs(transceiver)
                transceiver.sender.set_streams(stream)
                await self._open_outlet(transceiver, active=False)
            else:
                transceiver.direction = "recvonly"
                self._prefer_codecs(transceiver)
        await self._describe(self._connection.create_answer())
        for mid in without_common_codec(sdp, self._local_sdp()):
            self._outlets.pop(mid, None)
        tagged = declares_trailers(sdp)
        for outlet in self._outlets.values():
            await self._tune(outlet)
            if tagged:
                outlet.tag()
        self._collect_inlets(tagged=tagged)
        answer = with_message_size(with_candidates_in_each_section(self._local_sdp()), MAX_MESSAGE_BYTES)
        return with_session_line(answer, TRAILERS) if tagged else answer

    async def add_candidate(self, candidate: IceCandidate) -> None:
        init = webrtc.RTCIceCandidateInit(candidate.candidate, candidate.mid, candidate.mline_index)
        await _translate(self._connection.add_ice_candidate(init))

    async def _describe(self, creation: Awaitable[webrtc.RTCSessionDescriptionInit]) -> None:
        description = await creation
        gathered = asyncio.Event()

        def complete(_event: object) -> None:
            if str(self._connection.ice_gathering_state) == "complete":
                gathered.set()

        self._connection.on("icegatheringstatechange", complete)
        description.sdp = sdp_text.with_stereo(description.sdp)
        await self._connection.set_local_description(description)
        complete(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.gather_limit_s):
                await gathered.wait()
        self._described = True

    async def _set_remote(self, sdp: str, kind: str) -> None:
        if not sdp_text.looks_like_sdp(sdp):
            raise NegotiationError(f"the {kind} is not a session description: it does not begin with v=0")
        config = self._config
        limits = sdp_text.with_video_bitrate(sdp, config.start_bitrate, config.path_max_bitrate, config.path_min_bitrate)
        init = webrtc.RTCSessionDescriptionInit(type=webrtc.RTCSdpType(kind), sdp=limits)
        await self._connection.set_remote_description(init)

    def _local_sdp(self) -> str:
        description = self._connection.local_description
        if description is None:
            raise NegotiationError("the connection was closed while it was negotiated")
        return description.sdp

    def _add_section(self, section: Section) -> webrtc.RTCRtpTransceiver:
        direction = "sendonly" if section.direction == "send" else "recvonly"
        init = webrtc.RTCRtpTransceiverInit(direction=webrtc.RTCRtpTransceiverDirection(direction))
        transceiver = self._connection.add_transceiver(webrtc.MediaType(section.kind), init)
        self._prefer_codecs(transceiver)
        return transceiver

    def _prefer_codecs(self, transceiver: webrtc.RTCRtpTransceiver) -> None:
        if str(transceiver.receiver.track.kind) != "video":
            return
        capabilities = webrtc.RTCRtpReceiver.get_capabilities("video")
        if capabilities is None:
            return
        order = {f"video/{name}".lower(): rank for rank, name in enumerate(self._config.video_codecs)}
        codecs = sorted(capabilities.codecs, key=lambda codec: order.get(codec.mime_type.lower(), len(order)))
        transceiver.set_codec_preferences(codecs)

    # ------------------------------------------------------------------------------------------------------ media

    async def _open_outlet(self, transceiver: webrtc.RTCRtpTransceiver, *, active: bool) -> None:
        mid = transceiver.mid or ""

        def shared(picture: EncodedPicture | None) -> None:
            self._emit(KeyframeWanted(mid) if picture is None else PictureEncoded(mid, picture))

        outlet = Outlet(transceiver, self._config, active=active, on_shared=shared)
        await outlet.open()
        self._outlets[mid] = outlet

    async def _tune(self, outlet: Outlet) -> None:
        # The engine refuses parameters that were read before others were set.
        async with self._changing:
            await outlet.tune()

    async def _retune(self, outlet: Outlet) -> None:
        try:
            await _translate(self._tune(outlet))
        except NegotiationError as error:
            logger.debug("the rate was not changed: %s", error)

    def _collect_inlets(self, *, tagged: bool = False) -> None:
        for transceiver in self._connection.get_transceivers():
            if str(transceiver.direction) == "recvonly" and transceiver.mid is not None:
                transceiver.receiver.jitter_buffer_target = 0
                self._inlets[transceiver.mid] = Inlet(transceiver.receiver, tagged=tagged)

    def _outlet(self, mid: str) -> Outlet:
        outlet = self._outlets.get(mid)
        if outlet is None:
            raise TransportError(f"this connection sends nothing on section {mid!r}")
        return outlet

    def takes(self, mid: str, media: Media) -> bool:
        """Whether the section flows. Raises as :meth:`send_media`."""
        outlet = self._outlet(mid)
        outlet.check(media)
        return outlet.active

    def receives(self, mid: str) -> TrackKind:
        """What arrives on a section. Raises :class:`TransportError` where it receives nothing."""
        return self._inlet(mid).kind

    def send_media(self, mid: str, media: Media) -> None:
        outlet = self._outlet(mid)
        outlet.check(media)
        if outlet.active and self.state is PeerState.CONNECTED and outlet.write(media):
            self._scope.start(self._retune(outlet), "retune")

    async def set_active(self, mid: str, active: bool) -> None:
        outlet = self._outlet(mid)
        if outlet.active is not active:
            outlet.active = active
            await _translate(self._tune(outlet))

    def tag(self, mid: str) -> None:
        self.section(mid).tag()

    def section(self, mid: str) -> Inlet | Outlet:
        """A section by its mid. Raises :class:`TransportError` where it neither sends nor receives."""
        return self._inlets.get(mid) or self._outlet(mid)

    def shared_codec(self, mid: str) -> str | None:
        outlet = self._outlet(mid)
        return outlet.codec if outlet.shared() is not None and self.state is not PeerState.CLOSED else None

    def share(self, mid: str, role: SharingRole) -> None:
        self._shared(mid).share(role)

    def send_encoded(self, mid: str, picture: EncodedPicture) -> None:
        self._shared(mid).send(picture)

    def ask_keyframe(self, mid: str) -> None:
        self._shared(mid).ask_keyframe()

    def _shared(self, mid: str) -> EncodedStream:
        stream = self._outlet(mid).shared() if self.state is not PeerState.CLOSED else None
        if stream is None:
            raise TransportError(f"what section {mid!r} sends cannot be shared")
        return stream

    async def bandwidth(self) -> float | None:
        if self.state is not PeerState.CONNECTED or not self._outlets:
            return None
        return await _translate(next(iter(self._outlets.values())).bandwidth())

    async def media(self, mid: str) -> AsyncIterator[Media]:
        async for media in self.read(mid, 1):
            yield media

    async def read(self, mid: str, pictures: int) -> AsyncIterator[Media]:
        """As :meth:`media`, with so many pictures kept for a reader that is late."""
        async with contextlib.aclosing(self._inlet(mid).read(pictures)) as arriving:
            async for media in arriving:
                yield media

    def _inlet(self, mid: str) -> Inlet:
        inlet = self._inlets.get(mid)
        if inlet is None:
            raise TransportError(f"this connection receives nothing on section {mid!r}")
        return inlet

    # --------------------------------------------------------------------------------------------------- messages

    def send(self, frame: Frame) -> None:
        channel = self._channels.get(frame.label)
        if channel is None or str(channel.ready_state) != "open":
            raise TransportError(f"the data channel {frame.label!r} is not open")
        try:
            channel.send(frame.payload)
        except webrtc.OperationError as error:
            raise SendQueueFullError(f"the data channel {frame.label!r} takes no more messages: {error}") from error
        except (webrtc.RTCException, TypeError) as error:
            raise TransportError(f"the data channel {frame.label!r} did not take a message: {error}") from error

    def buffered(self, label: str) -> int:
        channel = self._channels.get(label)
        return channel.buffered_amount if channel is not None and str(channel.ready_state) == "open" else 0

    def _adopt(self, channel: webrtc.RTCDataChannel) -> None:
        label = channel.label
        self._channels[label] = channel
        channel.buffered_amount_low_threshold = DRAINED_BYTES
        channel.on("bufferedamountlow", lambda _event: self._emit(ChannelDrained(label)))
        channel.on("open", lambda _event: self._opened(label))
        channel.on("close", lambda _event: self._emit(ChannelClosed(label)))
        channel.on("message", lambda event: self._emit(FrameReceived(Frame(label, _payload(event.data)))))
        if str(channel.ready_state) == "open":
            self._opened(label)

    def _opened(self, label: str) -> None:
        # A channel that the other side made may be open before its event is delivered, and is then announced twice.
        if label not in self._open:
            self._open.add(label)
            self._emit(ChannelOpened(label))

    # ------------------------------------------------------------------------------------------------------ state

    def _state_changed(self, _event: object) -> None:
        self._emit(StateChanged(self.state))

    def _candidate_found(self, event: webrtc.RTCPeerConnectionIceEvent) -> None:
        candidate = event.candidate
        if candidate is not None and candidate.candidate and self._described:
            found = IceCandidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_m_line_index)
            self._emit(CandidateFound(found))

    async def stats(self, *, remember: bool = True) -> PeerStats:
        if self.state is PeerState.CLOSED:
            return PeerStats()
        report = await _translate(self._connection.get_stats())
        stats = self._stats.read(report, {str(t.mid): t for t in self._connection.get_transceivers()}, remember=remember)
        for mid, outlet in self._outlets.items():
            if outlet.follows and mid in stats.tracks:
                # What the engine knows of is the stand-in.
                track = stats.tracks[mid]
                totals = replace(track.totals, codec_s=0.0)
                stats.tracks[mid] = replace(track, width=outlet.size[0], height=outlet.size[1], totals=totals)
        return stats

    async def path(self) -> PathReport:
        """How the connection comes about. No verb of the port: it is for those who look for faults."""
        if self.state is PeerState.CLOSED:
            return PathReport()
        return read_path(await _translate(self._connection.get_stats()))

    async def close(self) -> None:
        await self._scope.close()
        async with self._changing:
            if self.state is PeerState.CLOSED:
                return
            await self._close_channels()
            for outlet in self._outlets.values():
                await outlet.close()
            self._connection.close()
            self._emit(StateChanged(PeerState.CLOSED))

    async def _close_channels(self) -> None:
        """Closes the data channels, which delivers what was sent before; a peer that is gone is not waited for long."""
        if self.state is not PeerState.CONNECTED:
            return
        closed = asyncio.Event()

        def check(_event: object) -> None:
            if all(str(channel.ready_state) == "closed" for channel in self._channels.values()):
                closed.set()

        for channel in self._channels.values():
            channel.on("close", check)
            channel.close()
        check(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await closed.wait()


async def _translate(work: Awaitable[T]) -> T:
    """Awaits a call of the engine; its errors become ours."""
    try:
        return await work
    except asyncio.CancelledError as error:
        # Closing the connection cancels what the engine has in hand; nobody has cancelled the caller.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise NegotiationError("the connection was closed while it was negotiated") from error
    except (webrtc.RTCException, webrtc.PythonWebRTCException, ValueError, TypeError) as error:
        raise NegotiationError(f"the session description cannot be used: {error}") from error


def _open(config: PeerConfig) -> webrtc.RTCPeerConnection:
    try:
        return webrtc.RTCPeerConnection(_configuration(config))
    except (webrtc.RTCException, webrtc.PythonWebRTCException, ValueError, TypeError) as error:
        raise NegotiationError(f"the engine cannot be set up this way: {error}") from error


def _configuration(config: PeerConfig) -> webrtc.RTCConfiguration:
    servers = [
        webrtc.RTCIceServer(urls=list(server.urls), username=server.username, credential=server.password)
        if server.username
        else webrtc.RTCIceServer(urls=list(server.urls))
        for server in config.ice_servers
    ]
    return webrtc.RTCConfiguration(
        ice_servers=servers,
        ice_transport_policy=webrtc.RTCIceTransportPolicy("relay" if config.relay_only else "all"),
        bundle_policy=webrtc.RTCBundlePolicy("max-bundle" if config.bundled else "balanced"),
        port_range=config.port_range,
    )


def _payload(data: object) -> str | bytes:
    return data if isinstance(data, str) else bytes(data)  # type: ignore[call-overload]
