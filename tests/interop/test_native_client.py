"""The published Python client 1.13, whose core is native and which speaks wire version v1, on our runtime.

One driver makes the whole visit; each test judges one step of it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.children import Child
from tests.interop.observations import FILE_DESCRIBED, Observations, is_near
from tests.interop.provisioning import Say
from tests.interop.servers import HERE, Server, our_runtime

# A first run builds the virtual environment inside its first test.
pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

VISIT_SECONDS = 100.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with our_runtime(tmp_path_factory.mktemp("runtime")) as serving:
        yield serving


@pytest.fixture(scope="module")
def observed(server: Server, native_client_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Observations:
    """Makes the whole visit once."""
    logs = tmp_path_factory.mktemp("client")
    argv = [native_client_python, HERE / "drivers" / "native_local.py", server.url]
    with Child(argv, cwd=logs, env={}, log=logs / "client", seconds=VISIT_SECONDS) as child:
        child.wait()
        return Observations.read(child.output().splitlines(), {"the client": child.log(), **server.logs()})


def test_the_client_is_ready_when_connect_returns(observed: Observations) -> None:
    connected = observed.of("connect")
    assert connected["status"] == "ReactorStatus.READY"
    # Its events come from a thread of its own: the last may be told when connect() has returned.
    assert connected["statuses"][:2] == ["connecting", "waiting"]
    assert set(connected["statuses"][2:]) <= {"ready"}
    assert connected["session_id"]


def test_a_command_is_answered_by_its_reply(observed: Observations, say: Say) -> None:
    command = observed.of("command")
    say(f"the published client 1.13 on our runtime: {command['seconds_each'] * 1e3:.2f} ms for a command and its answer")
    assert command["reply"] == {"type": "color_set", "data": {"red": 30, "green": 160, "blue": 60}}


@pytest.mark.parametrize(
    ("mistake", "reason"),
    [
        ("unknown", "unknown command 'bogus'"),
        ("type", "red: expected integer, got str"),
        ("range", "red: 256 > le(255)"),
        ("fraction", "red: expected integer, got float"),
        ("missing", "missing required argument 'green'"),
    ],
)
def test_a_refused_command_raises_with_its_code_and_reason(observed: Observations, mistake: str, reason: str) -> None:
    refused = observed.of("refusals")[mistake]
    assert refused["code"] == "invalid_command"
    assert reason in refused["text"]


def test_a_large_command_goes_in_fragments_up_to_a_mebibyte(observed: Observations) -> None:
    large = observed.of("large")
    assert large["taken"]["code"] == "invalid_command"
    assert "red: expected integer, got str" in large["taken"]["text"]
    assert large["above"]["kind"] == "MessageTooLargeError"


def test_the_picture_of_the_model_shows_what_the_command_did(observed: Observations) -> None:
    assert is_near(observed.of("picture")["upper"], (30, 160, 60))


def test_each_picture_carries_its_number_and_time(observed: Observations) -> None:
    picture = observed.of("picture")
    numbers, stamps = picture["numbers"], picture["stamps"]
    assert numbers == sorted(set(numbers))
    assert stamps == sorted(set(stamps))
    assert 0.5 < (stamps[-1] - stamps[0]) / 40_000 / (numbers[-1] - numbers[0]) < 2.0, "25 pictures a second"


def test_the_schema_is_given_on_request(observed: Observations) -> None:
    assert observed.of("schema") == {"openapi": "3.1.0", "title": "interop-echo"}


def test_an_uploaded_file_reaches_the_command_whole(observed: Observations) -> None:
    upload = observed.of("upload")
    assert upload["size"] == 11500
    assert upload["reply"] == FILE_DESCRIBED


def test_a_published_track_comes_back_in_the_picture(observed: Observations) -> None:
    published = observed.of("publish")
    assert is_near(published["lower"], (40, 60, 200)), published
    seen = published["reply"]["data"]
    assert seen["frames"] >= 1
    assert is_near((seen["red"], seen["green"], seen["blue"]), (40, 60, 200)), seen


def test_a_paused_track_is_silent_until_it_is_resumed(observed: Observations) -> None:
    pause = observed.of("pause")
    assert pause["frames_while_paused"] == 0
    assert is_near(pause["upper"], (170, 170, 40)), pause


def test_the_statistics_tell_of_the_connection(observed: Observations) -> None:
    stats = observed.of("stats")
    assert stats["inbound"] == 1
    assert stats["candidate"] == "host"


def test_a_clip_is_promised_under_the_id_of_its_request(observed: Observations) -> None:
    clip = observed.of("clip")
    assert (clip["kind"], clip["of_this_session"]) == ("snap", True)
    assert 0.0 < clip["seconds"] <= 0.5


def test_the_client_leaves_without_an_error_and_its_session_ends(observed: Observations, server: Server) -> None:
    left = observed.of("disconnect")
    assert left["errors"] == []
    server.wait_until_free()
