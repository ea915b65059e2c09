"""What the fake network can do that a real one cannot be asked for. The port itself: tests/reactor_rtc/test_peer_conformance."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from reactor_protocol.codec import Frame
from reactor_protocol.errors import NegotiationError, TransportError
from reactor_rtc.frames import AudioBlock, Media
from reactor_rtc.port import FrameReceived, PeerConfig, PeerState, StateChanged
from reactor_testing.fake_media import Reader
from reactor_testing.fake_peer import FakeNetwork, FakePeer
from reactor_testing.peer_pairs import LABELS, RED, SECTIONS, Observed, connected, mirrored, picture


def states(said: Observed) -> list[str]:
    return [event.state.value for event in said.events if isinstance(event, StateChanged)]


async def turn() -> None:
    """Lets the loop deliver what is on its way."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_dropped_link_holds_messages_and_loses_media() -> None:
    network = FakeNetwork()
    async with connected(network.make_peer, network.make_peer) as pair:
        assert isinstance(pair.offerer, FakePeer)
        network.drop(pair.offerer)
        await turn()
        assert states(pair.answerer_said) == states(pair.offerer_said) == ["connecting", "connected", "disconnected"]
        pair.offerer.send(Frame("data", "held"))
        pair.offerer.send_media(pair.mids[1], picture(RED))
        await turn()
        assert pair.answerer_said.frames() == []
        network.restore(pair.offerer)
        await pair.answerer_said.until(FrameReceived(Frame("data", "held")))
        assert pair.answerer.state is PeerState.CONNECTED
        assert (await pair.answerer.stats()).tracks[pair.mids[1]].frames == 0


async def test_a_failed_link_stays_failed() -> None:
    network = FakeNetwork()
    async with connected(network.make_peer, network.make_peer) as pair:
        assert isinstance(pair.answerer, FakePeer)
        network.fail(pair.answerer)
        network.restore(pair.answerer)
        await turn()
        assert pair.offerer.state is PeerState.FAILED
        assert pair.answerer.state is PeerState.FAILED
        await pair.offerer.close()
        assert states(pair.offerer_said)[-2:] == ["failed", "closed"]


async def test_a_link_can_only_be_broken_where_there_is_one() -> None:
    network = FakeNetwork()
    with pytest.raises(TransportError):
        network.drop(network.make_peer(PeerConfig(), Observed()))


async def test_networks_are_apart() -> None:
    offerer, answerer = FakePeer.factory()(PeerConfig(), Observed()), FakePeer.factory()(PeerConfig(), Observed())
    offer = await offerer.offer(SECTIONS, LABELS)
    with pytest.raises(NegotiationError):
        await answerer.answer(offer.sdp, mirrored(SECTIONS, offer.mids))


async def test_no_event_is_emitted_from_inside_send() -> None:
    async with connected(*[FakePeer.factory()] * 2) as pair:
        pair.offerer.send(Frame("data", "x"))
        assert pair.answerer_said.frames() == []
        await turn()
        assert pair.answerer_said.frames() == [Frame("data", "x")]


async def test_a_reader_keeps_one_picture_and_a_fifth_of_a_second_of_sound() -> None:
    reader = Reader()
    newest = picture(RED)
    reader.put(picture(RED))
    reader.put(newest)
    assert await reader.next() is newest
    blocks = [AudioBlock(np.full((1, 480), number, np.int16)) for number in range(30)]
    for block in blocks:
        reader.put(block)
    reader.end()
    kept: list[Media] = []
    while (media := await reader.next()) is not None:
        kept.append(media)
    assert [id(media) for media in kept] == [id(block) for block in blocks[10:]]
    assert await reader.next() is None


async def test_rates_are_of_the_last_two_readings() -> None:
    async with connected(*[FakePeer.factory()] * 2) as pair:
        mid = pair.mids[1]
        assert (await pair.offerer.stats()).tracks[mid].bitrate == 0
        pair.offerer.send_media(mid, picture(RED))
        await turn()
        sent, received = await pair.offerer.stats(), await pair.answerer.stats()
        assert sent.tracks[mid].bitrate > 0
        assert sent.tracks[mid].fps > 0
        assert (received.rtt, received.candidate_type, received.tracks[mid].frames) == (0.001, "host", 1)
