"""A peer whose program keeps its loop busy, or leaves it: the engine goes on by itself."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

import reactor_rtc.peer_proxy
from reactor_protocol.codec import Frame
from reactor_protocol.errors import NegotiationError, TransportError
from reactor_rtc.engine_thread import engine_thread
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import ChannelClosed, ChannelOpened, FrameReceived, IceServer, Peer, PeerConfig, PeerState, StateChanged
from reactor_testing.peer_pairs import (
    LABELS,
    LIMIT_S,
    RED,
    SECTIONS,
    Observed,
    cannot_send,
    connected,
    mirrored,
    picture,
    reading,
)

pytestmark = pytest.mark.network

T = TypeVar("T")

TURN_S = 0.005
MOST_TURNS = 20
"""The engine itself hands an event to a loop that is never idle after a hundred turns."""


class Busy:
    """A task that works for some milliseconds in each turn of the loop, and never waits for anything."""

    def __init__(self) -> None:
        self.turns = 0

    async def work(self) -> None:
        while True:
            self.turns += 1
            until = time.perf_counter() + TURN_S
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0)


@asynccontextmanager
async def busy() -> AsyncIterator[Busy]:
    work = Busy()
    task = asyncio.ensure_future(work.work())
    try:
        yield work
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.timing
async def test_a_message_reaches_a_loop_that_is_never_idle() -> None:
    async with connected(make_peer, make_peer) as pair, busy() as work:
        for number in range(5):
            sent, asked = Frame("data", f"answer {number}"), work.turns
            pair.offerer.send(sent)
            await pair.answerer_said.until(FrameReceived(sent))
            assert work.turns - asked <= MOST_TURNS


@pytest.mark.timing
async def test_frames_cross_between_loops_that_are_never_idle() -> None:
    """The sender's and the receiver's: here it is the same."""
    async with connected(make_peer, make_peer) as pair, busy() as work, reading(pair.answerer, pair.mids[1]) as seen:
        begun = work.turns
        async with asyncio.timeout(LIMIT_S):
            while len(seen) < 20:
                pair.offerer.send_media(pair.mids[1], picture(RED))
                await asyncio.sleep(0.02)
        assert work.turns - begun <= 20 * MOST_TURNS


class OtherLoop:
    """A loop in another thread, as a program's own; :meth:`end` closes it as ``asyncio.run`` does."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._runner = asyncio.Runner()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._runner.run, work)

    async def end(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._runner.close)
        self._thread.shutdown()


async def test_a_loop_that_was_closed_is_let_go() -> None:
    other, said = OtherLoop(), Observed()

    async def begin() -> tuple[Peer, str, tuple[str, ...]]:
        peer = make_peer(PeerConfig(), lambda _event: None)
        offer = await peer.offer(SECTIONS, LABELS)
        return peer, offer.sdp, offer.mids

    left, offer, mids = await other.run(begin())
    ours = make_peer(PeerConfig(), said)
    try:
        answer = await ours.answer(offer, mirrored(SECTIONS, mids))
        await other.run(left.accept_answer(answer))
        await said.until(StateChanged(PeerState.CONNECTED), *map(ChannelOpened, LABELS))
        await other.end()
        ours.send(Frame("data", "is anybody there?"))
        await said.until(*map(ChannelClosed, LABELS))
        assert cannot_send(left, Frame("data", "no"))
    finally:
        await ours.close()


async def test_messages_that_nobody_takes_end_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reactor_rtc.peer_proxy, "MAX_WAITING_BYTES", 1_000_000)
    async with connected(make_peer, make_peer) as pair:
        sent = [Frame("data", bytes([number]) + bytes(99_999)) for number in range(30)]
        for frame in sent:
            pair.offerer.send(frame)
        deadline = time.monotonic() + LIMIT_S
        while not caplog.records and time.monotonic() < deadline:
            pass  # a program that does not come back to its loop
        await pair.offerer_said.until(*map(ChannelClosed, LABELS))
        assert pair.answerer_said.frames() == sent[:10]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_what_the_engine_does_not_take_is_told_by_the_first_verb() -> None:
    peer = make_peer(PeerConfig(ice_servers=(IceServer(("rubbish:1",)),)), Observed())
    with pytest.raises(NegotiationError):
        await peer.offer(SECTIONS, LABELS)
    with pytest.raises(TransportError):
        peer.send(Frame("data", "x"))


def test_an_interrupted_engine_goes_on() -> None:
    thread = engine_thread()

    def interrupt() -> None:
        raise SystemExit

    async def still_there() -> str:
        return "still there"

    thread.loop.call_soon_threadsafe(interrupt)
    assert asyncio.run_coroutine_threadsafe(still_there(), thread.loop).result(LIMIT_S) == "still there"


def test_several_loops_one_after_the_other_and_a_silent_exit() -> None:
    script = """
import asyncio
from reactor_rtc.peer_proxy import make_peer
from reactor_testing.peer_pairs import connected

async def main(leave):
    async with connected(make_peer, make_peer) as pair:
        print("connected", flush=True)
        if leave:
            raise SystemExit(0)

asyncio.run(main(False))
asyncio.run(main(False))
asyncio.run(main(True))
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["connected"] * 3, "")
