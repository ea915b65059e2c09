from __future__ import annotations

import asyncio
from typing import Any

import av
import numpy as np
import pytest
from aiortc import VideoStreamTrack
from tests.reactor_sdk.scripted_peer import ScriptedPeer
from tests.reactor_sdk.waiting import until

from reactor_protocol.messages import ApplicationMessage, ServerMessage
from reactor_protocol.resources import Track
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.port import CandidateFound, ChannelClosed, IceCandidate, IceServer, PeerConfig, PeerState
from reactor_sdk import DisconnectedError, ReactorException, RequestTimeoutError, TransportError
from reactor_sdk import connection as module
from reactor_sdk.connection import Connection

TRACKS = [
    Track(name="camera", kind="video", direction="sendonly"),
    Track(name="main_video", kind="video", direction="recvonly"),
    Track(name="main_audio", kind="audio", direction="recvonly"),
]


class Rig:
    """A connection over a scripted peer, and what its owner is told."""

    def __init__(self) -> None:
        self.messages: list[ServerMessage] = []
        self.media: list[tuple[str, Media]] = []
        self.lost: list[ReactorException] = []
        self.peers: list[ScriptedPeer] = []
        self.connection = Connection(self.make_peer, [IceServer(("stun:s.test",))], TRACKS, self)

    def make_peer(self, config: PeerConfig, on_event: Any) -> Any:
        self.peers.append(ScriptedPeer(config, on_event))
        return self.peers[0]

    @property
    def peer(self) -> ScriptedPeer:
        return self.peers[0]

    def message_received(self, message: ServerMessage) -> None:
        self.messages.append(message)

    def media_received(self, track: Track, media: Media) -> None:
        self.media.append((track.name, media))

    def connection_lost(self, error: ReactorException) -> None:
        self.lost.append(error)

    async def open(self) -> None:
        await self.connection.offer()
        await self.connection.accept("v=0 answer")
        self.peer.open()
        await self.connection.ready(1.0)


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_offer_has_one_section_a_track_in_order_and_both_channels(rig: Rig) -> None:
    sdp, mapping = await rig.connection.offer()
    assert sdp == "v=0 offer"
    assert [(section.kind, section.direction) for section in rig.peer.sections] == [
        ("video", "send"),
        ("video", "receive"),
        ("audio", "receive"),
    ]
    assert list(rig.peer.labels) == ["control", "data"]
    assert [(each.mid, each.name, each.direction) for each in mapping] == [
        ("m0", "camera", "sendonly"),
        ("m1", "main_video", "recvonly"),
        ("m2", "main_audio", "recvonly"),
    ]
    assert rig.peer.config.ice_servers == (IceServer(("stun:s.test",)),)


async def test_ready_takes_the_peer_and_both_channels(rig: Rig) -> None:
    await rig.connection.offer()
    await rig.connection.accept("v=0 answer")
    assert rig.peer.answered == "v=0 answer"
    rig.peer.become(PeerState.CONNECTED)
    with pytest.raises(RequestTimeoutError, match="no WebRTC connection within"):
        await rig.connection.ready(0.01)
    rig.peer.open()
    await rig.connection.ready(0.01)
    await rig.connection.close()


async def test_a_connection_that_fails_before_it_is_ready_tells_who_waits_and_not_the_owner(rig: Rig) -> None:
    waiting = asyncio.create_task(rig.connection.ready(1.0))
    await settle()
    rig.peer.become(PeerState.FAILED)
    with pytest.raises(TransportError, match="failed"):
        await waiting
    assert rig.lost == []
    with pytest.raises(TransportError):
        rig.connection.check_open()


@pytest.mark.parametrize("state", [PeerState.FAILED, PeerState.CLOSED])
async def test_a_lost_connection_is_told_once_and_ends_its_tracks(rig: Rig, state: PeerState) -> None:
    await rig.open()
    video = rig.connection.remote["main_video"]
    rig.peer.become(state)
    rig.peer.become(PeerState.CLOSED)
    assert len(rig.lost) == 1
    assert isinstance(rig.lost[0], TransportError)
    assert video.readyState == "ended"
    await rig.connection.close()


