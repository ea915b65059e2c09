"""WebRTC stacks that others wrote, with their own defaults, as clients of our runtime: frames, commands, and 200 KB both ways.

Each has a small program in ``stacks``, which signals over HTTP as the reference says (runtime, 4) and tells what it saw.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from tests.interop.children import Child
from tests.interop.provisioning import Say, alone, apt_packages, cache_folder, command, run
from tests.interop.servers import HERE, Server, our_runtime

# A first run installs the stacks inside its first test.
pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

STACKS = HERE / "stacks"
LIFE_SECONDS = 60.0
GSTREAMER = (
    "gir1.2-gst-plugins-bad-1.0",
    "gir1.2-gstreamer-1.0",
    "gstreamer1.0-nice",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-good",
    "python3-gi",
)
SYSTEM_PYTHON = Path("/usr/bin/python3")
TOO_LARGE = "made is 200160 bytes, above the limit of 65536 that this connection has: send less, or in parts"

Seen = dict[str, Any]
Ran = Callable[[str, str, str, str], None]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with our_runtime(tmp_path_factory.mktemp("stacks"), HERE / "models" / "stage") as server:
        yield server


@pytest.fixture(scope="module")
def node_packages(say: Say) -> tuple[str, Path, dict[str, str]]:
    """The interpreter, the folder of the clients with their packages, and the packages' versions."""
    npm, node = command("npm", ["nodejs", "npm"], say), command("node", ["nodejs"], say)
    folder = cache_folder("interop-stacks")
    wanted = (STACKS / "package.json").read_text()
    complete = folder / "complete.json"
    with alone("interop-stacks"):
        if not (complete.is_file() and complete.read_text() == wanted):
            say("fetching werift and node-datachannel")
            shutil.copy(STACKS / "package.json", folder)
            run([npm, "install", "--no-audit", "--no-fund"], cwd=folder)
            complete.write_text(wanted)
        for client in STACKS.glob("*.mjs"):
            shutil.copy(client, folder)
    return node, folder, json.loads(wanted)["dependencies"]


@pytest.fixture(scope="module")
def gstreamer(say: Say) -> Path:
    """An interpreter that has GStreamer's bindings and webrtcbin."""
    question = """import sys, gi
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstWebRTC
Gst.init(None)
sys.exit(not all(map(Gst.ElementFactory.find, ("webrtcbin", "nicesrc", "vp8dec"))))"""

    def is_there() -> bool:
        asked = [str(SYSTEM_PYTHON), "-c", question]
        return SYSTEM_PYTHON.exists() and subprocess.run(asked, capture_output=True, check=False).returncode == 0

    apt_packages("GStreamer", GSTREAMER, is_there, say)
    return SYSTEM_PYTHON


def visit(server: Server, argv: list[object], folder: Path) -> Seen:
    """What a client has seen of a session of its own."""
    server.wait_until_free()
    name = Path(str(argv[1])).stem
    with Child([*argv[:2], server.url, *argv[2:]], cwd=folder, env={}, log=folder / name, seconds=LIFE_SECONDS) as child:
        assert child.wait() == 0, f"{child.log()}\n{server.child.log()}"
        seen: Seen = json.loads(child.output().splitlines()[-1])
    return seen


def answers(seen: Seen) -> dict[str, Any]:
    """The answers to commands, by id; how many bytes an answer was, where it is large."""
    told: dict[str, Any] = {}
    for message in seen["messages"]:
        if "bytes" in message:
            told["large down"] = message["bytes"]
        elif message["data"]["type"] == "commandResult":
            told[message["data"]["data"]["request_id"]] = message["data"]["data"]
    return told


def errors(seen: Seen) -> list[str]:
    return [said["data"]["data"]["code"] for said in seen["messages"] if said.get("data", {}).get("type") == "error"]


