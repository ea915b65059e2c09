"""What only the real peer does: engine threads, memory, descriptions of other sizes. The port: test_peer_conformance."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal

import pytest

from reactor_protocol.attributes import declares_trailers
from reactor_protocol.errors import NegotiationError
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import IceCandidate, IceServer, Peer, PeerConfig, PeerState, Section
from reactor_testing.peer_pairs import LABELS, RED, SECTIONS, Observed, connected, mirrored, picture, received

pytestmark = pytest.mark.network

LIMIT_S = 40.0


def threads() -> int:
    """Threads of this process, the engine's included."""
    return len(os.listdir("/proc/self/task"))


async def offered(config: PeerConfig | None = None) -> str:
    """The offer of a peer with that configuration."""
    peer = make_peer(config or PeerConfig(), Observed())
    try:
        async with asyncio.timeout(LIMIT_S):
            return (await peer.offer(SECTIONS, LABELS)).sdp
    finally:
        await peer.close()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
async def test_thirty_connections_leave_no_threads_behind() -> None:
    async def connect_once() -> None:
        async with connected(make_peer, make_peer) as pair:
            await received(pair.offerer, pair.mids[1], picture(RED), pair.answerer, lambda media: True)

    for _ in range(3):
        await connect_once()
    gc.collect()
    before = threads()
    for _ in range(30):
        await connect_once()
    gc.collect()
    assert threads() <= before + 2


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 8, 13, 40])
async def test_closing_at_any_moment_of_a_negotiation(turns: int) -> None:
    """Either the work is done, or ``NegotiationError`` is raised; nobody is cancelled, and nothing of the engine shows."""
    valid = await offered()

    async def close_after(peer: Peer, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.ensure_future(work)
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        await peer.close()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert not task.cancelled()
        assert not isinstance(outcome, BaseException) or isinstance(outcome, NegotiationError), repr(outcome)
        assert peer.state is PeerState.CLOSED

    async with asyncio.timeout(LIMIT_S):
        offerer, answerer = make_peer(PeerConfig(), Observed()), make_peer(PeerConfig(), Observed())
        await close_after(offerer, offerer.offer(SECTIONS, LABELS))
        await close_after(answerer, answerer.answer(valid, mirrored(SECTIONS, ("0", "1", "2", "3"))))


async def test_a_cancelled_caller_stays_cancelled() -> None:
    peer = make_peer(PeerConfig(), Observed())
    task = asyncio.ensure_future(peer.offer(SECTIONS, LABELS))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await peer.close()


async def test_an_offer_declares_trailers_where_they_are_wanted() -> None:
    assert not declares_trailers(await offered())
    assert declares_trailers(await offered(PeerConfig(trailers=True)))


@pytest.mark.timing
async def test_a_stun_server_that_does_not_answer_is_not_waited_for() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    sdp = await offered(PeerConfig(ice_servers=(IceServer(("stun:192.0.2.1:3478",)),), gather_limit_s=0.1))
    assert loop.time() - begun < 2.0
    assert "a=candidate:" in sdp, "host candidates leave with the offer"


async def test_the_first_video_codec_is_the_one_preferred() -> None:
    for name in ("VP8", "VP9"):
        lines = (await offered(PeerConfig(video_codecs=(name,)))).splitlines()
        first = next(line for line in lines if line.startswith("m=video")).split()[3]
        assert f"a=rtpmap:{first} {name}/90000" in lines


async def test_stereo_is_asked_for() -> None:
    assert any("stereo=1" in line for line in (await offered()).splitlines() if line.startswith("a=fmtp:"))


@pytest.mark.parametrize(
    "candidate",
    [
        IceCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host", "99"),
        IceCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host", None, 99),
        IceCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host", None, 2**40),
        IceCandidate("candidate:", "0", 0),
    ],
)
async def test_candidates_of_no_section_are_refused(candidate: IceCandidate) -> None:
    peer = make_peer(PeerConfig(), Observed())
    try:
        await peer.answer(await offered(), [])
        await peer.add_candidate(IceCandidate("", "0", 0))
        with pytest.raises(NegotiationError):
            await peer.add_candidate(candidate)
    finally:
        await peer.close()


async def test_readers_that_go_leave_no_frames_behind(recwarn: pytest.WarningsRecorder) -> None:
    """The engine warns of frames that are collected without having been closed."""
    async with connected(make_peer, make_peer) as pair:
        for _ in range(3):
            await received(pair.offerer, pair.mids[1], picture(RED), pair.answerer, lambda media: True)
            pair.offerer.send_media(pair.mids[1], picture(RED))
        for _ in range(20):
            pair.offerer.send_media(pair.mids[1], picture(RED))
    gc.collect()
    assert not [warning for warning in recwarn if warning.category is ResourceWarning]


async def test_an_offer_of_many_sections_is_answered() -> None:
    peer, other = make_peer(PeerConfig(), Observed()), make_peer(PeerConfig(), Observed())
    try:
        offer = await peer.offer([Section("video", "receive")] * 12, LABELS)
        answer = await other.answer(offer.sdp, [Section("video", "send", offer.mids[7])])
        directions = [line for line in answer.splitlines() if line in ("a=inactive", "a=sendonly")]
        assert directions == ["a=inactive"] * 7 + ["a=sendonly"] + ["a=inactive"] * 4
        await peer.accept_answer(answer)
    finally:
        await peer.close()
        await other.close()


async def test_all_that_an_answerer_sends_is_one_stream() -> None:
    """Receivers keep sound and picture in step where both name the same stream (RFC 8830); published: ``reactor-stream``."""
    offerer, answerer = make_peer(PeerConfig(), Observed()), make_peer(PeerConfig(), Observed())
    wanted = [Section("video", "receive"), Section("audio", "receive"), Section("video", "send")]
    try:
        async with asyncio.timeout(LIMIT_S):
            offer = await offerer.offer(wanted, LABELS)
            sections = [Section(each.kind, _OTHER_WAY[each.direction], mid) for each, mid in zip(wanted, offer.mids, strict=True)]
            answer = await answerer.answer(offer.sdp, sections)
    finally:
        await offerer.close()
        await answerer.close()
    streams = [line.removeprefix("a=msid:").split()[0] for line in answer.splitlines() if line.startswith("a=msid:")]
    assert len(streams) == 2
    assert len(set(streams)) == 1
    assert streams[0] != "-"


_OTHER_WAY: dict[str, Literal["send", "receive"]] = {"send": "receive", "receive": "send"}
