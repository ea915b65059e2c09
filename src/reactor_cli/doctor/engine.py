"""The WebRTC engine of this machine: whether it loads, and whether two of its peers connect within this process."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from reactor_cli.doctor.facts import EngineFacts
from reactor_protocol.errors import ReactorException
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import CandidateFound, ChannelOpened, Peer, PeerConfig, PeerEvent
from reactor_rtc.wrtc_path import engine_codecs, engine_version

_LABEL: Final = "loopback"


async def try_engine(limit_s: float) -> EngineFacts:
    """Version, codecs, and how long two peers took to open a data channel."""
    version, video, audio = engine_version(), engine_codecs("video"), engine_codecs("audio")
    began = time.perf_counter()
    try:
        async with asyncio.timeout(limit_s):
            await _connect()
    except TimeoutError:
        return EngineFacts(version, video, audio, failure=f"not within {limit_s:g} s")
    except ReactorException as error:
        return EngineFacts(version, video, audio, failure=str(error))
    return EngineFacts(version, video, audio, (time.perf_counter() - began) * 1e3)


async def _connect() -> None:
    opened = asyncio.Event()
    found: list[asyncio.Queue[CandidateFound]] = [asyncio.Queue(), asyncio.Queue()]

    def note(event: PeerEvent, side: int) -> None:
        match event:
            case ChannelOpened(label) if label == _LABEL and side == 0:
                opened.set()
            case CandidateFound():
                found[side].put_nowait(event)
            case _:
                pass

    first = make_peer(PeerConfig(), lambda event: note(event, 0))
    second = make_peer(PeerConfig(), lambda event: note(event, 1))
    try:
        offer = await first.offer([], [_LABEL])
        await first.accept_answer(await second.answer(offer.sdp, []))
        passing = [asyncio.create_task(_pass_on(found[0], second)), asyncio.create_task(_pass_on(found[1], first))]
        try:
            await opened.wait()
        finally:
            for task in passing:
                task.cancel()
            await asyncio.wait(passing)
    finally:
        await first.close()
        await second.close()


async def _pass_on(found: asyncio.Queue[CandidateFound], other: Peer) -> None:
    while True:
        await other.add_candidate((await found.get()).candidate)
