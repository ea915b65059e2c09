"""A whole runtime as a process: it starts, serves real WebRTC, and ends cleanly."""

import re
import signal
import socket
from pathlib import Path

import pytest
from tests.reactor_runtime.child import running, served
from tests.reactor_runtime.runtime_support import MODELS
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_rtc.peer_proxy import make_peer

pytestmark = pytest.mark.network

RUNS = "class Model(ReactorModel):\n    async def run(self):\n        pass\n"


def model_in(folder: Path, source: str) -> Path:
    (folder / "reactor.yaml").write_text("runtime: {import: 'child_model:Model'}\n")
    (folder / "child_model.py").write_text("import time, asyncio\nfrom reactor_runtime import ReactorModel\n" + source)
    return folder


@pytest.mark.timing
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_within_2_s_and_its_clients_are_told_why(number: signal.Signals) -> None:
    async with running(MODELS) as child, served(child) as http:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", str(http.base_url))
        assert (await http.post("/start_session")).status_code == 200
        visitor = Visitor(http, make_peer)
        await visitor.connect()
        visitor.resume()
        await visitor.picture(60)
        child.signal(number)
        assert await visitor.until_ended() == "Session ended: the server is shutting down."
        code, seconds = await child.end()
        assert code == 0
        assert seconds < 2.0
        assert not any("Traceback" in line or "ERROR" in line for line in child.lines), child.lines
        await visitor.leave()


@pytest.mark.timing
async def test_a_model_that_never_gives_way_does_not_hold_the_end_back(tmp_path: Path) -> None:
    source = "class Model(ReactorModel):\n    async def run(self):\n        time.sleep(60)\n"
    async with running(model_in(tmp_path, source)) as child, served(child) as http:
        await http.post("/start_session")
        visitor = Visitor(http, make_peer)
        visitor.tracks = []
        await visitor.register()
        await visitor.negotiate()

        async def joined() -> bool:
            return bool((await http.get("/session")).json()["state"] == "streaming")

        await poll(joined)
        child.signal(signal.SIGINT)
        code, seconds = await child.end()
        assert await visitor.until_ended() == "Session ended: the server is shutting down."
        assert code == 0
        assert seconds < 2.0
        await visitor.leave()


@pytest.mark.timing
async def test_a_model_that_is_loading_does_not_hold_the_end_back(tmp_path: Path) -> None:
    source = RUNS + "    def load(self, config_path):\n        time.sleep(60)\n"
    async with running(model_in(tmp_path, source)) as child, served(child, ready=False) as http:
        assert (await http.get("/health")).json()["state"] == "loading"
        child.signal(signal.SIGTERM)
        code, seconds = await child.end()
        assert code == 0
        assert seconds < 2.0


async def test_a_model_that_does_not_load_leaves_the_server_up(tmp_path: Path) -> None:
    source = RUNS + "    def load(self, config_path):\n        raise ValueError('no weights here')\n"
    async with running(model_in(tmp_path, source)) as child, served(child) as http:
        response = await http.get("/health")
        assert response.status_code == 503
        assert response.json() == {
            "status": "unhealthy",
            "state": "terminated",
            "detail": "the model failed to load: ValueError: no weights here",
        }
        assert (await http.post("/start_session")).status_code == 503
        child.signal(signal.SIGINT)
        assert (await child.end())[0] == 0
        assert any("ValueError: no weights here" in line for line in child.lines)


async def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with running(MODELS, "--host", "127.0.0.1", "--port", port) as child:
            code, _ = await child.end()
    assert code == 1
    (line,) = child.lines
    assert line.startswith(f"reactor: cannot listen on 127.0.0.1:{port}: ")


async def test_no_manifest_is_one_line(tmp_path: Path) -> None:
    async with running(tmp_path) as child:
        code, _ = await child.end()
    assert code == 1
    assert child.lines == [f"reactor: there is no reactor.yaml in {tmp_path}: give the folder of a model, or write one\n"]


async def test_host_and_port_of_the_environment(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with running(MODELS, "--host", "127.0.0.1", PORT=str(port)) as child, served(child) as http:
        assert str(http.base_url) == f"http://127.0.0.1:{port}"


async def test_codecs_that_the_engine_has_not_are_refused_at_start() -> None:
    async with running(MODELS, WEBRTC_VIDEO_CODECS="H264") as child:
        code, _ = await child.end()
    assert code == 1
    (line,) = child.lines
    assert line.startswith("reactor: no codec of H264 (WEBRTC_VIDEO_CODECS, or runtime.media.codecs) is in this WebRTC engine, ")


async def test_a_malformed_variable_is_one_line() -> None:
    async with running(MODELS, TURN_SERVERS="u;hunter2") as child:
        code, _ = await child.end()
    assert code == 1
    assert child.lines == ["reactor: TURN_SERVERS: entry 1 must be username;credential;turn:host:port\n"]
