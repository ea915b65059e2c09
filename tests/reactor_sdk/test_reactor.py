"""Opening, closing and looking at a connection: members of the documented class, against a model on this machine."""

from __future__ import annotations

import asyncio
import inspect
import logging
from pathlib import Path
from typing import Any

import pytest
from aiortc import VideoStreamTrack
from aiortc.contrib.media import MediaRecorder, MediaRelay
from tests.reactor_sdk.conftest import MakeReactor
from tests.reactor_sdk.observer import Observer
from tests.reactor_sdk.waiting import until

from reactor_protocol.messages import ResumeTrack
from reactor_sdk import (
    BadRequestError,
    InvalidArgumentError,
    InvalidStateError,
    MissingApiKeyError,
    Reactor,
    ReactorError,
    ReactorState,
    ReactorStatus,
)
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

network = pytest.mark.network

TRACKS = [
    {"name": "camera", "kind": "video", "direction": "sendonly"},
    {"name": "microphone", "kind": "audio", "direction": "sendonly"},
    {"name": "main_video", "kind": "video", "direction": "recvonly"},
    {"name": "main_audio", "kind": "audio", "direction": "recvonly"},
]


# ---------------------------------------------------------------------------------------------------- constructor


def test_constructor_takes_the_documented_arguments() -> None:
    every = inspect.signature(Reactor).parameters
    parameters = {name: each for name, each in every.items() if each.kind is not inspect.Parameter.KEYWORD_ONLY}
    assert list(parameters) == ["model_name", "api_key", "api_url", "local", "model_tracks"]
    assert [name for name in every if name not in parameters] == [
        "jwt",
        "max_session_duration_seconds",
        "auto_reconnect",
        "view_only",
    ]
    defaults = {name: parameter.default for name, parameter in parameters.items() if name != "model_name"}
    assert defaults == {"api_key": None, "api_url": "https://api.reactor.inc", "local": False, "model_tracks": None}
    assert Reactor("helios", "rk_x", "http://127.0.0.1:1", True).get_status() == "disconnected"


def test_constructor_keeps_the_key_to_itself() -> None:
    assert repr(Reactor("helios", "rk_secret")) == "<Reactor 'helios' at https://api.reactor.inc disconnected>"


@network
async def test_typed_clients_extend_the_class(fake: FakeCoordinator) -> None:
    class EchoModel(Reactor):
        def __init__(self) -> None:
            super().__init__("echo", API_KEY, fake.url)

        async def set_prompt(self, prompt: str) -> dict[str, Any] | None:
            return await self.send_command("echo", {"prompt": prompt})

    async with EchoModel() as model:
        assert isinstance(model, EchoModel)
        assert isinstance(model, Reactor)
        assert await model.set_prompt("hi") == {"type": "echo", "data": {"prompt": "hi"}}


# -------------------------------------------------------------------------------------------------------- connect


@network
async def test_connect_returns_when_ready_and_tells_each_step(fake: FakeCoordinator, reactor: Reactor) -> None:
    observer = Observer(reactor)
    await reactor.connect()
    assert reactor.get_status() is ReactorStatus.READY
    assert [name for name, _ in observer.seen] == [
        "status_changed",
        "session_id_changed",
        "status_changed",
        "capabilities_received",
        "track_received",
        "track_received",
        "status_changed",
    ]
    assert observer.of("status_changed") == ["connecting", "waiting", "ready"]
    assert observer.of("session_id_changed") == [fake.session.session_id]
    assert [name for name, _ in observer.of("track_received")] == ["main_video", "main_audio"]
    await asyncio.wait_for(until(lambda: ResumeTrack("main_audio") in fake.model.arrived.messages), 5)
    assert ResumeTrack("main_video") in fake.model.arrived.messages


