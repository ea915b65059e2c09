"""FakeFleet: what tests of coordinators rely on."""

import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest

from reactor_protocol.resources import WorkerOrders
from reactor_runtime.fetching import NotThereYet
from reactor_testing.fake_worker import FAKE_ANSWER, FakeFleet, FakeWorker, WorkerKind
from reactor_testing.report_desk import ReportDesk

SESSION = "6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"


@pytest.fixture
async def desk() -> AsyncIterator[ReportDesk]:
    async with ReportDesk() as desk:
        yield desk


@pytest.fixture
async def fleet(desk: ReportDesk) -> AsyncIterator[FakeFleet]:
    async with FakeFleet([desk.url]) as fleet:
        yield fleet


@pytest.fixture
async def http(fleet: FakeFleet) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(fleet.url) as session:
        yield session


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def start(http: aiohttp.ClientSession, secret: str, session_id: str = SESSION) -> int:
    async with http.post("/start_session", json={"session_id": session_id}, headers=bearer(secret)) as response:
        return response.status


async def test_many_workers_behind_one_port(fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession) -> None:
    workers = [fleet.add(f"w-{number}", f"secret-{number}") for number in range(300)]
    await desk.until(lambda report: len({received.worker_id for received in desk.reports}) == 300)
    assert {(received.worker_id, received.authorization) for received in desk.reports} == {
        (f"w-{number}", f"Bearer secret-{number}") for number in range(300)
    }
    assert {received.report.port for received in desk.reports} == {fleet.port}
    assert await start(http, "secret-7") == 200
    assert [worker.id for worker in workers if worker.session_id is not None] == ["w-7"]
    await workers[7].until(lambda: workers[7].started == [SESSION])


async def test_a_secret_is_one_worker_s(fleet: FakeFleet) -> None:
    first = fleet.add("w-1", "s-1")
    with pytest.raises(ValueError, match="the worker w-1 has that secret"):
        fleet.add("w-2", "s-1")
    first.die()
    assert fleet.add("w-1", "s-1").state == "ready"


async def test_a_dead_worker_neither_answers_nor_reports(fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession) -> None:
    desk.orders = WorkerOrders(interval_s=0.05)
    worker, other = fleet.add("w-1", "s-1"), fleet.add("w-2", "s-2")
    await worker.until(lambda: len(worker.asked.orders) >= 2)
    worker.die()
    assert (worker.dead, worker.exited) == (True, None)
    count = sum(received.worker_id == "w-1" for received in desk.reports)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await start(http, "s-1")
    seen = len(other.asked.orders)
    await other.until(lambda: len(other.asked.orders) >= seen + 3)
    assert sum(received.worker_id == "w-1" for received in desk.reports) <= count + 1
    assert worker.started == []


async def test_a_silent_worker_answers_and_can_speak_again(
    fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession
) -> None:
    worker = fleet.add("w-1", "s-1")
    await desk.until(lambda report: report.state == "ready")
    worker.silent = True
    assert worker.silent
    assert await start(http, "s-1") == 200
    assert desk.last.session_id is None
    worker.silent = False
    await desk.until(lambda report: report.session_id == SESSION)


async def test_a_worker_that_lies(fleet: FakeFleet, desk: ReportDesk) -> None:
    worker = fleet.add("w-1", "s-1")
    worker.lie(SESSION)
    report = await desk.until(lambda report: report.session_id is not None)
    assert (report.state, report.session_id, worker.session_id) == ("waiting", SESSION, None)
    desk.orders = WorkerOrders(interval_s=0.05, stop_session=SESSION)
    report = await desk.until(lambda report: report.session_id is None)
    assert worker.stopped == []
    worker.lie(SESSION)
    await desk.until(lambda report: report.session_id == SESSION)
    worker.lie(None)
    await desk.until(lambda report: report.session_id is None)


async def test_starts_that_fail(fleet: FakeFleet, http: aiohttp.ClientSession) -> None:
    worker = fleet.add("w-1", "s-1")
    worker.fail_start(2, 500)
    worker.fail_start()
    assert [await start(http, "s-1") for _ in range(4)] == [500, 500, 503, 200]
    assert worker.started == [SESSION]


@pytest.mark.parametrize("delay", [0.05, None])
async def test_a_worker_that_loads(fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession, delay: float | None) -> None:
    worker = fleet.add("w-1", "s-1", WorkerKind(load_delay=delay))
    report = await desk.until(lambda report: True)
    assert (report.state, report.capabilities) == ("created", None)
    if delay is None:
        assert await start(http, "s-1") == 503
        worker.load()
    report = await desk.until(lambda report: report.state == "ready")
    assert report.capabilities is not None
    assert [track.name for track in report.capabilities.tracks] == ["main_video"]