def check_commands(seen: Seen, *, large_down: bool, up: int = 200_000) -> None:
    """Commands are answered whatever their size; an answer that does not fit is an error that names size and limit."""
    told = answers(seen)
    assert told["small"]["reply"] == {"type": "measured", "data": {"length": 5}}
    assert told["large up"]["reply"] == {"type": "measured", "data": {"length": up}}
    if large_down:
        assert told["large down"] > 200_000
    else:
        assert told["large down"]["error"] == {"code": "message_too_large", "message": TOO_LARGE}


def test_gstreamer_with_its_defaults_shows_frames_and_is_answered(
    runtime: Server, gstreamer: Path, tmp_path: Path, ran_against: Ran
) -> None:
    seen = visit(runtime, [gstreamer, STACKS / "gstreamer_client.py", "VP8"], tmp_path)
    ran_against(
        "stack", "GStreamer webrtcbin", seen["version"], "two tracks without BUNDLE, commands, an answer of 200 KB refused"
    )
    assert "a=group:BUNDLE" not in seen["offer"]
    assert min(seen["frames"][size] for size in ("320x240", "160x120")) >= 5
    check_commands(seen, large_down=False, up=60_000)


def test_gstreamer_that_reads_fragments_gets_large_messages(
    runtime: Server, gstreamer: Path, tmp_path: Path, ran_against: Ran
) -> None:
    seen = visit(runtime, [gstreamer, STACKS / "gstreamer_client.py", "VP8", "fragments"], tmp_path)
    ran_against("stack", "GStreamer webrtcbin", seen["version"], "200 KB both ways in fragments")
    check_commands(seen, large_down=True)


def test_gstreamer_with_h264_alone_has_its_commands_and_is_told_why_it_sees_nothing(
    runtime: Server, gstreamer: Path, tmp_path: Path, ran_against: Ran
) -> None:
    seen = visit(runtime, [gstreamer, STACKS / "gstreamer_client.py", "H264"], tmp_path)
    ran_against("stack", "GStreamer webrtcbin", seen["version"], "H.264 alone: no frames, the reason, commands")
    assert seen["frames"] == {}
    assert seen["answer"].count("m=video 0 ") == 2
    assert errors(seen)[:2] == ["NO_COMMON_CODEC", "NO_COMMON_CODEC"]
    check_commands(seen, large_down=False, up=60_000)


@pytest.mark.parametrize(
    ("package", "client", "large_down"),
    [("werift", "werift_client.mjs", False), ("node-datachannel", "node_datachannel_client.mjs", True)],
)
def test_a_stack_of_node_shows_frames_and_is_answered(
    runtime: Server,
    node_packages: tuple[str, Path, dict[str, str]],
    tmp_path: Path,
    ran_against: Ran,
    package: str,
    client: str,
    large_down: bool,
) -> None:
    node, folder, versions = node_packages
    seen = visit(runtime, [node, folder / client, versions[package]], tmp_path)
    ran_against(
        "stack", package, versions[package], f"two tracks, commands, 200 KB {'both ways' if large_down else 'up, refused down'}"
    )
    assert min(seen["frames"][name] for name in ("main_video", "side_video")) >= 5
    check_commands(seen, large_down=large_down)


@pytest.mark.against("stack", "aiortc", version("aiortc"), "two tracks of a kind, commands, 200 KB both ways")
def test_aiortc_with_two_tracks_of_a_kind_shows_frames_and_is_answered(runtime: Server, tmp_path: Path) -> None:
    seen = visit(runtime, [sys.executable, STACKS / "aiortc_client.py"], tmp_path)
    assert min(seen["frames"][size] for size in ("320x240", "160x120")) >= 5
    for section in seen["answer"].split("\nm=")[1:]:
        assert "a=candidate:" in section, "behind NAT each transport that it begins with waits for candidates"
    check_commands(seen, large_down=int(seen["offer"].partition("a=max-message-size:")[2].split()[0]) > 200_000)