async def test_a_channel_that_the_other_side_closes_is_a_loss(rig: Rig) -> None:
    await rig.open()
    rig.peer.emit(ChannelClosed("data"))
    assert [str(error) for error in rig.lost] == ["the other side closed the data channel 'data'"]
    await rig.connection.close()


async def test_silence_is_a_loss_only_when_it_lasts(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISCONNECTED_LIMIT_S", 0.02)
    await rig.open()
    rig.peer.become(PeerState.DISCONNECTED)
    rig.peer.become(PeerState.CONNECTED)
    await asyncio.sleep(0.04)
    assert rig.lost == []
    rig.peer.become(PeerState.DISCONNECTED)
    await until(lambda: rig.lost)
    assert "nothing was heard" in str(rig.lost[0])
    await rig.connection.close()


async def test_closing_is_not_a_loss_and_may_be_done_twice(rig: Rig) -> None:
    await rig.open()
    await rig.connection.close()
    await rig.connection.close()
    assert (rig.peer.state, rig.lost) == (PeerState.CLOSED, [])


async def test_media_reaches_its_track_and_the_owner(rig: Rig) -> None:
    await rig.open()
    frame = VideoFrame.from_rgb(np.zeros((8, 16, 3), np.uint8))
    rig.peer.arriving["m1"].put_nowait(frame)
    received = await rig.connection.remote["main_video"].recv()
    assert isinstance(received, av.VideoFrame)
    assert (received.width, received.height) == (16, 8)
    assert rig.media == [("main_video", frame)]
    await rig.connection.close()


async def test_messages_and_candidates_are_passed_on(rig: Rig) -> None:
    await rig.open()
    rig.peer.receive("data", {"scope": "application", "data": {"type": "hello", "data": {}}})
    rig.peer.emit(CandidateFound(IceCandidate("candidate:1")))
    assert rig.messages == [ApplicationMessage("hello", {})]
    assert rig.connection.candidates.get_nowait() == IceCandidate("candidate:1")
    await rig.connection.close()


async def test_tracks_are_paused_and_resumed_by_name(rig: Rig) -> None:
    await rig.open()
    rig.connection.pause("main_video")
    rig.connection.resume("main_video")
    assert rig.peer.said("control") == [
        {"type": "notification", "event": "pause_track", "data": {"name": "main_video"}},
        {"type": "notification", "event": "resume_track", "data": {"name": "main_video"}},
    ]
    await rig.connection.close()


async def test_a_published_track_is_sent_until_it_is_unpublished(rig: Rig) -> None:
    await rig.open()
    publishing = asyncio.create_task(rig.connection.publish("camera", VideoStreamTrack()))
    await settle()
    request = rig.peer.said("control")[0]["request_id"]
    rig.peer.receive("control", {"type": "response", "method": "publish_track", "request_id": request, "data": {}})
    await publishing
    await until(lambda: rig.peer.media_sent)
    assert rig.peer.media_sent[0][0] == "m0"
    rig.connection.unpublish("camera")
    await settle()
    count = len(rig.peer.media_sent)
    await asyncio.sleep(0.08)
    assert len(rig.peer.media_sent) == count
    assert rig.peer.said("control")[-1] == {"type": "notification", "event": "unpublish_track", "data": {"name": "camera"}}
    rig.connection.unpublish("camera")
    assert len(rig.peer.said("control")) == 2
    await rig.connection.close()


async def test_requests_that_wait_fail_with_the_connection(rig: Rig) -> None:
    await rig.open()
    publishing = asyncio.create_task(rig.connection.publish("camera", VideoStreamTrack()))
    await settle()
    rig.peer.become(PeerState.CLOSED)
    with pytest.raises(DisconnectedError):
        await publishing
    await rig.connection.close()


async def test_stats_come_with_the_sections_of_the_tracks(rig: Rig) -> None:
    await rig.open()
    figures, mids = await rig.connection.stats()
    assert figures.rtt == 0.02
    assert mids == {"camera": "m0", "main_video": "m1", "main_audio": "m2"}
    await rig.connection.close()
