"""A Python client of one side on a server of the other: the published client on our runtime and on our coordinator, ours on
the published runtime and, for comparison, on our coordinator.

One driver makes the whole visit; each test judges one step of it. `INTEROP_CONTROL=1` adds the published pair, which
tells a fault of the harness from a fault of ours.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.interop.children import Child
from tests.interop.coordinator import Hosted
from tests.interop.observations import FILE_DESCRIBED, Observations, is_near
from tests.interop.provisioning import Say
from tests.interop.servers import HERE, Server, our_runtime, published_runtime

# A first run builds the virtual environments inside its first test.
pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

VISIT_SECONDS = 100.0
FIRST_FRAME_SECONDS = 10.0
ZERO_SESSION = "00000000-0000-0000-0000-000000000000"

OUR_RUNTIME, PUBLISHED_RUNTIME, OUR_COORDINATOR = "our-runtime", "published-runtime", "our-coordinator"


@dataclass(frozen=True)
class Pairing:
    client: str
    server: str
    status_at_return: str
    zero_session: bool
    number: type[int] | type[float]
    acknowledges: bool = False

    def __str__(self) -> str:
        return f"{self.client}-client-on-{self.server}"


# Only our client has the status ready when connect() returns. Only the published runtime gives every session the zero
# id, and turns an int into a float. Only our two sides together acknowledge commands.
PAIRINGS = [
    Pairing("published", OUR_RUNTIME, "waiting", zero_session=False, number=int),
    Pairing("our", PUBLISHED_RUNTIME, "ready", zero_session=True, number=float),
    Pairing("published", OUR_COORDINATOR, "waiting", zero_session=False, number=int),
    Pairing("our", OUR_COORDINATOR, "ready", zero_session=False, number=int, acknowledges=True),
]
CONTROL = Pairing("published", PUBLISHED_RUNTIME, "waiting", zero_session=True, number=float)
if os.environ.get("INTEROP_CONTROL"):
    PAIRINGS.append(CONTROL)


@pytest.fixture(scope="module", params=PAIRINGS, ids=str)
def pairing(request: pytest.FixtureRequest) -> Pairing:
    assert isinstance(request.param, Pairing)
    return request.param


@pytest.fixture(scope="module")
def server(
    pairing: Pairing, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server | Hosted]:
    logs = tmp_path_factory.mktemp("runtime")
    serving: AbstractContextManager[Server | Hosted]
    if pairing.server == OUR_COORDINATOR:
        serving = nullcontext(request.getfixturevalue("coordinator"))
    elif pairing.server == OUR_RUNTIME:
        serving = our_runtime(logs)
    else:
        serving = published_runtime(request.getfixturevalue("published_runtime_python"), logs)
    with serving as server:
        yield server


@pytest.fixture(scope="module")
def observed(
    pairing: Pairing, server: Server | Hosted, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Observations:
    """Makes the whole visit once."""
    server.wait_until_free()
    logs = tmp_path_factory.mktemp("client")
    python: Path = Path(sys.executable)
    if pairing.client == "published":
        python = request.getfixturevalue("published_client_python")
    argv = [python, HERE / "drivers" / "python_client.py", server.url]
    env = {"INTEROP_API_KEY": server.key} if isinstance(server, Hosted) else {"REACTOR_LOCAL_URL": server.url}
    with Child(argv, cwd=logs, env=env, log=logs / "client", seconds=VISIT_SECONDS) as child:
        child.wait()
        return Observations.read(child.output().splitlines(), {"the client": child.log(), **server.logs()})


def test_the_client_connects(observed: Observations, pairing: Pairing) -> None:
    connected = observed.of("connect")
    assert connected["statuses"] == ["connecting", "waiting", "ready"]
    assert connected["tracks"] == [
        {"name": "camera", "kind": "video", "direction": "sendonly"},
        {"name": "main_video", "kind": "video", "direction": "recvonly"},
    ]
    assert (connected["session_id"] == ZERO_SESSION) is pairing.zero_session


def test_connect_returns_in_the_status_that_the_client_promises(observed: Observations, pairing: Pairing) -> None:
    assert observed.of("connect")["status_at_return"] == pairing.status_at_return


def test_the_picture_of_the_model_arrives(observed: Observations) -> None:
    frames = observed.of("frames")
    assert frames["shape"] == [240, 320, 3]
    assert frames["dtype"] == "uint8"
    assert frames["remote_tracks"] == ["main_video"]
    assert is_near(frames["upper"], (200, 40, 40)), frames


def test_the_first_frame_does_not_keep_anybody_waiting(observed: Observations, pairing: Pairing, say: Say) -> None:
    seconds = observed.of("frames")["first_after"]
    say(f"{pairing}: first frame {seconds:.2f} s after connect() was called")
    assert seconds < FIRST_FRAME_SECONDS


def test_a_command_is_answered_by_a_message_event(observed: Observations, pairing: Pairing) -> None:
    command = observed.of("command")
    assert command["message"] == {"type": "color_set", "data": {"red": 30, "green": 160, "blue": 60}}
    assert command["returned"] == (command["message"] if pairing.acknowledges else None)


def test_a_number_arrives_as_the_runtime_delivers_it(observed: Observations, pairing: Pairing) -> None:
    assert type(observed.of("command")["message"]["data"]["red"]) is pairing.number


def test_a_command_changes_the_picture(observed: Observations) -> None:
    assert is_near(observed.of("command")["upper"], (30, 160, 60))


def test_an_unknown_command_is_refused_where_that_can_be_told_and_passed_over_else(
    observed: Observations, pairing: Pairing
) -> None:
    command = observed.of("command")
    assert command["unknown_returned"] is None
    assert command["unknown_refused_with"] == ("invalid_command" if pairing.acknowledges else None)


def test_an_uploaded_file_reaches_the_command_whole(observed: Observations) -> None:
    upload = observed.of("upload")
    assert upload["reference"] == {"name": "note.txt", "mime_type": "text/plain", "size": 11500}
    assert upload["message"] == FILE_DESCRIBED


def test_a_published_track_comes_back_in_the_picture(observed: Observations) -> None:
    camera = observed.of("camera")
    assert is_near(camera["lower"], (40, 60, 200)), camera
    seen = camera["message"]["data"]
    assert camera["message"]["type"] == "camera_described"
    assert seen["frames"] >= 1
    assert is_near((seen["red"], seen["green"], seen["blue"]), (40, 60, 200)), seen


def test_a_paused_track_is_silent_until_it_is_resumed(observed: Observations) -> None:
    pause = observed.of("pause")
    assert pause["message"] == {"type": "color_set", "data": {"red": 170, "green": 170, "blue": 40}}
    assert pause["frames_while_paused"] == 0
    assert is_near(pause["upper"], (170, 170, 40)), pause


def test_a_client_that_left_recoverably_comes_back_to_its_session(observed: Observations) -> None:
    reconnect = observed.of("reconnect")
    assert reconnect["away"] == ["disconnected"]
    assert (reconnect["back"][0], reconnect["back"][-1]) == ("connecting", "ready")
    assert reconnect["session_id"] == observed.of("connect")["session_id"]
    assert is_near(reconnect["kept"], (170, 170, 40)), reconnect
    assert reconnect["message"] == {"type": "color_set", "data": {"red": 150, "green": 40, "blue": 150}}
    assert is_near(reconnect["upper"], (150, 40, 150)), reconnect


def test_the_client_leaves_without_an_error(observed: Observations) -> None:
    left = observed.of("disconnect")
    assert left["statuses"] == ["disconnected"]
    assert left["errors"] == []
    assert left["session_id"] is None


def test_the_session_ends_with_the_client_that_made_it(observed: Observations, server: Server | Hosted) -> None:
    assert observed.of("disconnect")["status"] == "disconnected"
    server.wait_until_free()
