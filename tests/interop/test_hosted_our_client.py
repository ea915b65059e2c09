"""Our client on our coordinator, both as their users run them: the coordinator and the worker are processes of their own."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from tests.interop.coordinator import MODEL_NAME, Hosted
from tests.interop.observations import is_near
from tests.interop.provisioning import Say

from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import EventSink, Peer, PeerConfig, PeerFactory
from reactor_sdk import CapacityError, QueueStatus, Reactor, ReactorStatus

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

DEADLINE_SECONDS = 60.0
FIRST_FRAME_SECONDS = 5.0
FIRST_COLOR, SET_COLOR = (200, 40, 40), (30, 160, 60)
SET = {"red": 30, "green": 160, "blue": 60}
SET_REPLY = {"type": "color_set", "data": SET}

Frame = npt.NDArray[np.uint8]


def client(hosted: Hosted, **options: Any) -> Reactor:
    return Reactor(MODEL_NAME, api_key=hosted.key, api_url=hosted.url, **options)


class Tearable(Reactor):
    """A client whose connection can be torn down behind its back."""

    peers: ClassVar[list[Peer]] = []

    @staticmethod
    def _kept(config: PeerConfig, on_event: EventSink) -> Peer:
        Tearable.peers.append(make_peer(config, on_event))
        return Tearable.peers[-1]

    _make_peer: ClassVar[PeerFactory] = _kept

    async def tear(self) -> None:
        await self.peers[-1].close()


def upper(frame: Frame) -> tuple[float, ...]:
    """The colour in the middle of the upper half, which the model's command sets."""
    return tuple(frame[30:90, 80:240].mean(axis=(0, 1)))


async def shows(reactor: Reactor, color: tuple[int, int, int]) -> None:
    """Returns once the picture shows the colour."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for frame in reactor.frames():
            if is_near(upper(frame), color):
                return


class Statuses:
    """The statuses of a client, which can be waited for."""

    def __init__(self, reactor: Reactor) -> None:
        self.passed: list[ReactorStatus] = []
        self._changed = asyncio.Event()
        reactor.on("status_changed", self._add)

    def _add(self, status: ReactorStatus) -> None:
        self.passed.append(status)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


async def test_frames_arrive_and_commands_are_answered(hosted: Hosted, say: Say) -> None:
    async with client(hosted) as reactor:
        began = time.perf_counter()
        await reactor.connect()
        ready = time.perf_counter() - began
        frame = await anext(aiter(reactor.frames("main_video")))
        first = time.perf_counter() - began
        say(f"our client on our coordinator: ready {ready:.2f} s, first frame {first:.2f} s after connect() was called")
        assert frame.shape == (240, 320, 3)
        assert first < FIRST_FRAME_SECONDS
        assert await reactor.send_command("set_color", SET) == SET_REPLY
        await shows(reactor, SET_COLOR)
    await asyncio.to_thread(hosted.wait_until_free)


async def test_the_state_of_the_model_survives_a_connection_that_is_lost(hosted: Hosted) -> None:
    async with Tearable(MODEL_NAME, api_key=hosted.key, api_url=hosted.url) as reactor:
        await reactor.connect()
        session_id, statuses = reactor.get_session_id(), Statuses(reactor)
        await reactor.send_command("set_color", SET)
        await reactor.tear()
        await statuses.until(lambda: ReactorStatus.DISCONNECTED in statuses.passed)
        await reactor.reconnect()
        assert reactor.get_session_id() == session_id
        await shows(reactor, SET_COLOR)


async def test_a_client_comes_back_by_itself_if_it_was_told_to(hosted: Hosted) -> None:
    async with Tearable(MODEL_NAME, api_key=hosted.key, api_url=hosted.url, auto_reconnect=True) as reactor:
        await reactor.connect()
        session_id, statuses = reactor.get_session_id(), Statuses(reactor)
        await reactor.send_command("set_color", SET)
        await reactor.tear()
        await statuses.until(lambda: statuses.passed[:1] + statuses.passed[-1:] == ["disconnected", "ready"])
        assert reactor.get_session_id() == session_id
        await shows(reactor, SET_COLOR)


async def test_a_second_viewer_sees_the_same_session_and_leaves_it_running(hosted: Hosted) -> None:
    async with client(hosted) as first:
        await first.connect()
        async with client(hosted) as second:
            await second.connect(session_id=first.get_session_id())
            assert await second.send_command("set_color", SET) == SET_REPLY
            await asyncio.gather(shows(first, SET_COLOR), shows(second, SET_COLOR))
        session = await asyncio.to_thread(hosted.session, first.get_session_id() or "")
        assert session["state"] == "ACTIVE"
        assert await first.send_command("set_color", SET) == SET_REPLY


async def test_who_waits_is_told_of_the_place_in_the_queue(hosted: Hosted) -> None:
    async with client(hosted) as first, client(hosted) as second, client(hosted) as third:
        told: dict[Reactor, list[tuple[int, int] | None]] = {second: [], third: []}
        moved = asyncio.Event()

        def listen(reactor: Reactor) -> None:
            def changed(queue: QueueStatus | None) -> None:
                told[reactor].append(None if queue is None else (queue.position, queue.waiting))
                moved.set()

            reactor.on("queue_changed", changed)

        async def until(condition: Callable[[], bool]) -> None:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not condition():
                    moved.clear()
                    await moved.wait()

        listen(second)
        listen(third)
        await first.connect()
        async with asyncio.TaskGroup() as connecting:
            connecting.create_task(second.connect())
            await until(lambda: told[second][-1:] == [(1, 1)])
            connecting.create_task(third.connect())
            await until(lambda: told[third][-1:] == [(2, 2)])
            queue = third.get_queue()
            assert queue is not None
            assert (queue.position, queue.waiting) == (2, 2)
            with pytest.raises(CapacityError) as refused:
                await client(hosted).connect(fail_fast=True)
            assert refused.value.retry_after is not None
            await first.disconnect()
            await until(lambda: (1, 1) in told[third])
            await until(lambda: told[second][-1:] == [None])
            await second.send_command("set_color", SET)
            await second.disconnect()
        assert third.get_status() is ReactorStatus.READY
        assert third.get_queue() is None
        assert told[third][-1] is None
        await shows(third, FIRST_COLOR)


async def test_a_client_whose_worker_was_killed_lands_on_the_next_one(hosted: Hosted, say: Say) -> None:
    async with client(hosted) as reactor:
        await reactor.connect()
        session_id, statuses = reactor.get_session_id() or "", Statuses(reactor)
        await reactor.send_command("set_color", SET)
        worker = await asyncio.to_thread(hosted.worker)
        assert worker.session_id == session_id
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        began = time.perf_counter()
        await statuses.until(lambda: ReactorStatus.DISCONNECTED in statuses.passed)
        noticed = time.perf_counter() - began
        last = reactor.get_last_error()
        # The coordinator has said so: the connection itself falls silent ten seconds later.
        assert last is not None
        assert last.message == "the session's worker is lost: the session goes on at another"
        async with asyncio.timeout(DEADLINE_SECONDS):
            await reactor.reconnect()
        landed = time.perf_counter() - began
        say(f"worker killed: noticed by the client after {noticed:.2f} s, on the next worker after {landed:.2f} s")
        assert reactor.get_session_id() == session_id
        await shows(reactor, FIRST_COLOR)
        replacement = await asyncio.to_thread(hosted.worker)
        assert replacement.session_id == session_id
        assert replacement.id != worker.id
        session = await asyncio.to_thread(hosted.session, session_id)
        assert (session["state"], session["restarts"]) == ("ACTIVE", 1)