async def test_a_worker_that_does_not_load(fleet: FakeFleet, desk: ReportDesk) -> None:
    worker = fleet.add("w-1", "s-1", WorkerKind(load_delay=None))
    worker.fail_load("no weights here")
    report = await desk.until(lambda report: report.failure is not None)
    assert (report.state, report.failure) == ("terminated", "no weights here")


async def test_a_session_with_clients_that_ends_by_itself(
    fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession
) -> None:
    worker = fleet.add("w-1", "s-1")
    await start(http, "s-1")
    number = worker.open_connection()
    worker.open_connection()
    await desk.until(lambda report: (report.state, report.connections) == ("streaming", 2))
    worker.close_connection()
    worker.close_connection(number)
    await desk.until(lambda report: (report.state, report.connections) == ("orphaned", 0))
    worker.end_session("nobody came")
    report = await desk.until(lambda report: report.ended is not None)
    assert report.ended is not None
    assert (report.state, report.ended.session_id, report.ended.reason) == ("ready", SESSION, "nobody came")


async def test_a_crash(fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession) -> None:
    worker = fleet.add("w-1", "s-1")
    await start(http, "s-1")
    worker.crash("boom")
    report = await desk.until(lambda report: report.failure is not None)
    assert (report.state, report.failure, report.session_id) == ("terminated", "boom", None)
    assert not worker.dead
    desk.orders = WorkerOrders(exit=True)
    await worker.until(lambda: worker.dead)
    assert worker.exited == "the coordinator told it to"


async def test_what_it_was_asked_for(fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession) -> None:
    worker = fleet.add("w-1", "s-1", WorkerKind(joins=True))
    root, headers = f"/sessions/{SESSION}", bearer("s-1")
    await start(http, "s-1")
    async with http.post(f"{root}/transport/webrtc/connections", headers=headers) as response:
        connection = (await response.json())["connection_id"]
        assert (response.status, connection) == (201, 1002)
    path = f"{root}/transport/webrtc/connections/{connection}/sdp_params"
    async with http.get(path, headers=headers) as response:
        assert response.status == 202
    async with http.post(path, json={"sdp_offer": "v=0", "ice_servers": []}, headers=headers) as response:
        assert (response.status, await response.json()) == (202, {"connection_id": 1002})
    async with http.get(path, headers=headers) as response:
        assert (response.status, await response.json()) == (200, {"sdp_answer": FAKE_ANSWER, "connection_id": 1002})
    async with http.post(f"{root}/transport/webrtc/sdp_params", json={"sdp_offer": "v=0"}, headers=headers) as response:
        assert (response.status, await response.json()) == (202, {"connection_id": 1001})
    assert [offer.sdp_offer for offer in worker.offers] == ["v=0", "v=0"]
    await desk.until(lambda report: report.connections == 2)
    async with http.post("/notice", json={"type": "x", "data": {"a": 1}}, headers=headers) as response:
        assert response.status == 200
    assert [(notice.type, notice.data) for notice in worker.notices] == [("x", {"a": 1})]
    async with http.post("/stop_session", json={"reason": "enough", "moved": True}, headers=headers) as response:
        assert response.status == 200
    assert (worker.stopped, worker.asked.stop_reasons, worker.asked.moved) == ([SESSION], ["enough"], [SESSION])
    assert await start(http, "s-1", str(uuid.UUID(int=7))) == 200
    assert worker.started == [SESSION, str(uuid.UUID(int=7))]


async def test_it_fetches_as_a_worker_does(fleet: FakeFleet, desk: ReportDesk, http: aiohttp.ClientSession) -> None:
    worker = fleet.add("w-1", "s-1")
    await start(http, "s-1")
    body = {"name": "a", "size": 3, "mime_type": "x/y", "upload_id": "u-1", "source": f"{desk.url}/files/a"}
    async with http.post(f"/sessions/{SESSION}/uploads", json=body, headers=bearer("s-1")) as response:
        assert response.status == 201
    with pytest.raises(NotThereYet):
        await worker.fetch("u-1")
    desk.files["a"] = b"abc"
    assert await worker.fetch("u-1") == b"abc"
    assert [name for name, headers in desk.fetched if "Authorization" not in headers] == ["a", "a"]


async def test_one_worker_may_have_a_coordinator_of_its_own(fleet: FakeFleet, desk: ReportDesk) -> None:
    async with ReportDesk() as other:
        fleet.add("w-1", "s-1", coordinators=[other.url])
        await other.until(lambda report: True)
    assert desk.reports == []


async def test_without_a_coordinator_its_patience_ends(fleet: FakeFleet) -> None:
    kind = WorkerKind(patience=0.05)
    worker: FakeWorker = fleet.add("w-1", "s-1", kind, coordinators=["http://127.0.0.1:9"])
    await worker.until(lambda: worker.exited)
    assert worker.exited == "no coordinator has answered for 0 s"
    assert worker.dead
