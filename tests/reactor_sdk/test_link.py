"""Connections that fail, are lost, come back and end."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from aiortc import VideoStreamTrack
from tests.reactor_sdk.observer import Observer
from tests.reactor_sdk.waiting import until

from reactor_protocol.messages import ResumeTrack
from reactor_sdk import (
    AuthenticationError,
    ConflictError,
    CreditsExhaustedError,
    DisconnectedError,
    InvalidStateError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    Reactor,
    ReactorException,
    RequestTimeoutError,
    SessionEndedError,
    TrackCapability,
    VersionMismatchError,
    dialer,
    holdings,
    preparation,
)
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

network = pytest.mark.network

CREATION, SIGNALLING = "POST /sessions", "/sessions/{id}/transport/webrtc"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (402, CreditsExhaustedError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (426, VersionMismatchError),
        (429, RateLimitedError),
        (501, VersionMismatchError),
    ],
)
async def test_a_refused_session_is_an_exception_and_an_event(
    fake: FakeCoordinator, reactor: Reactor, status: int, kind: type[ReactorException]
) -> None:
    observer = Observer(reactor)
    fake.fail_next(CREATION, status, {"message": "told so"}, retry_after=2)
    with pytest.raises(kind, match=f"HTTP {status}: told so") as caught:
        await reactor.connect()
    assert isinstance(caught.value, RuntimeError)
    assert (caught.value.status, reactor.get_status()) == (status, "disconnected")
    error = observer.of("error")[0]
    assert (error.code, error.component, error.message) == ("CONNECTION_FAILED", "api", f"HTTP {status}: told so")
    assert error.recoverable is (status == 429)
    assert error.timestamp == pytest.approx(time.time(), abs=10)
    assert observer.of("status_changed") == ["connecting", "disconnected"]


async def test_a_refused_key_is_told_without_the_key(fake: FakeCoordinator) -> None:
    reactor = Reactor("echo", "rk_wrong_secret", fake.url)
    with pytest.raises(AuthenticationError, match="HTTP 401") as caught:
        await reactor.connect()
    assert "rk_wrong_secret" not in str(caught.value) + str(reactor.get_last_error())


async def test_a_model_that_is_not_there(fake: FakeCoordinator) -> None:
    with pytest.raises(NotFoundError, match="no model 'nope'"):
        await Reactor("nope", API_KEY, fake.url).connect()


async def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    reactor = Reactor("echo", API_KEY, url)
    began = time.monotonic()
    with pytest.raises(NetworkError, match=url):
        await reactor.connect()
    assert time.monotonic() - began < 1.0
    await reactor.disconnect()


@network
@pytest.mark.parametrize("route", [f"POST {SIGNALLING}/connections", f"POST {SIGNALLING}/connections/{{cid}}/sdp_params"])
async def test_a_session_whose_connection_fails_is_ended(fake: FakeCoordinator, reactor: Reactor, route: str) -> None:
    fake.fail_next(route, 503, {"message": "no room"})
    with pytest.raises(ReactorException, match="no room"):
        await reactor.connect()
    assert (fake.session.state, reactor.get_session_id(), reactor.get_status()) == ("CLOSED", None, "disconnected")
    await reactor.connect()
    assert reactor.get_status() == "ready"


@network
async def test_ice_servers_that_are_not_known_yet_are_asked_for_again(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.fail_next(f"GET {SIGNALLING}/ice_servers", 404)
    await reactor.connect()
    assert len(fake.requested(f"GET {SIGNALLING}/ice_servers")) == 2


@network
async def test_ice_servers_are_asked_for_again_after_a_long_wait(fake: FakeCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_FRESH_S", 0.0)
    tracks: list[TrackCapability] = [{"name": "main_video", "kind": "video", "direction": "recvonly"}]
    fake.change(tracks=tuple(tracks))
    async with Reactor("echo", API_KEY, fake.url, model_tracks=tracks) as reactor:
        await reactor.connect()
        assert len(fake.requested(f"GET {SIGNALLING}/ice_servers")) == 2
        async with asyncio.timeout(10):
            assert (await anext(reactor.frames())).shape == (180, 320, 3)


@network
async def test_an_answer_without_a_connection_ends_in_time(
    fake: FakeCoordinator, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer, "READY_LIMIT_S", 0.2)
    elsewhere = FakeCoordinator()
    async with elsewhere:
        # The answer of another model's connection: a description that is fine, from somebody who does not take part.
        other = Reactor("echo", API_KEY, elsewhere.url)
        await other.connect()
        answer = elsewhere.model.answer(1002)
        assert answer is not None
        await other.disconnect()
        fake.fail_next(f"GET {SIGNALLING}/connections/{{cid}}/sdp_params", 200, {"sdp_answer": answer})
        with pytest.raises(ReactorException, match="no WebRTC connection within|description|failed"):
            await reactor.connect()
    assert (reactor.get_status(), fake.session.state) == ("disconnected", "CLOSED")


@network
async def test_a_lost_connection_keeps_the_session(fake: FakeCoordinator, reactor: Reactor) -> None:
    await reactor.connect()
    observer, session_id = Observer(reactor), reactor.get_session_id()
    video = reactor.get_remote_tracks()["main_video"]
    await fake.drop()
    error = await observer.until("error")
    assert (error.code, error.component, error.recoverable) == ("GPU_CONNECTION_ERROR", "gpu", True)
    assert (reactor.get_status(), reactor.get_session_id()) == ("disconnected", session_id)
    assert video.readyState == "ended"
    assert reactor.get_remote_tracks() == {}
    with pytest.raises(InvalidStateError, match=r"call reconnect\(\) first"):
        await reactor.send_command("echo", {})


@network
async def test_what_waits_for_an_answer_fails_with_the_connection(fake: FakeCoordinator, reactor: Reactor) -> None:
    await reactor.connect()
    fake.model.acks = False  # says that it answers, and does not
    waiting = asyncio.create_task(reactor.send_command("silent", {}))
    await until(lambda: fake.model.arrived.commands())
    await fake.drop()
    with pytest.raises(DisconnectedError):
        await waiting


@network
async def test_reconnect_brings_back_tracks_in_both_directions(fake: FakeCoordinator, reactor: Reactor) -> None:
    await reactor.connect()
    observer, session_id = Observer(reactor), reactor.get_session_id()
    before = reactor.get_remote_tracks()
    async with asyncio.timeout(30):
        await reactor.publish_track("camera", VideoStreamTrack())
        await fake.model.arrived.until_media("camera")
        await fake.drop()
        await observer.until("error")
        arrived = fake.model.arrived.media["camera"]
        await reactor.reconnect()
        assert (reactor.get_status(), reactor.get_session_id()) == ("ready", session_id)
        await fake.model.arrived.until_media("camera", arrived + 3)
        assert (await anext(reactor.frames())).shape == (180, 320, 3)
    after = reactor.get_remote_tracks()
    assert [name for name, _ in observer.of("track_received")] == ["main_video", "main_audio"]
    assert after["main_video"] is not before["main_video"]
    assert observer.of("session_id_changed") == []
    assert len(fake.requested("POST /tokens")) == 2
    assert await reactor.send_command("echo", {"n": 1}) == {"type": "echo", "data": {"n": 1}}


@network
async def test_reconnect_after_a_recoverable_disconnect(fake: FakeCoordinator, reactor: Reactor) -> None:
    await reactor.connect()
    session_id = reactor.get_session_id()
    async with asyncio.timeout(30):
        await anext(reactor.frames())
    await reactor.disconnect(recoverable=True)
    assert reactor._link.frames.newest("main_video") is None
    await reactor.reconnect()
    assert (reactor.get_status(), reactor.get_session_id(), len(fake.sessions)) == ("ready", session_id, 1)


@network
async def test_reconnect_takes_over_the_connection_that_the_server_still_believes_in(
    fake: FakeCoordinator, reactor: Reactor
) -> None:
    await reactor.connect()
    await reactor.disconnect(recoverable=True)
    await reactor.reconnect()
    assert len(fake.requested(f"PUT {SIGNALLING}/connections/{{cid}}/sdp_params")) == 1
    await reactor.disconnect(recoverable=True)
    fake.fail_next(f"PUT {SIGNALLING}/connections/{{cid}}/sdp_params", 404)
    await reactor.reconnect()
    assert len(fake.requested(f"POST {SIGNALLING}/connections")) == 2


@network
async def test_reconnect_publishes_when_a_held_track_is_free(
    fake: FakeCoordinator, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "_REPUBLISH_PAUSE_S", 0.02)
    await reactor.connect()
    async with asyncio.timeout(30):
        await reactor.publish_track("camera", VideoStreamTrack())
        await reactor.disconnect(recoverable=True)
        fake.model.taken.add("camera")
        await reactor.reconnect()
        assert reactor.get_status() == "ready"
        fake.model.arrived.media.clear()
        fake.model.taken.discard("camera")
        await fake.model.arrived.until_media("camera")


@network
async def test_reconnect_keeps_pauses(fake: FakeCoordinator, reactor: Reactor) -> None:
    await reactor.connect()
    await reactor.pause_track("main_video")
    await reactor.disconnect(recoverable=True)
    fake.model.arrived.messages.clear()
    await reactor.reconnect()
    await reactor.send_command("silent", {})
    resumed = [message for message in fake.model.arrived.messages if isinstance(message, ResumeTrack)]
    assert resumed == [ResumeTrack("main_audio")]


async def test_reconnect_without_a_session_is_refused(reactor: Reactor) -> None:
    with pytest.raises(InvalidStateError, match=r"call connect\(\) first"):
        await reactor.reconnect()


@network
async def test_reconnect_while_ready_is_refused(connected: Reactor) -> None:
    with pytest.raises(InvalidStateError, match="ready"):
        await connected.reconnect()
    assert connected.get_status() == "ready"


@network
async def test_reconnect_that_fails_keeps_the_session_id(fake: FakeCoordinator, connected: Reactor) -> None:
    observer, session_id = Observer(connected), connected.get_session_id()
    await connected.disconnect(recoverable=True)
    fake.fail_next("GET /sessions/{id}", 500, {"message": "hiccup"})
    with pytest.raises(ReactorException, match="hiccup"):
        await connected.reconnect()
    assert observer.of("error")[0].code == "RECONNECTION_FAILED"
    assert (connected.get_status(), connected.get_session_id()) == ("disconnected", session_id)
    await connected.reconnect()
    assert connected.get_status() == "ready"


@network
async def test_reconnect_to_a_session_that_is_over(fake: FakeCoordinator, connected: Reactor) -> None:
    await connected.disconnect(recoverable=True)
    fake.session.state = "CLOSED"
    with pytest.raises(SessionEndedError, match="CLOSED"):
        await connected.reconnect()
    fake.sessions.clear()
    with pytest.raises(NotFoundError, match="no session"):
        await connected.reconnect()


@network
async def test_a_session_that_the_server_ends_is_over(fake: FakeCoordinator, connected: Reactor) -> None:
    observer, stream = Observer(connected), connected.frames()
    await fake.end_session("out of credits")
    error = await observer.until("error")
    assert (error.code, error.recoverable) == ("SESSION_TERMINAL", False)
    assert "out of credits" in error.message
    assert observer.of("runtime_message") == [{"type": "sessionEnded", "data": {"reason": "out of credits"}}]
    assert observer.of("session_id_changed") == [None]
    assert (connected.get_status(), connected.get_session_id()) == ("disconnected", None)
    async with asyncio.timeout(10):
        assert len([frame async for frame in stream]) <= 1
    with pytest.raises(SessionEndedError, match="out of credits"):
        await connected.reconnect()
    await connected.disconnect()
    assert fake.requested("DELETE /sessions/{id}") == []
    await connected.connect()
    assert connected.get_status() == "ready"


@network
async def test_connect_after_a_lost_connection_ends_the_session_before(fake: FakeCoordinator, connected: Reactor) -> None:
    observer, first = Observer(connected), fake.session
    await fake.drop()
    await observer.until("error")
    await connected.connect()
    assert (first.state, fake.session.state, len(fake.sessions)) == ("CLOSED", "ACTIVE", 2)


@network
async def test_a_local_runtime(fake: FakeCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_LOCAL_URL", fake.url)
    async with Reactor("echo", local=True) as owner:
        await owner.connect()
        async with Reactor("echo", local=True) as guest:
            assert await guest.send_command("echo", {"n": 1}) == {"type": "echo", "data": {"n": 1}}
            assert guest.get_session_id() == owner.get_session_id()
        assert fake.session.state == "waiting"
        await owner.disconnect(recoverable=True)
        await owner.reconnect()
        assert owner.get_status() == "ready"
        reference = await owner.upload_file(b"123")
        assert fake.uploads[reference.upload_id] == b"123"
    assert fake.session.state == "ready"
    assert fake.requested("POST /tokens") == []
    assert all("Authorization" not in request.headers for request in fake.requests)


@network
async def test_a_local_runtime_that_was_restarted(fake: FakeCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_LOCAL_URL", fake.url)
    async with Reactor("echo", local=True) as reactor:
        await reactor.connect()
        await reactor.disconnect(recoverable=True)
        fake.sessions.clear()
        with pytest.raises(SessionEndedError, match="restarted"):
            await reactor.reconnect()


async def test_an_attempt_that_is_never_answered_times_out(
    fake: FakeCoordinator, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor_sdk.signalling.ANSWER_LIMIT_S", 0.05)
    fake.fail_next(f"GET {SIGNALLING}/connections/{{cid}}/sdp_params", 202, "", times=100)
    with pytest.raises(RequestTimeoutError, match="offer was not answered"):
        await reactor.connect()
    assert fake.session.state == "CLOSED"
