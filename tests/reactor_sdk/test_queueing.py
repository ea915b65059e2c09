"""Waiting for a worker: the place in the queue, streams that break, servers that do not stream, and not waiting at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from tests.reactor_sdk.conftest import MakeReactor
from tests.reactor_sdk.observer import Observer
from tests.reactor_sdk.test_api import served
from tests.reactor_sdk.waiting import until

from reactor_protocol.resources import Session
from reactor_sdk import (
    CapacityError,
    CreditsExhaustedError,
    DecodeError,
    InvalidArgumentError,
    NetworkError,
    QueueStatus,
    QuotaExceededError,
    RateLimitedError,
    Reactor,
    ReactorException,
    SessionEndedError,
    api,
    fetch_jwt_token,
)
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.queueing import Patience, Queueing
from reactor_sdk.session import HostedSessions
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

network = pytest.mark.network

ASKED = "GET /sessions/{id}"
WAITING = Session(session_id="s", state="WAITING")


@pytest.fixture
async def hosted(fake: FakeCoordinator) -> AsyncIterator[HostedSessions]:
    api = Api(fake.url)
    yield HostedSessions(api, ClientConfig("echo", fake.url, False, API_KEY))
    await api.close()


# ------------------------------------------------------------------------------------------------------- the place


@network
async def test_the_place_in_the_queue_is_told_until_there_is_a_worker(fake: FakeCoordinator, reactor: Reactor) -> None:
    observer = Observer(reactor)
    fake.place_in_queue(3, 7, 12.5)
    waiting = asyncio.create_task(reactor.connect())
    assert await observer.until("queue_changed") == QueueStatus(3, 7, 12.5)
    assert reactor.get_queue() == QueueStatus(position=3, waiting=7, estimated_wait_s=12.5)
    assert reactor.get_status() == "waiting"
    info = reactor.get_session_info()
    assert info is not None
    assert info["queue"] == {"position": 3, "waiting": 7, "estimated_wait_s": 12.5}
    fake.place_in_queue(1, 5)
    assert await observer.until("queue_changed", 2) == QueueStatus(1, 5, None)
    fake.give_worker()
    await waiting
    assert observer.of("queue_changed") == [QueueStatus(3, 7, 12.5), QueueStatus(1, 5), None]
    assert reactor.get_queue() is None
    assert len(fake.requested(ASKED)) == 1
    assert fake.requested(ASKED)[0].headers["Accept"] == "text/event-stream"


async def test_leaving_the_queue_is_told(fake: FakeCoordinator, reactor: Reactor) -> None:
    told: list[QueueStatus | None] = []
    decorated = reactor.on_queue(told.append)
    assert decorated == told.append
    fake.place_in_queue(2, 2, 1.0)
    waiting = asyncio.create_task(reactor.connect())
    await until(lambda: told)
    await reactor.disconnect()
    with pytest.raises(RuntimeError):
        await waiting
    assert told == [QueueStatus(2, 2, 1.0), None]
    assert reactor.get_queue() is None
    await until(lambda: fake.streams == 0)


async def test_a_server_that_does_not_stream_tells_the_place_too(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(streams=False)
    observer = Observer(reactor)
    fake.place_in_queue(2, 4)
    waiting = asyncio.create_task(reactor.connect())
    assert await observer.until("queue_changed") == QueueStatus(2, 4)
    await until(lambda: len(fake.requested(ASKED)) >= 3)
    await reactor.disconnect()
    with pytest.raises(RuntimeError):
        await waiting


# --------------------------------------------------------------------------------------------------- not waiting


async def test_fail_fast_does_not_wait(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.place_in_queue(1, 1, 30)
    with pytest.raises(CapacityError, match="HTTP 429: no worker is free") as caught:
        await reactor.connect(fail_fast=True)
    assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("NO_CAPACITY", 429, 30.0)
    assert fake.requested("POST /sessions")[0].json()["queue"] is False
    assert (fake.sessions, reactor.get_status()) == ({}, "disconnected")


@network
async def test_fail_fast_with_a_free_worker_connects(fake: FakeCoordinator, reactor: Reactor) -> None:
    await reactor.connect(fail_fast=True)
    assert reactor.get_status() == "ready"
    await reactor.disconnect()
    await reactor.connect()
    assert "queue" not in fake.requested("POST /sessions")[1].json()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "NO_CAPACITY", CapacityError),
        (429, "RATE_LIMITED", RateLimitedError),
        (403, "QUOTA_EXCEEDED", QuotaExceededError),
        (402, "CREDITS_EXHAUSTED", CreditsExhaustedError),
    ],
)
async def test_the_code_tells_refusals_apart(
    fake: FakeCoordinator, reactor: Reactor, status: int, code: str, kind: type[ReactorException]
) -> None:
    fake.fail_next("POST /sessions", status, code=code, retry_after=7)
    with pytest.raises(kind) as caught:
        await reactor.connect()
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.retry_after) == (code, 7.0)


# ----------------------------------------------------------------------------------------------- a session's duration


@network
async def test_the_duration_is_asked_for_and_the_end_is_told(fake: FakeCoordinator) -> None:
    async with Reactor("echo", API_KEY, fake.url, max_session_duration_seconds=600) as reactor:
        observer = Observer(reactor)
        await reactor.connect()
        assert fake.requested("POST /sessions")[0].json()["max_session_duration_seconds"] == 600
        assert observer.of("session_expiration_changed") == [fake.session.extra["expires_at"]]
        assert reactor.get_session_expiration() == fake.session.extra["expires_at"]
    assert reactor.get_session_expiration() is None


@network
async def test_a_change_of_the_end_is_told(fake: FakeCoordinator, connected: Reactor) -> None:
    observer = Observer(connected)
    assert connected.get_session_expiration() is None
    fake.announce_expiration(2_000_000_000.5, 59.0)
    assert await observer.until("session_expiration_changed") == 2_000_000_000.5
    assert observer.of("runtime_message") == [
        {"type": "sessionExpiration", "data": {"expires_at": 2_000_000_000.5, "remaining_s": 59.0}}
    ]
    assert connected.get_session_expiration() == 2_000_000_000.5
    info = connected.get_session_info()
    assert info is not None
    assert info["expires_at"] == 2_000_000_000.5
    fake.say("sessionExpiration", {"expires_at": "soon"})
    fake.say("sessionExpiration", {"expires_at": 2_000_000_000.5})
    await observer.until("runtime_message", 3)
    assert len(observer.of("session_expiration_changed")) == 1


@pytest.mark.parametrize("seconds", [0, -1, True, 1.5, "600"])
def test_a_duration_that_cannot_be_is_refused(seconds: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="max_session_duration_seconds"):
        Reactor("echo", max_session_duration_seconds=seconds)


# ------------------------------------------------------------------------------------------------ lasting and ending


async def test_a_stream_that_breaks_is_opened_again(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    fake.place_in_queue(2, 2)
    seen: list[Session] = []
    session = (await hosted.open(None)).session
    waiting = asyncio.create_task(hosted.wait(session, seen.append))
    for times in (1, 2, 3):
        await until(lambda times=times: fake.streams == 1 and len(seen) == times)  # type: ignore[misc]
        fake.break_streams()
        await until(lambda: fake.streams == 0)
    await until(lambda: fake.streams == 1)
    fake.give_worker()
    assert (await waiting).state == "ACTIVE"
    assert len(fake.requested(ASKED)) == 4


async def test_a_session_without_its_worker_is_waited_for(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    session = (await hosted.open(None)).session
    fake.give_worker()
    await fake.lose_worker()
    found = await hosted.find(session.session_id)
    assert found.state == "INACTIVE"
    seen: list[Session] = []
    waiting = asyncio.create_task(hosted.wait(found, seen.append))
    await until(lambda: seen)
    fake.break_streams()
    await until(lambda: len(seen) == 2)
    fake.give_worker()
    assert (await waiting).state == "ACTIVE"
    assert fake.requested("PUT /sessions/{id}") == []


async def test_a_session_that_ends_while_it_is_waited_for(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    fake.place_in_queue(2, 2)
    waiting = asyncio.create_task(hosted.wait((await hosted.open(None)).session))
    await until(lambda: fake.streams == 1)
    await fake.end_session("ended by an operator")
    with pytest.raises(SessionEndedError, match="CLOSED: ended by an operator"):
        await waiting


async def test_a_stream_that_something_holds_back_is_replaced_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "REQUEST_TIMEOUT_S", 0.1)
    accepted: list[str] = []

    async def proxy(request: web.BaseRequest) -> web.StreamResponse:
        accepted.append(request.headers.get("Accept", ""))
        if accepted[-1] == "text/event-stream":
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await asyncio.Event().wait()
        return web.json_response({"session_id": "s", "state": "CLOSED", "reason": "asked"})

    async with served(proxy) as client:
        with pytest.raises(SessionEndedError, match="asked"):
            await Queueing(client, WAITING, print).until_described()
    assert accepted == ["text/event-stream", "*/*"]


async def test_an_event_that_is_too_large_ends_it() -> None:
    async def shout(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b"data: " + b"x" * 60_000)

    async with served(shout) as client:
        with pytest.raises(DecodeError, match="larger than 1048576 bytes"):
            await Queueing(client, WAITING, print).until_described()


async def test_events_with_comments_and_line_ends_of_any_kind() -> None:
    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b': keep-alive\n\ndata: {"session_id": "s", "state": "WAITING",\r\ndata: "queue": ')
        await response.write(b'{"position": 1, "waiting": 1}}\r\n\r\ndata: {"session_id": "s", "state": "CLOSED"}\n\n')
        return response

    seen: list[Session] = []
    async with served(tell) as client:
        with pytest.raises(SessionEndedError):
            await Queueing(client, WAITING, seen.append).until_described()
    assert [(each.state, each.queue is not None) for each in seen] == [("WAITING", True), ("CLOSED", False)]


# ------------------------------------------------------------------------------------------------------- patience


def test_patience_lasts_for_a_server_that_is_started_again() -> None:
    patience, error = Patience(0.0), NetworkError("nobody")
    for now in range(30):
        patience.failed(error, float(now))
    patience.answered(29.0)
    for now in range(30, 59):
        patience.failed(error, float(now))
    with pytest.raises(NetworkError):
        patience.failed(error, 59.0)


def test_patience_survives_a_few_failures_however_long_they_take() -> None:
    patience, error = Patience(0.0), NetworkError("nobody")
    for now in range(100, 600, 100):
        patience.failed(error, float(now))
    with pytest.raises(NetworkError):
        patience.failed(error, 600.0)


def test_pauses_grow_differ_and_mind_the_server() -> None:
    patience = Patience(0.0)
    pauses = [patience.next_pause() for _ in range(12)]
    longest = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0, 10.0]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True))
    assert len(set(pauses[8:])) == 4
    patience.failed(RateLimitedError("slow", retry_after=20.0), 0.0)
    assert patience.next_pause() == 20.0
    patience.failed(RateLimitedError("slow", retry_after=1e9), 0.0)
    assert patience.next_pause() == 60.0


def test_a_stream_that_lived_makes_the_next_come_soon() -> None:
    patience = Patience(0.0)
    for _ in range(6):
        patience.next_pause()
    patience.listened(0.1)
    assert patience.next_pause() > 1.0
    patience.listened(100.0)
    assert patience.next_pause() <= 0.05


# ------------------------------------------------------------------------------------------------ a second viewer


@network
async def test_a_second_viewer_with_a_token_of_the_same_key_never_ends_the_session(
    fake: FakeCoordinator, make_reactor: MakeReactor
) -> None:
    owner = make_reactor()
    await owner.connect()
    token = await fetch_jwt_token(API_KEY, fake.url)
    async with Reactor("echo", api_url=fake.url, jwt=token) as guest:
        observer = Observer(guest)
        await guest.connect(session_id=owner.get_session_id())
        assert await guest.send_command("echo", {"n": 1}) == {"type": "echo", "data": {"n": 1}}
        await fake.drop()
        await observer.until("error")
        await guest.reconnect()
        assert guest.get_status() == "ready"
    assert fake.session.state == "ACTIVE"
    assert fake.requested("DELETE /sessions/{id}") == []
    assert len(fake.requested("POST /sessions")) == 1


async def test_a_second_viewer_may_wait_with_the_first(fake: FakeCoordinator, hosted: HostedSessions, reactor: Reactor) -> None:
    fake.place_in_queue(4, 9, 2.0)
    session = (await hosted.open(None)).session
    observer = Observer(reactor)
    waiting = asyncio.create_task(reactor.connect(session_id=session.session_id))
    assert await observer.until("queue_changed") == QueueStatus(4, 9, 2.0)
    await reactor.disconnect()
    with pytest.raises(RuntimeError):
        await waiting
    assert fake.session.state == "WAITING"
