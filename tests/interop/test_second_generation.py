"""A model in the style of reactor-runtime 2.x under 2.10.1 and under ours: same messages, order of hooks and schema."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.interop.children import Child
from tests.interop.provisioning import alone, cache_folder, run
from tests.interop.servers import LIFE_SECONDS, Server, our_runtime
from tests.ports import free_port

from reactor_sdk import Reactor

SECOND = Path(__file__).parent / "models" / "second"
VERSION = "2.10.1"
NEEDED = (
    "numpy>=2.0",
    "pydantic>=2.13",
    "omegaconf",
    "fastapi",
    "uvicorn[standard]",
    "aiohttp",
    "httpx",
    "redis",
    "jsonschema",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-exporter-prometheus",
    "grpcio-health-checking",
    "opentelemetry-instrumentation-grpc",
    "pynvml",
)
"""What the wheel asks for, but for PyGObject, which is the distribution's: building it takes a GLib of 2024."""
HAS_GSTREAMER = (
    "import gi; [gi.require_version(name, '1.0') for name in ('Gst', 'GstWebRTC', 'GstSdp', 'GstVideo', 'GstRtp')]; "
    "from gi.repository import Gst; Gst.init(None); "
    "assert Gst.ElementFactory.find('webrtcbin') and Gst.ElementFactory.find('nicesrc')"
)
PACKAGES = (
    "python3-gi",
    "python3-venv",
    "gir1.2-gst-plugins-base-1.0",
    "gir1.2-gst-plugins-bad-1.0",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-nice",
)
LIMIT_SECONDS = 60.0


