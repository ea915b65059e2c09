"""What every implementation of the ``Peer`` port must do: checks to put a factory through.

Each of :data:`CHECKS` is an async function of two factories, one for the peer that offers and one for the peer that answers; it
raises ``AssertionError`` or ``TimeoutError`` where the peers misbehave. Nothing here waits for a fixed time.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from reactor_protocol.codec import Frame
from reactor_protocol.errors import TransportError
from reactor_rtc.frames import Media
from reactor_rtc.port import (
    ChannelClosed,
    ChannelOpened,
    FrameReceived,
    IceCandidate,
    PeerConfig,
    PeerFactory,
    PeerState,
    Section,
    StateChanged,
)
from reactor_testing.peer_media_checks import MEDIA_CHECKS, Check
from reactor_testing.peer_pairs import (
    BLUE,
    LABELS,
    RED,
    SECTIONS,
    Observed,
    cannot_send,
    connected,
    is_like,
    mirrored,
    picture,
    received,
    refused,
    tone,
)
from reactor_testing.peer_sharing_checks import SHARING_CHECKS

CLOSE_LIMIT_S: Final = 2.0
RUBBISH: Final = ("", "hello", "v=0", "v=0\r\no=- rubbish\r\n", "v=0\r\nm=video\r\n", "v=0\0")


# --------------------------------------------------------------------------------------------------- negotiation


async def connects_in_order(offering: PeerFactory, answering: PeerFactory) -> None:
    """CONNECTING, CONNECTED, and each channel once, in the order of creation; the channels may open before CONNECTED is said."""
    async with connected(offering, answering) as pair:
        assert len(set(pair.mids)) == len(SECTIONS)
        assert all(pair.mids)
        for peer, said in ((pair.offerer, pair.offerer_said), (pair.answerer, pair.answerer_said)):
            assert peer.state is PeerState.CONNECTED
            states = [event.state for event in said.events if isinstance(event, StateChanged)]
            assert states == [PeerState.CONNECTING, PeerState.CONNECTED]
            assert [event.label for event in said.events if isinstance(event, ChannelOpened)] == list(LABELS)


async def mids_follow_the_offer(offering: PeerFactory, answering: PeerFactory) -> None:
    """The description names the mids in the order of the sections, and begins as one must."""
    offerer = offering(PeerConfig(), Observed())
    try:
        assert offerer.state is PeerState.NEW
        offer = await offerer.offer(SECTIONS, LABELS)
        assert offer.sdp.startswith("v=0\r\n")
        lines = offer.sdp.splitlines()
        places = [lines.index(f"a=mid:{mid}") for mid in offer.mids]
        assert places == sorted(places)
        kinds = [line[2:7] for line in lines if line.startswith(("m=audio", "m=video"))]
        assert kinds == ["video", "video", "audio", "audio"]
    finally:
        await offerer.close()


async def rubbish_is_refused(offering: PeerFactory, answering: PeerFactory) -> None:
    """A description or candidate that makes no sense raises ``NegotiationError``, and the peer can still be closed."""
    offerer, answerer = offering(PeerConfig(), Observed()), answering(PeerConfig(), Observed())
    try:
        for text in RUBBISH:
            await refused(answerer.answer(text, []))
        await refused(offerer.add_candidate(IceCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host", "0", 0)))
        offer = await offerer.offer(SECTIONS, LABELS)
        for text in RUBBISH:
            await refused(offerer.accept_answer(text))
        answer = await answerer.answer(offer.sdp, mirrored(SECTIONS, offer.mids))
        await refused(answerer.add_candidate(IceCandidate("rubbish", offer.mids[0], 0)))
        await refused(answerer.add_candidate(IceCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host")))
        await offerer.accept_answer(answer)
        await refused(offerer.accept_answer(answer))
    finally:
        await offerer.close()
        await answerer.close()


async def closing_ends_negotiation(offering: PeerFactory, answering: PeerFactory) -> None:
    """A peer that is closed while it negotiates, or before, raises ``NegotiationError``; nobody is cancelled."""
    offerer = offering(PeerConfig(), Observed())
    offer = asyncio.ensure_future(offerer.offer(SECTIONS, LABELS))
    await offerer.close()
    await refused(offer)
    await refused(offerer.offer(SECTIONS, LABELS))
    other = offering(PeerConfig(), Observed())
    answerer = answering(PeerConfig(), Observed())
    try:
        valid = await other.offer(SECTIONS, LABELS)
        answer = asyncio.ensure_future(answerer.answer(valid.sdp, mirrored(SECTIONS, valid.mids)))
        await answerer.close()
        await refused(answer)
    finally:
        await other.close()


async def unwanted_sections_stay_inactive(offering: PeerFactory, answering: PeerFactory) -> None:
    """Sections that the answerer does not name, or names with another kind, carry nothing; an unknown mid is ignored."""
    said, heard = Observed(), Observed()
    offerer, answerer = offering(PeerConfig(), said), answering(PeerConfig(), heard)
    try:
        offer = await offerer.offer(SECTIONS, LABELS)
        taken = [
            Section("audio", "send", offer.mids[0]),
            Section("video", "receive", offer.mids[1]),
            Section("video", "send", "77"),
        ]
        await offerer.accept_answer(await answerer.answer(offer.sdp, taken))
        await said.until(StateChanged(PeerState.CONNECTED))
        await heard.until(StateChanged(PeerState.CONNECTED))
        for mid in (offer.mids[0], offer.mids[2], "77"):
            await refused(answerer.set_active(mid, True), TransportError)
        offerer.send_media(offer.mids[3], tone())
        await received(offerer, offer.mids[1], picture(BLUE), answerer, lambda media: is_like(media, BLUE))
    finally:
        await offerer.close()
        await answerer.close()


# ------------------------------------------------------------------------------------------------------ messages


async def messages_cross(offering: PeerFactory, answering: PeerFactory) -> None:
    """Text arrives as text, bytes as bytes, both ways, whole and in order."""
    sent = [
        Frame("data", "grüße"),
        Frame("data", b"\x00\xff"),
        Frame("control", "{}"),
        Frame("data", "x" * 200_000),
        Frame("data", ""),
    ]
    async with connected(offering, answering) as pair:
        for frame in sent:
            pair.offerer.send(frame)
            pair.answerer.send(frame)
        for said in (pair.offerer_said, pair.answerer_said):
            await said.until(*map(FrameReceived, sent))
            for label in LABELS:
                expected = [frame for frame in sent if frame.label == label]
                assert [frame for frame in said.frames() if frame.label == label] == expected


async def sending_needs_an_open_channel(offering: PeerFactory, answering: PeerFactory) -> None:
    """``TransportError`` before the connection, for an unknown channel, for a message of 300 KB, and after the end."""
    lonely = offering(PeerConfig(), Observed())
    assert cannot_send(lonely, Frame("data", "early"))
    await lonely.close()
    async with connected(offering, answering) as pair:
        assert cannot_send(pair.offerer, Frame("other", "x"))
        assert cannot_send(pair.offerer, Frame("data", "x" * 300_000))
        await pair.offerer.close()
        assert cannot_send(pair.offerer, Frame("data", "late"))


# ----------------------------------------------------------------------------------------------------------- end


async def the_other_side_sees_the_end(offering: PeerFactory, answering: PeerFactory) -> None:
    """What was sent before ``close`` arrives, then every channel closes, within two seconds."""
    last = Frame("data", "last words")
    much = Frame("data", b"x" * 200_000)
    for offerer_ends in (True, False):
        async with connected(offering, answering) as pair:
            ending, staying = (pair.offerer, pair.answerer) if offerer_ends else (pair.answerer, pair.offerer)
            said = pair.answerer_said if offerer_ends else pair.offerer_said
            for frame in (much, much, much, last):
                ending.send(frame)
            await ending.close()
            assert ending.state is PeerState.CLOSED
            await said.until(*map(ChannelClosed, LABELS), limit_s=CLOSE_LIMIT_S)
            assert said.frames() == [much, much, much, last]
            assert said.events.index(FrameReceived(last)) < said.events.index(ChannelClosed("data"))
            assert cannot_send(staying, Frame("data", "is anybody there?"))
            await staying.close()
            assert said.events[-1] == StateChanged(PeerState.CLOSED)


async def media_ends_with_the_peer(offering: PeerFactory, answering: PeerFactory) -> None:
    """A reader that waits is let go when its own peer closes, and one that begins later ends at once."""
    async with connected(offering, answering) as pair:
        reader = asyncio.ensure_future(_read_all(pair.answerer.media(pair.mids[1])))
        await received(pair.offerer, pair.mids[1], picture(RED), pair.answerer, lambda media: True)
        await pair.answerer.close()
        async with asyncio.timeout(CLOSE_LIMIT_S):
            assert await reader
            assert await _read_all(pair.answerer.media(pair.mids[1])) == []


async def figures_are_told(offering: PeerFactory, answering: PeerFactory) -> None:
    """``stats`` has a round-trip time and an entry for what flows, at both ends; a closed peer has nothing to tell."""
    async with connected(offering, answering) as pair:
        mid = pair.mids[1]
        await received(pair.offerer, mid, picture(RED), pair.answerer, lambda media: True)
        for peer, direction in ((pair.offerer, "send"), (pair.answerer, "receive")):
            stats = await peer.stats()
            assert stats.rtt is not None
            assert 0 <= stats.rtt < 1
            track = stats.tracks[mid]
            assert (track.kind, track.direction, track.width, track.height) == ("video", direction, 160, 120)
            assert track.frames > 0
        await pair.offerer.close()
        assert (await pair.offerer.stats()).tracks == {}


async def _read_all(stream: Any) -> list[Media]:
    return [media async for media in stream]


CHECKS: Final[tuple[Check, ...]] = (
    connects_in_order,
    mids_follow_the_offer,
    rubbish_is_refused,
    closing_ends_negotiation,
    unwanted_sections_stay_inactive,
    messages_cross,
    sending_needs_an_open_channel,
    *MEDIA_CHECKS,
    *SHARING_CHECKS,
    the_other_side_sees_the_end,
    media_ends_with_the_peer,
    figures_are_told,
)
