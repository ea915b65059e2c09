"""Workers of a whole coordinator: how many there are, what becomes of them, and what an operator does with them."""

import asyncio
import functools
import time
from pathlib import Path
from typing import Any

import pytest
from tests.reactor_coordinator.house import MODELS, configuration, joined, opened

from reactor_coordinator import control, crew, reports
from reactor_coordinator.fleet import ModelNeeds
from reactor_coordinator.office import open_office
from reactor_coordinator.pools.port import Launch, PoolError, Started
from reactor_coordinator.store import workers as worker_rows
from reactor_http.listen import address, bind
from reactor_protocol.errors import ConflictError, NotFoundError
from reactor_testing.fake_pool import FakePool
from reactor_testing.fake_worker import FakeFleet, WorkerKind

ON_DEMAND = {"warm": 0, "max": 2}
ECHO = str(MODELS / "echo")


# ---------------------------------------------------------------------------------------------------------- how many


async def test_warm_workers_are_there_before_anybody_comes_and_are_replaced(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url, echo={"warm": 2}), slots=4) as house:
        await house.warm(2)
        await house.looked(3)
        assert len(house.pool.launched) == 2
        lost = house.workers[0]
        lost.die()
        await house.sees(lambda snapshot: lost.id not in snapshot.workers)
        await house.warm(2)
        assert (len(house.pool.launched), lost in house.workers) == (3, False)


async def test_workers_are_started_for_those_who_wait_up_to_the_limit_of_their_model(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url, echo=ON_DEMAND), slots=4) as house:
        await house.looked(2)
        assert house.pool.launched == []
        token = await house.token(await house.key())
        sessions = [(await house.begin(token))["session_id"] for _ in range(3)]
        for each in sessions[:2]:
            await house.until(token, each, "ACTIVE")
        await house.sees(lambda snapshot: snapshot.places.get(sessions[2], (0, 0))[:2] == (1, 1))
        await house.looked(3)
        assert len(house.pool.launched) == 2


async def test_workers_that_nobody_needs_are_retired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "ModelNeeds", functools.partial(ModelNeeds, idle_seconds=0.3))
    async with opened(configuration(tmp_path, echo=ON_DEMAND)) as house:
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        (worker,) = house.workers
        await house.ask("DELETE", f"/sessions/{session_id}", token)
        await worker.until(lambda: worker.dead)
        await house.sees(lambda snapshot: not snapshot.workers)
        assert (house.workers, len(house.pool.launched), worker.stopped) == ([], 1, [session_id])


async def test_two_models_take_turns_on_one_slot(tmp_path: Path) -> None:
    models = {"one": {"path": ECHO, "warm": 0}, "two": {"path": ECHO, "warm": 0}}
    async with opened(configuration(tmp_path, models=models), slots=1) as house:
        token = await house.token(await house.key())
        for model in ("one", "two", "one"):
            session_id = (await house.begin(token, model))["session_id"]
            await house.until(token, session_id, "ACTIVE")
            assert len(house.workers) == 1
            await house.ask("DELETE", f"/sessions/{session_id}", token)
        assert [launch.model for launch in house.pool.launched] == ["one", "two", "one"]


async def test_a_model_that_does_not_load_is_tried_again_less_and_less_often(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path), slots=1, kind=WorkerKind(load_delay=None)) as house:
        failed = []
        for count in (1, 2):
            await house.sees(lambda _, count=count: len(house.pool.launched) == count and house.workers)  # type: ignore[misc]
            house.workers[0].fail_load("there are no weights")
            failed.append(time.monotonic())
        await house.sees(lambda _: len(house.pool.launched) == 3 and house.workers)
        assert failed[1] - failed[0] > 0.9
        assert time.monotonic() - failed[1] > 1.9
        house.workers[0].load()
        await house.warm()


async def test_a_pool_that_cannot_start_a_worker_is_not_asked_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []

    async def fail(_launch: Launch) -> Started:
        tried.append(time.monotonic())
        raise PoolError("the folder of the model is not there")

    async with opened(configuration(tmp_path, echo={"warm": 0}), slots=1) as house:
        start = house.pool.start
        monkeypatch.setattr(house.pool, "start", fail)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.sees(lambda _: len(tried) == 2)
        assert tried[1] - tried[0] > 0.9
        monkeypatch.setattr(house.pool, "start", start)
        await house.until(token, session_id, "ACTIVE")


async def test_a_worker_that_the_database_is_slow_to_note_is_not_started_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(configuration(tmp_path, echo={"warm": 0}), slots=3) as house:
        database = house.coordinator.database
        write = database.write

        async def write_slowly(work: Any, *arguments: Any, **values: Any) -> Any:
            if work is worker_rows.add:
                await house.looked(3)
            return await write(work, *arguments, **values)

        monkeypatch.setattr(database, "write", write_slowly)
        token = await house.token(await house.key())
        await house.until(token, (await house.begin(token))["session_id"], "ACTIVE")
        assert len(house.pool.launched) == 1


async def test_a_session_waits_while_its_model_loads(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path), slots=1, kind=WorkerKind(load_delay=None)) as house:
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.sees(lambda snapshot: session_id in snapshot.places and snapshot.workers)
        assert [each.state for each in house.snapshot.workers.values()] == ["STARTING"]
        house.workers[0].load()
        await house.until(token, session_id, "ACTIVE")


# ------------------------------------------------------------------------------------------------------------ leases