@pytest.fixture(scope="session")
def second_generation_python() -> Path:
    """The distribution's Python, in an environment with reactor-runtime 2.10.1 over the distribution's GStreamer."""
    system = "/usr/bin/python3"
    if subprocess.run([system, "-c", HAS_GSTREAMER], capture_output=True, check=False).returncode != 0:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            pytest.skip("reactor-runtime 2.10.1 needs GStreamer and its Python bindings, which cannot be installed here")
        with alone("apt"):
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            run(["apt-get", "update"], env=quiet)
            run(["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES], env=quiet)
    name = f"reactor-runtime-{VERSION}"
    folder = cache_folder("venvs") / name
    interpreter, complete = folder / "bin" / "python", folder / "complete.txt"
    with alone(name):
        if not complete.is_file():
            run([system, "-m", "venv", "--clear", "--system-site-packages", folder])
            run([interpreter, "-m", "pip", "install", "--quiet", *NEEDED])
            run([interpreter, "-m", "pip", "install", "--quiet", "--no-deps", f"reactor-runtime=={VERSION}"])
            complete.write_text(VERSION)
    return interpreter


@contextmanager
def second_generation_runtime(python: Path, logs: Path) -> Iterator[Server]:
    port = free_port()
    # A name that is reserved for not existing keeps it from asking a public STUN server.
    where = ["--host", "127.0.0.1", "--port", str(port), "--stun-server", "stun:stun.invalid:3478"]
    argv = [python, "-m", "reactor_runtime.serve", "run", "--path", SECOND, *where]
    with Child(argv, cwd=SECOND, env={}, log=logs / "reactor-runtime-2.10.1", seconds=LIFE_SECONDS) as child:
        server = Server(f"http://127.0.0.1:{port}", child)
        server.wait_for("/session", "READY", LIMIT_SECONDS)
        yield server


class Heard:
    """What a model says to one client."""

    def __init__(self, reactor: Reactor) -> None:
        self.messages: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        reactor.on("message", self._hear)

    def _hear(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self._arrived.set()

    async def number(self, count: int) -> list[dict[str, Any]]:
        """All messages, as soon as there are so many."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while len(self.messages) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.messages


async def frame_of(reactor: Reactor, shade: int) -> tuple[int, ...]:
    """The size of the first frame that shows a shade."""
    async with asyncio.timeout(LIMIT_SECONDS):
        async for frame in reactor.frames():
            if abs(float(np.mean(frame)) - shade) < 8:
                return tuple(frame.shape)
    raise AssertionError("the frames have ended")


async def perform(url: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The script: two visits. Returns what was seen and heard, in order."""
    monkeypatch.setenv("REACTOR_LOCAL_URL", url)
    reactor = Reactor("second", local=True)
    heard = Heard(reactor)
    await reactor.connect()
    seen: list[Any] = [await frame_of(reactor, 40)]
    waiting = [reactor.send_command("be_busy", {"seconds": 2.0})]
    waiting += [reactor.send_command("encode", {"number": number}) for number in (1, 2)]
    waiting += [reactor.send_command("look", {}), reactor.send_command("encode", {"number": 3})]
    await asyncio.gather(*waiting)
    await reactor.send_command("set_shade", {"shade": 200})
    seen.append(await frame_of(reactor, 200))
    await reactor.send_command("tell", {})
    await heard.number(1)
    await reactor.upload_file(b"some text", name="note.txt", mime_type="text/plain")
    await reactor.send_command("set_paused", {"paused": True})
    await reactor.send_command("tell", {})
    await heard.number(2)
    await reactor.disconnect()
    await reactor.connect()
    seen.append(await frame_of(reactor, 40))
    await reactor.send_command("tell", {})
    await heard.number(3)
    await reactor.disconnect()
    return [*seen, *heard.messages]


FIRST_LOG = ["load 40 one dict", "connected 10", "begun", "busy", "encode 3", "no camera"]
SECOND_LOG = [*FIRST_LOG, "file note.txt text/plain 9"]
THIRD_LOG = [*SECOND_LOG, "disconnected True", "closed", "connected 10", "begun"]
EXPECTED = [
    (120, 160, 3),
    (120, 160, 3),
    (120, 160, 3),
    {"type": "told", "data": {"log": FIRST_LOG, "shade": 200}},
    {"type": "told", "data": {"log": SECOND_LOG, "shade": 200}},
    {"type": "told", "data": {"log": THIRD_LOG, "shade": 40}},
]


@pytest.mark.network
@pytest.mark.against("runtime", "reactor-runtime", VERSION, "a 2.x model of one file: messages, hooks, frames")
async def test_a_model_of_the_second_generation_does_the_same_under_2_10_1_and_under_ours(
    second_generation_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with our_runtime(tmp_path, SECOND) as ours:
        assert await perform(ours.url, monkeypatch) == EXPECTED
    with second_generation_runtime(second_generation_python, tmp_path) as theirs:
        assert await perform(theirs.url, monkeypatch) == EXPECTED


def schema(argv: list[str | Path], out: Path) -> dict[str, Any]:
    subprocess.run([*argv, "--path", SECOND, "--out", out], check=True, capture_output=True, timeout=LIMIT_SECONDS)
    document: dict[str, Any] = json.loads(out.read_text())
    return document


def offered(document: dict[str, Any]) -> dict[str, Any]:
    """What a document says of a model, in whichever form its generation says it."""
    commands = {}
    for path, operations in document["paths"].items():
        body = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
        fields = {name: {k: v for k, v in each.items() if k != "x-reactor-moderate"} for name, each in body["properties"].items()}
        commands[path] = fields, body.get("required", [])
    messages = {}
    for name, operations in document["webhooks"].items():
        body = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
        reference = str(body.get("$ref", "")).rpartition("/")[2]
        messages[name] = document["components"]["schemas"][reference] if reference else body
    return {
        "commands": commands,
        "messages": messages,
        "tracks": document["x-reactor"]["tracks"],
        "title": document["info"]["title"],
    }


@pytest.mark.network
@pytest.mark.against("runtime", "reactor-runtime", VERSION, "a 2.x model of one file: schema")
def test_its_schema_says_the_same(second_generation_python: Path, tmp_path: Path) -> None:
    theirs = schema([second_generation_python, "-m", "reactor_runtime.serve", "schema"], tmp_path / "theirs.json")
    ours = schema([sys.executable, "-m", "reactor_runtime.schema"], tmp_path / "ours.json")
    assert offered(ours) == offered(theirs)
