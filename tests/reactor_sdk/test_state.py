from __future__ import annotations

import pytest

from reactor_protocol.lifecycles import ClientEvent, ReactorStatus
from reactor_protocol.resources import Session
from reactor_sdk import (
    InvalidStateError,
    NetworkError,
    QueueStatus,
    RateLimitedError,
    TransportError,
    UnknownTrackError,
    WrongDirectionError,
)
from reactor_sdk.events import EVENTS, Events
from reactor_sdk.state import ClientState, failure
from reactor_sdk.types import ReactorEvent

SESSION = Session.model_validate(
    {
        "session_id": "s1",
        "state": "ACTIVE",
        "zone": "eu",
        "expires_at": 1234.5,
        "capabilities": {
            "protocol_version": "v0",
            "tracks": [
                {"name": "camera", "kind": "video", "direction": "sendonly"},
                {"name": "main_video", "kind": "video", "direction": "recvonly"},
            ],
            "emission_fps": 24,
            "extensions": {"acks": 1},
        },
    }
)


@pytest.fixture
def heard() -> list[tuple[str, object]]:
    return []


@pytest.fixture
def state(heard: list[tuple[str, object]]) -> ClientState:
    events = Events()

    def listen(event: ReactorEvent) -> None:
        events.on(event, lambda payload: heard.append((event, payload)))

    for event in EVENTS:
        listen(event)  # type: ignore[arg-type]
    return ClientState(events)


def test_a_move_is_told_after_it_is_made(state: ClientState, heard: list[tuple[str, object]]) -> None:
    state.move(ClientEvent.CONNECT)
    assert state.status == "connecting"
    assert heard == [("status_changed", ReactorStatus.CONNECTING)]


def test_a_move_that_is_not_legal_is_refused(state: ClientState, heard: list[tuple[str, object]]) -> None:
    with pytest.raises(InvalidStateError, match="disconnected"):
        state.move(ClientEvent.TRANSPORT_READY)
    assert (state.status, heard) == ("disconnected", [])


def test_a_failure_is_told_before_the_move_that_it_causes(state: ClientState, heard: list[tuple[str, object]]) -> None:
    state.move(ClientEvent.CONNECT)
    error = failure("CONNECTION_FAILED", NetworkError("nobody"))
    state.move(ClientEvent.DROPPED, error)
    assert state.last_error is error
    assert heard[1:] == [("error", error), ("status_changed", ReactorStatus.DISCONNECTED)]


def test_a_session_is_told_when_it_begins_and_ends(state: ClientState, heard: list[tuple[str, object]]) -> None:
    state.begin(SESSION)
    state.begin(SESSION)
    state.clear()
    state.clear()
    assert heard == [("session_id_changed", "s1"), ("session_id_changed", None), ("session_expiration_changed", None)]
    assert (state.session_id, state.session_info(), state.capabilities(), state.tracks()) == (None, None, None, [])


def test_what_the_server_described_is_given_as_it_came(state: ClientState, heard: list[tuple[str, object]]) -> None:
    state.begin(SESSION)
    state.describe(SESSION)
    assert state.session_info() == SESSION.model_dump(exclude_unset=True)
    assert state.capabilities() == {
        "protocol_version": "v0",
        "tracks": [
            {"name": "camera", "kind": "video", "direction": "sendonly"},
            {"name": "main_video", "kind": "video", "direction": "recvonly"},
        ],
        "emission_fps": 24,
        "extensions": {"acks": 1},
    }
    assert ("session_expiration_changed", 1234.5) in heard
    assert heard[-1] == ("capabilities_received", state.capabilities())
    assert state.acknowledges


def test_tracks_are_found_by_name_and_direction(state: ClientState) -> None:
    state.begin(SESSION)
    assert state.track("camera", "sendonly").kind == "video"
    with pytest.raises(UnknownTrackError, match="'webcam'.*camera.*main_video"):
        state.track("webcam", "sendonly")
    with pytest.raises(WrongDirectionError, match="comes from the model"):
        state.track("main_video", "sendonly")
    with pytest.raises(WrongDirectionError, match="goes to the model"):
        state.track("camera", "recvonly")


def test_acknowledgements_need_the_extension(state: ClientState) -> None:
    assert not state.acknowledges
    state.begin(Session.model_validate({"session_id": "s", "state": "x", "capabilities": {"tracks": []}}))
    assert not state.acknowledges


def test_errors_of_the_connection_are_the_gpus() -> None:
    lost, limited = failure("X", TransportError("lost")), failure("X", RateLimitedError("slow", status=429, retry_after=3.0))
    assert (lost.component, lost.recoverable) == ("gpu", True)
    assert (limited.component, limited.recoverable, limited.retry_after) == ("api", True, 3.0)
    assert lost.timestamp == pytest.approx(limited.timestamp, abs=1)
    assert lost.timestamp > 1.6e9
    assert str(lost) == "[gpu:X] lost"


def test_the_place_in_the_queue_is_told_when_it_changes(state: ClientState, heard: list[tuple[str, object]]) -> None:
    queued = Session.model_validate({"session_id": "s1", "state": "WAITING", "queue": {"position": 2, "waiting": 3}})
    state.move(ClientEvent.CONNECT)
    state.begin(queued)
    state.move(ClientEvent.SESSION_CREATED)
    state.observe(queued)
    assert state.queue == QueueStatus(position=2, waiting=3, estimated_wait_s=None)
    state.move(ClientEvent.DROPPED)
    assert [payload for event, payload in heard if event == "queue_changed"] == [QueueStatus(2, 3), None]
    assert state.queue is None


def test_a_session_that_has_lost_its_worker_keeps_its_tracks(state: ClientState, heard: list[tuple[str, object]]) -> None:
    state.describe(SESSION)
    state.observe(Session(session_id="s1", state="INACTIVE"))
    assert state.session_info() == {"session_id": "s1", "state": "INACTIVE"}
    assert state.track("main_video", "recvonly").kind == "video"
    state.begin(Session(session_id="s2", state="WAITING"))
    assert state.tracks() == []
