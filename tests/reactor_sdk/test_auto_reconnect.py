"""Coming back without being told to: when it is tried, how often, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiortc import VideoStreamTrack
from tests.reactor_sdk.observer import Observer
from tests.reactor_sdk.waiting import until

from reactor_sdk import InvalidStateError, NotFoundError, Reactor, ServerError, auto_reconnect
from reactor_sdk.auto_reconnect import AutoReconnect, Backoff
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

network = pytest.mark.network

FOUND = "GET /sessions/{id}"
CONNECTIONS = "/sessions/{id}/transport/webrtc/connections"


@pytest.fixture
async def steady(fake: FakeCoordinator) -> AsyncIterator[Reactor]:
    """A client that is READY, and comes back by itself."""
    async with Reactor("echo", API_KEY, fake.url, auto_reconnect=True) as reactor:
        await reactor.connect()
        yield reactor


# ------------------------------------------------------------------------------------------------------- decisions


def test_pauses_double_until_the_session_is_gone() -> None:
    backoff, now, pauses = Backoff(lost_at=100.0, jitter=lambda: 1.0), 100.0, []
    while (pause := backoff.next_pause(now)) is not None:
        pauses.append(pause)
        now += pause
    assert pauses[:7] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert 155.0 < now <= 160.0


def test_pauses_differ_by_up_to_a_half() -> None:
    assert Backoff(0.0, jitter=lambda: 0.0).next_pause(0.0) == 0.1
    assert 0.1 <= (Backoff(0.0).next_pause(0.0) or 0.0) <= 0.2


def test_the_server_may_ask_for_a_longer_pause_once() -> None:
    backoff = Backoff(0.0, jitter=lambda: 1.0)
    backoff.failed(retry_after=9.0)
    assert backoff.next_pause(0.0) == 9.0
    backoff.failed(retry_after=None)
    assert backoff.next_pause(9.0) == 0.4
    backoff.failed(retry_after=100.0)
    assert backoff.next_pause(10.0) is None


async def test_giving_up_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_reconnect, "RESUMABLE_S", 0.05)
    monkeypatch.setattr(auto_reconnect, "FIRST_PAUSE_S", 0.01)
    told: list[str] = []
    over = asyncio.Event()

    async def attempt() -> None:
        told.append("attempt")
        raise ServerError("no")

    def give_up() -> None:
        told.append("over")
        over.set()

    comeback = AutoReconnect(attempt, lambda: True, give_up)
    comeback.start()
    async with asyncio.timeout(5):
        await over.wait()
        await until(lambda: not comeback.active)
    assert told[0] == "attempt"
    assert told.count("over") == 1
    assert told[-1] == "over"


async def test_an_error_that_trying_again_does_not_help_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_reconnect, "FIRST_PAUSE_S", 0.001)
    errors = [NotFoundError("gone"), ServerError("busy"), ServerError("busy")]

    async def attempt() -> None:
        raise errors.pop()

    comeback = AutoReconnect(attempt, lambda: True, lambda: None)
    comeback.start()
    await until(lambda: not comeback.active)
    assert errors == []


async def test_stopping_ends_an_attempt_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_reconnect, "FIRST_PAUSE_S", 0.001)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def attempt() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    comeback = AutoReconnect(attempt, lambda: True, lambda: None)
    comeback.start()
    async with asyncio.timeout(5):
        await begun.wait()
        await comeback.stop()
    assert ended.is_set()
    assert not comeback.active


# ----------------------------------------------------------------------------------------------------- as a client


@network
async def test_a_lost_connection_comes_back_with_what_was_published(fake: FakeCoordinator, steady: Reactor) -> None:
    observer, session_id = Observer(steady), steady.get_session_id()
    async with asyncio.timeout(30):
        await steady.publish_track("camera", VideoStreamTrack())
        await fake.model.arrived.until_media("camera")
        await fake.drop()
        await observer.until_status("ready")
        arrived = fake.model.arrived.media["camera"]
        await fake.model.arrived.until_media("camera", arrived + 3)
        assert (await anext(steady.frames())).shape == (180, 320, 3)
    assert observer.of("status_changed") == ["disconnected", "connecting", "waiting", "ready"]
    assert [error.code for error in observer.of("error")] == ["GPU_CONNECTION_ERROR"]
    assert steady.get_session_id() == session_id
    assert await steady.send_command("echo", {"n": 1}) == {"type": "echo", "data": {"n": 1}}


@network
async def test_each_failed_attempt_is_told_once(fake: FakeCoordinator, steady: Reactor) -> None:
    observer = Observer(steady)
    fake.fail_next(FOUND, 503, {"message": "hiccup"}, times=2)
    await fake.drop()
    await observer.until_status("ready")
    assert [(error.code, error.recoverable) for error in observer.of("error")] == [
        ("GPU_CONNECTION_ERROR", True),
        ("RECONNECTION_FAILED", True),
        ("RECONNECTION_FAILED", True),
    ]
    assert observer.of("status_changed") == [
        *["disconnected", "connecting"] * 3,
        "waiting",
        "ready",
    ]


@network
async def test_it_comes_back_again_and_again(fake: FakeCoordinator, steady: Reactor) -> None:
    observer = Observer(steady)
    for times in (1, 2, 3):
        await fake.drop()
        await observer.until("error", times)
        await until(lambda: steady.get_status() == "ready")
    assert observer.of("status_changed") == ["disconnected", "connecting", "waiting", "ready"] * 3


@network
async def test_it_lands_on_the_worker_that_the_session_was_moved_to(fake: FakeCoordinator, steady: Reactor) -> None:
    observer, lost = Observer(steady), fake.model
    await fake.lose_worker()
    await observer.until("error")
    await until(lambda: fake.streams == 1)
    assert steady.get_status() == "waiting"
    fake.give_worker()
    await observer.until_status("ready")
    assert fake.model is not lost
    assert await steady.send_command("colour", {"red": 1, "green": 2, "blue": 3}) is None
    assert fake.model.colour == (1, 2, 3)
    assert fake.requested("PUT /sessions/{id}") == []
    assert fake.requested(f"PUT {CONNECTIONS}/{{cid}}/sdp_params") == []


@network
async def test_a_move_that_was_not_noticed_gives_a_new_connection_id(fake: FakeCoordinator, steady: Reactor) -> None:
    observer = Observer(steady)
    await fake.lose_worker()
    fake.give_worker()
    await observer.until_status("ready")
    assert len(fake.requested(f"PUT {CONNECTIONS}/{{cid}}/sdp_params")) == 1
    assert len(fake.requested(f"POST {CONNECTIONS}")) == 2


@network
async def test_an_id_of_the_worker_before_is_not_used_where_the_server_counts_moves(
    fake: FakeCoordinator,
) -> None:
    fake.change(extra={"placements": 1})
    async with Reactor("echo", API_KEY, fake.url, auto_reconnect=True) as reactor:
        await reactor.connect()
        observer = Observer(reactor)
        await fake.lose_worker()
        fake.session.extra["placements"] = 2
        assert fake.model.register() == 1002  # somebody else was faster, and has our id now
        fake.give_worker()
        await observer.until_status("ready")
        assert fake.requested(f"PUT {CONNECTIONS}/{{cid}}/sdp_params") == []
        assert fake.requested(f"POST {CONNECTIONS}/{{cid}}/sdp_params")[-1].path.endswith("/connections/1003/sdp_params")


@network
async def test_a_worker_that_does_not_know_the_session_yet_is_tried_again(fake: FakeCoordinator, steady: Reactor) -> None:
    observer = Observer(steady)
    fake.fail_next(f"PUT {CONNECTIONS}/{{cid}}/sdp_params", 400, {"message": "no session is running"})
    await fake.drop()
    await observer.until_status("ready")
    failed = observer.of("error")[1]
    assert (failed.code, failed.recoverable, failed.component) == ("RECONNECTION_FAILED", True, "gpu")
    assert "HTTP 400: no session is running" in failed.message


@network
@pytest.mark.parametrize("end", ["closed", "unknown"])
async def test_a_session_that_is_over_ends_it(fake: FakeCoordinator, steady: Reactor, end: str) -> None:
    observer = Observer(steady)
    if end == "closed":
        fake.session.state = "CLOSED"
    else:
        fake.fail_next(FOUND, 404, code="NOT_FOUND")
    await fake.drop()
    error = await observer.until("error", 2)
    assert (error.code, error.recoverable) == ("RECONNECTION_FAILED", False)
    assert len(fake.requested(FOUND)) == 2
    with pytest.raises(InvalidStateError, match=r"call reconnect\(\) first"):
        await steady.send_command("echo", {})


@network
async def test_giving_up_is_an_error_that_is_not_recoverable(
    fake: FakeCoordinator, steady: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_reconnect, "RESUMABLE_S", 0.3)
    observer = Observer(steady)
    fake.fail_next(FOUND, 503, {"message": "hiccup"}, times=50)
    await fake.drop()
    await until(lambda: observer.of("error") and observer.of("error")[-1].code == "RECONNECTION_GIVEN_UP")
    *attempts, error = observer.of("error")
    assert all(attempt.recoverable for attempt in attempts)
    assert (error.recoverable, steady.get_status()) == (False, "disconnected")
    assert error.message == "the connection did not come back within 60 s: HTTP 503: hiccup"


@network
async def test_disconnect_stops_it_and_ends_the_session(fake: FakeCoordinator, steady: Reactor) -> None:
    observer = Observer(steady)
    await fake.lose_worker()
    await observer.until_status("waiting")
    await steady.disconnect()
    assert (steady.get_status(), fake.session.state, steady.get_session_id()) == ("disconnected", "CLOSED", None)
    assert [error.code for error in observer.of("error")] == ["GPU_CONNECTION_ERROR"]


@network
async def test_a_disconnect_on_purpose_and_an_ended_session_are_left_alone(fake: FakeCoordinator, steady: Reactor) -> None:
    observer = Observer(steady)
    await steady.disconnect(recoverable=True)
    with pytest.raises(InvalidStateError, match=r"call reconnect\(\) first"):
        await steady.send_command("echo", {})
    await steady.reconnect()
    await fake.end_session("out of credits")
    await observer.until("error")
    with pytest.raises(InvalidStateError, match="out of credits"):
        await steady.send_command("echo", {})
    assert len(fake.requested(FOUND)) == 2


@network
async def test_calls_in_between_say_that_it_is_coming_back(
    fake: FakeCoordinator, steady: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_reconnect, "FIRST_PAUSE_S", 5.0)
    observer = Observer(steady)
    await fake.drop()
    await observer.until("error")
    with pytest.raises(InvalidStateError, match="about to reconnect"):
        await steady.send_command("echo", {})
    await steady.connect()
    assert (steady.get_status(), len(fake.sessions)) == ("ready", 2)


@network
async def test_without_it_nothing_comes_back_by_itself(fake: FakeCoordinator, connected: Reactor) -> None:
    observer = Observer(connected)
    await fake.drop()
    await observer.until("error")
    with pytest.raises(InvalidStateError, match=r"call reconnect\(\) first"):
        await connected.send_command("echo", {})
