"""The published Python client 1.13, whose core is native and which speaks wire version v1, on our coordinator.

One driver makes the whole visit: the exchange of the key for a token with ``authorization_details``, the session and the wait for
its worker, signalling over several connections, frames, an awaited command, an upload, joining a session by its id, reconnecting,
and ending the session. ``test_native_client`` makes the longer visit to a runtime without a coordinator.
"""

from pathlib import Path

import pytest
from tests.interop.children import Child
from tests.interop.coordinator import Hosted
from tests.interop.observations import Observations
from tests.interop.provisioning import Say
from tests.interop.servers import HERE

# A first run builds the virtual environment inside its first test.
pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(300),
    pytest.mark.against("client", "reactor-sdk", "1.13.0", "on our coordinator: tokens, joining, reconnecting, the end"),
]

VISIT_SECONDS = 100.0


@pytest.fixture(scope="module")
def observed(coordinator: Hosted, native_client_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Observations:
    """Makes the whole visit once."""
    logs = tmp_path_factory.mktemp("client")
    coordinator.wait_until_free()
    argv = [native_client_python, HERE / "drivers" / "native_client.py", coordinator.url]
    with Child(argv, cwd=logs, env={"INTEROP_API_KEY": coordinator.key}, log=logs / "client", seconds=VISIT_SECONDS) as child:
        child.wait()
        return Observations.read(child.output().splitlines(), {"the client": child.log(), **coordinator.logs()})


def test_the_client_is_ready(observed: Observations, say: Say) -> None:
    connected = observed.of("connect")
    say(f"the published client 1.13 on our coordinator: ready {connected['ready_after']:.2f} s after connect() was called")
    assert connected["statuses"] == ["connecting", "waiting", "ready"]
    assert connected["session_id"]
    assert connected["protocol"] == "v0"
    assert connected["tracks"] == [
        {"name": "camera", "kind": "video", "direction": "sendonly"},
        {"name": "main_video", "kind": "video", "direction": "recvonly"},
    ]


def test_the_token_bounds_the_length_of_the_session(observed: Observations, coordinator: Hosted) -> None:
    session = coordinator.session(observed.of("connect")["session_id"])
    assert 299 <= session["expires_at"] - session["created_at"] <= 310


def test_a_file_is_uploaded(observed: Observations) -> None:
    assert observed.of("upload") == {"name": "note.txt", "mime_type": "text/plain", "size": 11500}


def test_a_second_client_joins_by_the_id_of_the_session_and_leaves_it_running(observed: Observations) -> None:
    assert observed.of("adopt") == {"status": "ready", "same_session": True}
    assert observed.of("reconnect")["session_id"] == observed.of("connect")["session_id"]


def test_a_token_that_is_bound_to_a_session_makes_none_of_its_own(observed: Observations) -> None:
    refused = observed.of("bound_token")
    assert (refused["raised"], refused["status"]) == ("NotFoundError", 404)
    assert "the token does not grant the model 'interop-echo'" in refused["text"]


def test_the_client_comes_back_to_its_session(observed: Observations) -> None:
    reconnect = observed.of("reconnect")
    assert (reconnect["statuses"][0], reconnect["statuses"][-1]) == ("disconnected", "ready")
    assert reconnect["session_id"] == observed.of("connect")["session_id"]


def test_leaving_ends_the_session(observed: Observations, coordinator: Hosted) -> None:
    left = observed.of("disconnect")
    assert left == {"status": "disconnected", "session_id": None, "errors": []}
    assert coordinator.session(observed.of("connect")["session_id"])["reason"] == "ended by its client"
    coordinator.wait_until_free()


def test_frames_arrive(observed: Observations) -> None:
    assert observed.of("wire")["frames_arrive"]


def test_a_command_is_answered(observed: Observations) -> None:
    wire = observed.of("wire")
    assert wire["command_answered"]
    assert wire["reply"] == {"type": "color_set", "data": {"red": 30, "green": 160, "blue": 60}}
