"""A worker's reports: sent at once, carried out, and over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from tests.reactor_runtime.waiting import Changes

from reactor_protocol.resources import WorkerOrders, WorkerReport
from reactor_runtime.reporting import ANSWER_LIMIT_S, Reporting
from reactor_runtime.worker import HttpReportLine, Reporter, Unanswered
from reactor_testing.report_desk import ReportDesk

SESSION = "6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"
COORDINATOR = "http://a:8090"


@dataclass
class Subject:
    """What is reported on."""

    state: str = "ready"
    session_id: str | None = None
    released: list[str] = field(default_factory=list)

    def report(self) -> WorkerReport:
        return WorkerReport(port=4000, pid=1, state=self.state, session_id=self.session_id)

    def release(self, session_id: str) -> None:
        self.released.append(session_id)
        self.session_id = None


class Line:
    """A coordinator in memory. ``answer`` gives the orders, or raises."""

    def __init__(self) -> None:
        self.sent: list[WorkerReport] = []
        self.answer: Callable[[], WorkerOrders] = lambda: WorkerOrders(interval_s=60)
        self.changes = Changes()

    async def send(self, coordinator: str, report: WorkerReport) -> WorkerOrders:
        assert coordinator == COORDINATOR
        self.sent.append(report)
        self.changes.announce()
        return self.answer()

    async def until(self, number: int) -> None:
        await self.changes.until(lambda: len(self.sent) >= number)


class Rig:
    """A reporter between the two; it runs from :meth:`begin` on."""

    def __init__(self) -> None:
        self.subject, self.line = Subject(), Line()
        self.reporter = Reporter(Reporting([COORDINATOR], 60.0, time.monotonic()), self.subject, self.line)
        self.task: asyncio.Task[str] | None = None

    def begin(self) -> asyncio.Task[str]:
        self.task = asyncio.create_task(self.reporter.run())
        return self.task

    async def end(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    await rig.end()


def refuse(status: int | None = None) -> WorkerOrders:
    raise Unanswered("told to", status)


async def test_it_reports_at_once_and_then_when_something_changes(rig: Rig) -> None:
    rig.begin()
    await rig.line.until(1)
    began = time.monotonic()
    rig.subject.state = "waiting"
    rig.reporter.changed()
    rig.subject.state = "streaming"
    rig.reporter.changed()
    await rig.line.until(2)
    assert [report.state for report in rig.line.sent] == ["ready", "streaming"]
    assert time.monotonic() - began < 1.0


async def test_a_change_that_changes_nothing_is_not_reported(rig: Rig) -> None:
    rig.begin()
    await rig.line.until(1)
    rig.reporter.changed()
    rig.subject.state = "waiting"
    rig.reporter.changed()
    await rig.line.until(2)
    rig.reporter.changed()
    rig.subject.state = "ready"
    rig.reporter.changed()
    await rig.line.until(3)
    assert [report.state for report in rig.line.sent] == ["ready", "waiting", "ready"]


async def test_the_heartbeat(rig: Rig) -> None:
    rig.line.answer = lambda: WorkerOrders(interval_s=0.05)
    rig.begin()
    await rig.line.until(4)
    assert {report.state for report in rig.line.sent} == {"ready"}


async def test_an_order_to_give_a_session_up(rig: Rig) -> None:
    rig.subject.session_id = SESSION
    rig.line.answer = lambda: WorkerOrders(interval_s=0.05, stop_session=SESSION)
    rig.begin()
    await rig.line.until(3)
    assert rig.subject.released == [SESSION]


async def test_an_order_to_exit(rig: Rig) -> None:
    rig.line.answer = lambda: WorkerOrders(exit=True)
    assert await rig.begin() == "the coordinator told it to"


async def test_a_refusal_for_good(rig: Rig) -> None:
    rig.line.answer = lambda: refuse(410)
    assert await rig.begin() == "no coordinator knows this worker (HTTP 410)"


async def test_it_keeps_trying_and_says_so_once(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.line.answer = refuse
    rig.begin()
    await rig.line.until(3)
    rig.line.answer = lambda: WorkerOrders(interval_s=0.05)
    await rig.line.until(5)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["a report was not taken, and is repeated: http://a:8090: told to"]


async def test_the_last_word_is_said_once(rig: Rig) -> None:
    rig.begin()
    await rig.line.until(1)
    await rig.end()
    await rig.reporter.finish()
    assert len(rig.line.sent) == 1
    rig.subject.state = "terminated"
    await rig.reporter.finish()
    await rig.reporter.finish()
    assert [report.state for report in rig.line.sent] == ["ready", "terminated"]


# ------------------------------------------------------------------------------------------------------------ over HTTP


@pytest.fixture
async def desk() -> AsyncIterator[ReportDesk]:
    async with ReportDesk() as desk:
        yield desk


@pytest.fixture
async def line() -> AsyncIterator[HttpReportLine]:
    async with aiohttp.ClientSession() as http:
        yield HttpReportLine("w-1", "hunter2", http)


REPORT = WorkerReport(port=4000, pid=1, state="ready")


async def trouble(line: HttpReportLine, url: str) -> tuple[str, int | None]:
    with pytest.raises(Unanswered) as caught:
        await line.send(url, REPORT)
    assert "hunter2" not in str(caught.value)
    return str(caught.value), caught.value.status


async def test_a_report_over_http(desk: ReportDesk, line: HttpReportLine) -> None:
    desk.orders = WorkerOrders(interval_s=3, lease_s=9, stop_session=SESSION)
    assert await line.send(desk.url, REPORT) == WorkerOrders(interval_s=3, lease_s=9, stop_session=SESSION, exit=False)
    (received,) = desk.reports
    assert (received.worker_id, received.authorization, received.report) == ("w-1", "Bearer hunter2", REPORT)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 204])
async def test_a_failure(desk: ReportDesk, line: HttpReportLine, status: int) -> None:
    desk.status = status
    assert await trouble(line, desk.url) == (f"HTTP {status}", status)


async def test_nobody_is_there(line: HttpReportLine) -> None:
    text, status = await trouble(line, "http://127.0.0.1:9")
    assert status is None
    assert "127.0.0.1:9" in text


async def test_a_coordinator_that_hangs(desk: ReportDesk, line: HttpReportLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ANSWER_LIMIT_S == 2.0
    monkeypatch.setattr("reactor_runtime.worker.ANSWER_LIMIT_S", 0.05)
    desk.hangs = True
    assert await trouble(line, desk.url) == ("no answer within 0.05 s", None)


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"interval_s": "soon"}', '{"exit": {}}'])
async def test_an_answer_that_makes_no_sense(line: HttpReportLine, body: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    async with _server(answer) as url:
        assert await trouble(line, url) == ("its answer makes no sense", None)


async def test_the_secret_follows_no_redirect(desk: ReportDesk, line: HttpReportLine) -> None:
    async def answer(_request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{desk.url}/workers/w-1/report")

    async with _server(answer) as url:
        assert await trouble(line, url) == ("HTTP 307", 307)
    assert desk.reports == []


class _server:
    """One handler for every report, on 127.0.0.1."""

    def __init__(self, handler: Callable[[web.Request], object]) -> None:
        app = web.Application()
        app.router.add_post("/workers/w-1/report", handler)  # type: ignore[arg-type]
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