async def test_a_silent_idle_worker_is_replaced_and_a_reporting_one_is_not(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "LEASE_S", 1.5)
    monkeypatch.setattr(reports, "INTERVAL_S", 0.3)
    async with opened(configuration(tmp_path, database_url, echo={"warm": 2}), slots=2) as house:
        await house.warm(2)
        silent, sound = house.workers
        silent.silent = True
        await house.sees(lambda snapshot: silent.id not in snapshot.workers)
        await house.warm(2)
        assert sound in house.workers
        assert len(house.pool.launched) == 3


async def test_a_worker_that_runs_what_it_was_not_given_is_told_to_end_it(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        await house.warm()
        (worker,) = house.workers
        worker.lie("00000000-0000-4000-8000-000000000001")
        await worker.until(lambda: any(order.stop_session for order in worker.asked.orders))
        await worker.until(lambda: worker.asked.orders[-1].stop_session is None)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        assert worker.started == [session_id]


# ------------------------------------------------------------------------------------------------------ coordinators


async def test_a_coordinator_that_comes_back_takes_over_the_workers_and_starts_none(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "LEASE_TTL_S", 1.0)
    monkeypatch.setattr(control, "_RENEW_S", 0.3)
    config = configuration(tmp_path, database_url, echo={"warm": 2})
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with FakeFleet([address(listener)]) as fleet:
        pool = FakePool(fleet, 4)
        async with joined(config, pool, listener) as house:
            await house.warm(2)
            token = await house.token(await house.key())
            session_id = (await house.begin(token))["session_id"]
            await house.until(token, session_id, "ACTIVE")
            worker = house.worker_of(session_id)
            await house.looked(4)
            launched = len(pool.launched)
            await house.kill()
        async with joined(config, pool, bind("127.0.0.1", port)) as house:
            await house.sees(lambda snapshot: len(snapshot.workers) == launched)
            await house.sees(lambda _: house.coordinator.control.leads)
            await house.looked(4)
            assert (len(pool.launched), worker.session_id, worker.stopped) == (launched, session_id, [])
            assert (await house.ask("DELETE", f"/sessions/{session_id}", token)).status == 204
            await house.idle(worker)
            assert worker.stopped == [session_id]


async def test_two_coordinators_do_not_start_workers_twice(tmp_path: Path, postgres_url: str) -> None:
    first, second = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
    urls = [address(first), address(second)]
    config = configuration(tmp_path, postgres_url, echo={"warm": 2}, internal_urls=urls)
    async with FakeFleet(urls) as fleet:
        pool = FakePool(fleet, 6)
        async with joined(config, pool, first) as one, joined(config, pool, second) as two:
            await asyncio.gather(one.warm(2), two.warm(2))
            for _ in range(3):
                await asyncio.gather(one.looked(1), two.looked(1))
            assert len(pool.launched) == 2
            # One that stood still for longer than its lease learns at its next look that the other one leads.
            await one.sees(lambda _: sorted((one.coordinator.control.leads, two.coordinator.control.leads)) == [False, True])


# --------------------------------------------------------------------------------------------------------- operators


async def test_an_operator_ends_a_session_and_its_worker_is_free_within_a_second(tmp_path: Path, database_url: str) -> None:
    config = configuration(tmp_path, database_url)
    async with opened(config) as house, open_office(config) as office:
        await house.warm()
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        worker = house.worker_of(session_id)
        assert [each.id for each in await office.sessions(10, closed=False)] == [session_id]
        began = time.monotonic()
        await office.end_session(session_id, "")
        await worker.until(lambda: worker.stopped)
        assert time.monotonic() - began < 1.0
        assert worker.asked.stop_reasons == ["ended by the operator"]
        await house.idle(worker)
        assert (await house.ask("GET", f"/sessions/{session_id}", token)).body["reason"] == "ended by the operator"
        with pytest.raises(ConflictError):
            await office.end_session(session_id, "")
        with pytest.raises(NotFoundError):
            await office.end_session("no such session", "")


async def test_a_drained_worker_lets_its_session_end_and_is_then_replaced(tmp_path: Path, database_url: str) -> None:
    config = configuration(tmp_path, database_url)
    async with opened(config, slots=1) as house, open_office(config) as office:
        await house.warm()
        token = await house.token(await house.key())
        first, second = [(await house.begin(token))["session_id"] for _ in range(2)]
        await house.until(token, first, "ACTIVE")
        worker = house.worker_of(first)
        await office.drain_worker(worker.id)
        await house.sees(lambda snapshot: snapshot.workers[worker.id].draining)
        await house.looked(2)
        assert (worker.session_id, worker.dead) == (first, False)
        await house.ask("DELETE", f"/sessions/{first}", token)
        await house.until(token, second, "ACTIVE")
        assert (worker.started, worker.dead) == ([first], True)
        assert [each.started for each in house.workers] == [[second]]


async def test_a_revoked_key_begins_no_sessions_but_those_that_run_go_on(tmp_path: Path, database_url: str) -> None:
    config = configuration(tmp_path, database_url)
    async with opened(config) as house, open_office(config) as office:
        await house.warm()
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        (key,) = await office.keys()
        await office.revoke_key(key.id)
        refused = await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}})
        assert (refused.status, refused.body["code"]) == (401, "UNAUTHORIZED")
        await house.looked(2)
        assert (await house.ask("GET", f"/sessions/{session_id}", token)).body["state"] == "ACTIVE"