@network
async def test_connect_waits_for_as_long_as_the_queue_is(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(polls=4, streams=False)
    await reactor.connect()
    assert len(fake.requested("GET /sessions/{id}")) == 4


@network
async def test_connect_with_known_tracks_prepares_while_it_waits(fake: FakeCoordinator) -> None:
    fake.change(polls=3)
    reactor = Reactor("echo", API_KEY, fake.url, model_tracks=TRACKS)  # type: ignore[arg-type]
    await reactor.connect()
    assert (await reactor.send_command("echo", {"n": 1})) == {"type": "echo", "data": {"n": 1}}
    await reactor.disconnect()


@network
async def test_connect_with_other_tracks_than_the_model_has_uses_the_models(fake: FakeCoordinator) -> None:
    reactor = Reactor("echo", API_KEY, fake.url, model_tracks=[{"name": "depth", "kind": "video", "direction": "recvonly"}])
    await reactor.connect()
    assert set(reactor.get_remote_tracks()) == {"main_video", "main_audio"}
    await reactor.disconnect()


@network
async def test_connect_to_a_session_of_somebody_else_leaves_it_alive(fake: FakeCoordinator, make_reactor: MakeReactor) -> None:
    owner, guest = make_reactor(), make_reactor()
    await owner.connect()
    await guest.connect(session_id=owner.get_session_id())
    assert guest.get_session_id() == owner.get_session_id()
    await guest.disconnect()
    assert fake.session.state == "ACTIVE"
    assert await owner.send_command("echo", {}) == {"type": "echo", "data": {}}


@network
async def test_connect_over_a_connection_that_is_registered_already(fake: FakeCoordinator, make_reactor: MakeReactor) -> None:
    owner, guest = make_reactor(), make_reactor()
    await owner.connect()
    connection_id = fake.model.register()
    await guest.connect(session_id=owner.get_session_id(), connection_id=connection_id)
    assert len(fake.requested("POST /sessions/{id}/transport/webrtc/connections")) == 1
    assert guest.get_status() == "ready"


@network
async def test_connect_without_resuming_leaves_tracks_paused(fake: FakeCoordinator, reactor: Reactor) -> None:
    await reactor.connect(auto_resume_tracks=False)
    await reactor.send_command("silent", {})
    assert [message for message in fake.model.arrived.messages if isinstance(message, ResumeTrack)] == []
    await reactor.resume_track("main_video")
    async with asyncio.timeout(10):
        assert (await anext(reactor.frames())).shape == (180, 320, 3)


@network
async def test_connect_twice_is_refused(connected: Reactor) -> None:
    observer = Observer(connected)
    with pytest.raises(InvalidStateError, match="already connected or connecting"):
        await connected.connect()
    assert connected.get_status() == "ready"
    assert observer.seen == []


async def test_connect_while_connecting_is_refused(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(polls=10_000)
    first = asyncio.create_task(reactor.connect())
    await until(lambda: reactor.get_status() == "waiting")
    with pytest.raises(RuntimeError, match="already connected or connecting"):
        await reactor.connect()
    await reactor.disconnect()
    with pytest.raises(RuntimeError, match="disconnect"):
        await first


async def test_connect_without_a_key_is_refused() -> None:
    reactor = Reactor("echo", api_url="http://127.0.0.1:1")
    with pytest.raises(MissingApiKeyError, match="REACTOR_API_KEY") as caught:
        await reactor.connect()
    assert isinstance(caught.value, ValueError)
    assert reactor.get_state() == ReactorState(ReactorStatus.DISCONNECTED, None)


async def test_connect_locally_to_a_named_session_is_refused() -> None:
    with pytest.raises(ValueError, match="local"):
        await Reactor("echo", local=True).connect(session_id="s")


@pytest.mark.parametrize("connection_id", [1000, 10_000, True])
async def test_connect_with_an_impossible_connection_id_is_refused(connection_id: int) -> None:
    with pytest.raises(InvalidArgumentError, match="connection_id"):
        await Reactor("echo", API_KEY, "http://127.0.0.1:1").connect(connection_id=connection_id)


# ----------------------------------------------------------------------------------------------------- disconnect


@network
async def test_disconnect_ends_the_session_and_forgets_it(fake: FakeCoordinator, connected: Reactor) -> None:
    observer = Observer(connected)
    await connected.disconnect()
    assert fake.session.state == "CLOSED"
    assert connected.get_status() == "disconnected"
    assert (connected.get_session_id(), connected.get_capabilities(), connected.get_session_info()) == (None, None, None)
    assert connected.get_remote_tracks() == {}
    assert observer.seen == [
        ("status_changed", (ReactorStatus.DISCONNECTED,)),
        ("session_id_changed", (None,)),
        ("session_expiration_changed", (None,)),
    ]
    await connected.disconnect()
    assert len(observer.seen) == 3


@network
async def test_disconnect_recoverable_keeps_the_session(fake: FakeCoordinator, connected: Reactor) -> None:
    session_id = connected.get_session_id()
    await connected.disconnect(recoverable=True)
    assert (connected.get_status(), connected.get_session_id()) == ("disconnected", session_id)
    assert fake.session.state == "ACTIVE"
    assert fake.requested("DELETE /sessions/{id}") == []
    await connected.disconnect()
    assert fake.session.state == "CLOSED"


@network
async def test_disconnect_logs_a_session_that_cannot_be_ended(
    fake: FakeCoordinator, connected: Reactor, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fail_next("DELETE /sessions/{id}", 500, {"message": "no luck"})
    with caplog.at_level(logging.WARNING):
        await connected.disconnect()
    assert "no luck" in caplog.text
    assert connected.get_session_id() is None


async def test_disconnect_without_a_connection_does_nothing(reactor: Reactor) -> None:
    observer = Observer(reactor)
    await reactor.disconnect()
    await reactor.disconnect(recoverable=True)
    assert observer.seen == []


async def test_disconnect_ends_an_attempt_to_connect(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(polls=10_000)
    attempt = asyncio.create_task(reactor.connect())
    await until(lambda: reactor.get_status() == "waiting")
    await reactor.disconnect()
    with pytest.raises(RuntimeError, match=r"disconnect\(\) was called"):
        await attempt
    assert (reactor.get_status(), fake.session.state) == ("disconnected", "CLOSED")


async def test_disconnect_called_twice_while_connecting(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(polls=10_000)
    attempt = asyncio.create_task(reactor.connect())
    await until(lambda: reactor.get_status() == "waiting")
    await asyncio.gather(reactor.disconnect(), reactor.disconnect())
    with pytest.raises(RuntimeError):
        await attempt


async def test_a_cancelled_connect_cleans_up(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(polls=10_000)
    observer = Observer(reactor)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await reactor.connect()
    assert (reactor.get_status(), reactor.get_session_id(), fake.session.state) == ("disconnected", None, "CLOSED")
    assert observer.of("error") == []


# ------------------------------------------------------------------------------------------------- context manager


@network
async def test_async_with_does_not_connect_and_ends_the_session(fake: FakeCoordinator) -> None:
    async with Reactor("echo", API_KEY, fake.url) as reactor:
        assert reactor.get_status() == "disconnected"
        assert fake.requests == []
        await reactor.connect()
    assert fake.session.state == "CLOSED"


@network
async def test_async_with_opens_the_connection_with_the_first_call(fake: FakeCoordinator) -> None:
    async with Reactor("echo", API_KEY, fake.url) as reactor:
        first, second = await asyncio.gather(reactor.send_command("echo", {"n": 1}), reactor.send_command("echo", {"n": 2}))
        assert (first, second) == ({"type": "echo", "data": {"n": 1}}, {"type": "echo", "data": {"n": 2}})
        assert len(fake.sessions) == 1
        await reactor.disconnect()
        with pytest.raises(InvalidStateError, match="connect"):
            await reactor.send_command("echo", {})


@network
async def test_async_with_ends_the_session_after_a_lost_connection(fake: FakeCoordinator) -> None:
    async with Reactor("echo", API_KEY, fake.url) as reactor:
        observer = Observer(reactor)
        await reactor.connect()
        await fake.drop()
        await observer.until("error")
        with pytest.raises(InvalidStateError, match="reconnect"):
            await reactor.send_command("echo", {})
    assert fake.session.state == "CLOSED"


@network
async def test_async_with_lets_handlers_finish(fake: FakeCoordinator) -> None:
    done: list[str] = []
    async with Reactor("echo", API_KEY, fake.url) as reactor:

        @reactor.on_status(ReactorStatus.DISCONNECTED)
        async def finish(status: ReactorStatus) -> None:
            await asyncio.sleep(0.01)
            done.append(status)

        await reactor.connect()
    assert done == ["disconnected"]


# -------------------------------------------------------------------------------------------------------- getters


@network
async def test_get_status_follows_the_connection(connected: Reactor) -> None:
    assert connected.get_status() is ReactorStatus.READY
    await connected.disconnect()
    assert connected.get_status() is ReactorStatus.DISCONNECTED


async def test_get_state_holds_status_and_last_error(fake: FakeCoordinator, reactor: Reactor) -> None:
    assert reactor.get_state() == ReactorState(ReactorStatus.DISCONNECTED, None)
    fake.fail_next("POST /sessions", 402, {"message": "no credits"})
    with pytest.raises(RuntimeError):
        await reactor.connect()
    state = reactor.get_state()
    assert state.status is ReactorStatus.DISCONNECTED
    assert state.last_error is reactor.get_last_error()


@network
async def test_get_session_id(fake: FakeCoordinator, reactor: Reactor) -> None:
    assert reactor.get_session_id() is None
    await reactor.connect()
    assert reactor.get_session_id() == fake.session.session_id


async def test_get_last_error(fake: FakeCoordinator, reactor: Reactor) -> None:
    assert reactor.get_last_error() is None
    fake.fail_next("POST /sessions", 429, {"message": "no free GPU"}, retry_after=3)
    with pytest.raises(RuntimeError, match="429"):
        await reactor.connect()
    error = reactor.get_last_error()
    assert isinstance(error, ReactorError)
    assert (error.code, error.component, error.recoverable, error.retry_after) == ("CONNECTION_FAILED", "api", True, 3.0)
    assert str(error) == "[api:CONNECTION_FAILED] HTTP 429: no free GPU"


@network
async def test_get_capabilities(reactor: Reactor) -> None:
    assert reactor.get_capabilities() is None
    await reactor.connect()
    assert reactor.get_capabilities() == {
        "protocol_version": "v0",
        "tracks": TRACKS,
        "commands": [{"name": "echo", "description": "says it back"}],
        "emission_fps": 30.0,
        "extensions": {"acks": 1},
    }


@network
async def test_get_session_info(fake: FakeCoordinator, reactor: Reactor) -> None:
    assert reactor.get_session_info() is None
    fake.change(extra={"zone": "eu-1"})
    await reactor.connect()
    info = reactor.get_session_info()
    assert info is not None
    assert (info["session_id"], info["state"], info["zone"]) == (fake.session.session_id, "ACTIVE", "eu-1")
    assert info["server_info"] == {"server_version": "0.0.test"}


@network
async def test_get_remote_tracks_are_tracks_of_aiortc(connected: Reactor, tmp_path: Path) -> None:
    tracks = connected.get_remote_tracks()
    assert {name: track.kind for name, track in tracks.items()} == {"main_video": "video", "main_audio": "audio"}
    relay, path = MediaRelay(), tmp_path / "out.mp4"
    recorder = MediaRecorder(str(path))
    recorder.addTrack(relay.subscribe(tracks["main_video"]))
    recorder.addTrack(tracks["main_audio"])
    watched = relay.subscribe(tracks["main_video"], buffered=False)
    await recorder.start()
    async with asyncio.timeout(20):
        for _ in range(20):
            await watched.recv()
    await recorder.stop()
    assert path.stat().st_size > 1000


@network
async def test_get_stats(fake: FakeCoordinator, connected: Reactor) -> None:
    await connected.publish_track("camera", VideoStreamTrack())
    stream = connected.frames()
    async with asyncio.timeout(20):
        await fake.model.arrived.until_media("camera", 5)
        for _ in range(10):
            await anext(stream)
    stats = await connected.get_stats()
    assert (stats.frame_width, stats.frame_height) == (320, 180)
    assert stats.bitrate is not None
    assert stats.bitrate > 0
    assert stats.packet_loss_ratio == 0.0
    assert stats.candidate_type == "host"
    assert set(stats.tracks) == {"camera", "microphone", "main_video", "main_audio"}
    assert stats.tracks["camera"].width == 640


async def test_get_stats_before_connecting_is_refused(reactor: Reactor) -> None:
    with pytest.raises(InvalidStateError, match="get_stats"):
        await reactor.get_stats()


@network
async def test_get_connection_timings(reactor: Reactor) -> None:
    assert reactor.get_connection_timings() is None
    await reactor.connect()
    timings = reactor.get_connection_timings()
    assert timings is not None
    assert 0 < timings.session_creation_ms < timings.total_ms
    assert timings.total_ms == pytest.approx(timings.session_creation_ms + timings.transport_connecting_ms)


async def test_a_spectator_does_not_connect_to_a_server_that_would_take_it_for_another_client(fake: FakeCoordinator) -> None:
    async with Reactor("echo", API_KEY, fake.url, view_only=True) as spectator:
        with pytest.raises(BadRequestError, match="view_only: this server does not know connections that only watch"):
            await spectator.connect()
        assert fake.requested("POST /sessions/{id}/transport/webrtc/connections/{cid}/sdp_params") == []
