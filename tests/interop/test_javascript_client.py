"""The published JavaScript client, of the generation before multi-connection, in a browser on our runtime and our coordinator.

One page makes the whole visit; each test judges one step of it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.browser import bundle_site, serve_site, visit
from tests.interop.coordinator import MODEL_NAME, Hosted
from tests.interop.observations import FILE_DESCRIBED, Observations, is_near
from tests.interop.provisioning import Say, command
from tests.interop.servers import Server, our_runtime

# A first run fetches the browser and the packages inside its first test.
pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

SCOPE = {"type": "session", "resources": {"models": {"match": [MODEL_NAME]}}, "constraints": {"max_sessions": 1}}


@pytest.fixture(scope="module")
def site(say: Say) -> Path:
    return bundle_site(say)


@pytest.fixture(scope="module", params=["runtime", "coordinator"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server | Hosted]:
    if request.param == "coordinator":
        yield request.getfixturevalue("coordinator")
        return
    with our_runtime(tmp_path_factory.mktemp("runtime")) as server:
        yield server


@pytest.fixture(scope="module")
def observed(site: Path, server: Server | Hosted, say: Say) -> Observations:
    """Makes the whole visit once; a coordinator's token is what the page's own server would have handed to it."""
    chromium = command("chromium", ["chromium"], say)
    server.wait_until_free()
    token = server.token(authorization_details=[SCOPE]) if isinstance(server, Hosted) else None
    with serve_site(site) as page_url:
        visited = visit(chromium, page_url, server.url, token)
    return Observations.read(visited.console, {"the page": visited.log(), **server.logs()})


def test_the_page_connects_across_origins(observed: Observations) -> None:
    connected = observed.of("connect")
    assert connected["statuses"] == ["connecting", "waiting", "ready"]
    assert connected["sessionId"]
    assert connected["tracks"] == [
        {"name": "camera", "kind": "video", "direction": "sendonly"},
        {"name": "main_video", "kind": "video", "direction": "recvonly"},
    ]


def test_the_video_plays(observed: Observations) -> None:
    video = observed.of("video")
    assert video["track"] == "main_video"
    assert video["size"] == [320, 240]
    assert video["paused"] is False
    assert video["seconds"] > 0
    assert is_near(video["upper"], (200, 40, 40)), video


def test_a_command_is_answered_by_a_message_event(observed: Observations) -> None:
    assert observed.of("command")["message"] == {"type": "color_set", "data": {"red": 30, "green": 160, "blue": 60}}


def test_a_command_changes_the_picture(observed: Observations) -> None:
    assert is_near(observed.of("command")["upper"], (30, 160, 60))


def test_an_uploaded_file_reaches_the_command_whole(observed: Observations) -> None:
    upload = observed.of("upload")
    assert upload["reference"] == {"name": "note.txt", "mimeType": "text/plain", "size": 11500}
    assert upload["message"] == FILE_DESCRIBED


def test_a_published_track_comes_back_in_the_picture(observed: Observations) -> None:
    camera = observed.of("camera")
    assert is_near(camera["lower"], (40, 60, 200)), camera
    assert camera["message"]["type"] == "camera_described"
    assert camera["message"]["data"]["frames"] >= 1


def test_a_page_that_left_recoverably_comes_back_to_its_session(observed: Observations) -> None:
    reconnect = observed.of("reconnect")
    assert reconnect["away"] == ["disconnected"]
    assert (reconnect["back"][0], reconnect["back"][-1]) == ("connecting", "ready")
    assert reconnect["sessionId"] == observed.of("connect")["sessionId"]
    assert is_near(reconnect["kept"], (30, 160, 60)), reconnect
    assert reconnect["message"] == {"type": "color_set", "data": {"red": 150, "green": 40, "blue": 150}}
    assert is_near(reconnect["upper"], (150, 40, 150)), reconnect


def test_the_page_leaves_without_an_error(observed: Observations) -> None:
    left = observed.of("disconnect")
    assert left["statuses"] == ["disconnected"]
    assert left["errors"] == []
    assert left["sessionId"] is None


def test_the_session_ends_with_the_page_that_made_it(observed: Observations, server: Server | Hosted) -> None:
    assert observed.of("disconnect")["statuses"] == ["disconnected"]
    server.wait_until_free()
