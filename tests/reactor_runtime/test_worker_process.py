"""A worker as a process: what its coordinator hears, and what its clients notice of their coordinator's troubles."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.ports import free_port
from tests.reactor_runtime.child import Child, running, served
from tests.reactor_runtime.runtime_support import MODELS
from tests.reactor_runtime.visitor import Visitor

from reactor_protocol.messages import FileRef, RuntimeMessage
from reactor_protocol.resources import WorkerOrders
from reactor_rtc.peer_proxy import make_peer
from reactor_testing.report_desk import ReportDesk

pytestmark = pytest.mark.network

RUNS = "class Model(ReactorModel):\n    async def run(self):\n        pass\n"
SECRET = "hunter2-of-this-worker"
SESSION = "6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"


@dataclass
class Rig:
    """A worker process and the way to it."""

    child: Child
    http: httpx.AsyncClient

    async def start(self) -> None:
        response = await self.http.post("/start_session", json={"session_id": SESSION})
        assert response.status_code == 200, response.text

    async def welcome(self) -> Visitor:
        """A client that has joined the session and sees it."""
        visitor = Visitor(self.http, make_peer)
        visitor.root = f"/sessions/{SESSION}/transport/webrtc"
        await visitor.connect()
        visitor.resume()
        await visitor.picture(60)
        return visitor


@contextlib.asynccontextmanager
async def worker(coordinators: str, folder: Path = MODELS, **environ: str) -> AsyncIterator[Rig]:
    """A worker whose model is loaded."""
    named = {"REACTOR_WORKER_ID": "w-1", "REACTOR_WORKER_SECRET": SECRET, "REACTOR_WORKER_COORDINATORS": coordinators}
    async with running(folder, **named, **environ) as child, served(child, secret=SECRET) as http:
        yield Rig(child, http)
        assert SECRET not in "".join(child.lines)


@pytest.fixture
async def desk() -> AsyncIterator[ReportDesk]:
    async with ReportDesk() as desk:
        yield desk


def model_in(folder: Path, source: str) -> Path:
    (folder / "reactor.yaml").write_text("runtime: {import: 'worker_child_model:Model'}\n")
    (folder / "worker_child_model.py").write_text("import asyncio\nfrom reactor_runtime import ReactorModel\n" + source)
    return folder


def said(visitor: Visitor) -> list[tuple[str, object]]:
    return [(message.type, message.data) for message in visitor.received if isinstance(message, RuntimeMessage)]


@pytest.mark.timing
async def test_a_signal_ends_it_and_both_sides_are_told(desk: ReportDesk) -> None:
    async with worker(desk.url) as rig:
        await rig.start()
        visitor = await rig.welcome()
        await desk.until(lambda report: (report.state, report.connections) == ("streaming", 1))
        rig.child.signal(signal.SIGTERM)
        await visitor.changes.until(lambda: visitor.closed == {"data", "control"})
        code, seconds = await rig.child.end()
        assert code == 0
        assert seconds < 2.0
        assert said(visitor) == [("sessionInterrupted", {"reason": "Session ended: the server is shutting down."})]
        report = await desk.until(lambda report: report.state == "terminated")
        assert (report.session_id, report.connections, report.ended, report.failure) == (None, 0, None, None)
        assert not any("Traceback" in line or "ERROR" in line for line in rig.child.lines), rig.child.lines
        await visitor.leave()


@pytest.mark.timing
async def test_a_coordinator_that_hangs_does_not_hold_the_end_back(desk: ReportDesk) -> None:
    async with worker(desk.url) as rig:
        desk.hangs = True
        rig.child.signal(signal.SIGTERM)
        code, seconds = await rig.child.end()
        assert code == 0
        assert seconds < 2.0


@pytest.mark.timing
async def test_a_session_ends_fast_with_clients_connected(desk: ReportDesk) -> None:
    desk.orders = WorkerOrders(interval_s=30)
    async with worker(desk.url) as rig:
        await rig.start()
        visitors = [await rig.welcome() for _ in range(3)]
        await desk.until(lambda report: report.connections == 3)
        began = time.monotonic()
        assert (await rig.http.post("/stop_session", json={"reason": "enough"})).status_code == 200
        await desk.until(lambda report: report.state == "ready" and report.session_id is None)
        assert time.monotonic() - began < 1.0
        for visitor in visitors:
            assert await visitor.until_ended() == "enough"
            await visitor.leave()


async def test_streams_do_not_notice_that_the_coordinator_goes_and_comes() -> None:
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        async with ReportDesk(port) as first:
            rig = await stack.enter_async_context(worker(first.url, REACTOR_WORKER_PATIENCE_SECONDS="0.2"))
            await rig.start()
            visitor = await rig.welcome()
            await first.until(lambda report: report.connections == 1)
        # Nobody answers now, and for longer than the patience of a worker without a session.
        before = (await visitor.command("set_level", level=200)).frame
        assert before is not None
        await visitor.picture(200)
        async with asyncio.timeout(40):
            while ((await visitor.command("set_level", level=200)).frame or 0) < before + 30:
                await visitor.picture(200)
        async with ReportDesk(port) as second:
            report = await second.until(lambda report: True)
            assert (report.state, report.session_id, report.connections) == ("streaming", SESSION, 1)
            await visitor.picture(200)
        await visitor.leave()


async def test_another_coordinator_takes_over_from_one_that_hangs(desk: ReportDesk) -> None:
    async with ReportDesk() as first, worker(f"{first.url},{desk.url}") as rig:
        await first.until(lambda report: report.state == "ready")
        assert desk.reports == []
        first.hangs = True
        await desk.until(lambda report: report.state == "ready")
        await rig.start()
        await desk.until(lambda report: report.session_id == SESSION)


async def test_it_waits_for_a_coordinator_that_is_not_there_yet() -> None:
    port = free_port()
    async with worker(f"http://127.0.0.1:{port}"), ReportDesk(port) as desk:
        report = await desk.until(lambda report: True)
        assert report.state == "ready"


async def test_without_a_coordinator_its_patience_ends() -> None:
    async with worker(f"http://127.0.0.1:{free_port()}", REACTOR_WORKER_PATIENCE_SECONDS="0.5") as rig:
        code, _ = await rig.child.end()
        assert code == 0
        assert any("no coordinator has answered for" in line for line in rig.child.lines)


async def test_a_crash_is_reported_and_the_process_stays_until_it_is_told(desk: ReportDesk, tmp_path: Path) -> None:
    source = (
        "class Model(ReactorModel):\n"
        "    async def run(self):\n"
        "        while not self.connected.is_set():\n            await asyncio.sleep(0.01)\n"
        "        raise ValueError('boom')\n"
    )
    async with worker(desk.url, model_in(tmp_path, source), REACTOR_CRASH_LIMIT="1") as rig:
        await rig.start()
        visitor = Visitor(rig.http, make_peer)
        visitor.root, visitor.tracks = f"/sessions/{SESSION}/transport/webrtc", []
        await visitor.register()
        await visitor.negotiate()
        report = await desk.until(lambda report: report.failure is not None)
        assert (report.state, report.failure) == ("terminated", "the model stopped: ValueError: boom")
        report = await desk.until(lambda report: report.session_id is None)
        assert report.ended is not None
        assert (report.ended.session_id, report.ended.reason) == (
            SESSION,
            "Session ended: the model stopped: ValueError: boom",
        )
        assert (await rig.http.post("/start_session", json={"session_id": SESSION})).status_code == 503
        desk.orders = WorkerOrders(exit=True)
        assert (await rig.child.end())[0] == 0
        await visitor.leave()


async def test_a_model_that_does_not_load_is_reported(desk: ReportDesk, tmp_path: Path) -> None:
    source = RUNS + "    def load(self, config_path):\n        raise ValueError('no weights here')\n"
    async with worker(desk.url, model_in(tmp_path, source)):
        report = await desk.until(lambda report: report.failure is not None)
        assert (report.state, report.failure) == ("terminated", "the model failed to load: ValueError: no weights here")
        assert desk.reports[0].report.state == "created"
        assert desk.reports[0].report.capabilities is None


async def test_a_command_gets_a_file_from_the_coordinator(desk: ReportDesk) -> None:
    async with worker(desk.url) as rig:
        await rig.start()
        body = {"name": "a.png", "size": 6, "mime_type": "image/png", "upload_id": "u-1", "source": f"{desk.url}/files/a"}
        assert (await rig.http.post(f"/sessions/{SESSION}/uploads", json=body)).status_code == 201
        visitor = await rig.welcome()
        asked = asyncio.create_task(visitor.command("see_file", {"file": FileRef("u-1", "a.png", "image/png", 6)}))
        await desk.until(lambda report: len(desk.fetched) >= 2)
        assert not asked.done()
        desk.files["a"] = b"abcdef"
        result = await asked
        assert result.reply is not None
        assert result.reply.data == {"file": "a.png", "size": 6}
        assert not any("Authorization" in headers for _, headers in desk.fetched)
        await visitor.leave()


async def test_half_a_worker_does_not_start() -> None:
    async with running(MODELS, REACTOR_WORKER_ID="w-1") as child:
        code, _ = await child.end()
    assert code == 1
    assert child.lines == [
        "reactor: REACTOR_WORKER_SECRET is missing: a worker needs REACTOR_WORKER_ID, REACTOR_WORKER_SECRET and "
        "REACTOR_WORKER_COORDINATORS\n"
    ]
