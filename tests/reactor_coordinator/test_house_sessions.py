"""Sessions of a whole coordinator, from their beginning to every kind of end."""

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from tests.reactor_coordinator.house import House, configuration, opened

from reactor_coordinator import reports
from reactor_coordinator.board import Snapshot
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import uploads as upload_rows
from reactor_coordinator.store.database import StoreUnavailableError
from reactor_protocol.resources import Notice

CAPABILITIES = {
    "protocol_version": "v0",
    "tracks": [{"name": "main_video", "kind": "video", "direction": "recvonly"}],
    "emission_fps": 30.0,
    "extensions": {"acks": 1},
}
TWO = {"warm": 2}


async def test_a_session_becomes_active_and_says_what_its_model_offers(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url, cluster="attic")) as house:
        await house.warm()
        token = await house.token(await house.key())
        before = time.time()
        begun = await house.begin(token)
        body = await house.until(token, begun["session_id"], "ACTIVE")
        assert before - 1 < body.pop("created_at") < time.time() + 1
        assert before + 1199 < body.pop("expires_at") < time.time() + 1201
        # What the strict parsers of published clients want of a full session is all here.
        assert body == {
            "session_id": begun["session_id"],
            "state": "ACTIVE",
            "cluster": "attic",
            "model": {"name": "echo"},
            "server_info": {"server_version": version("openreactor")},
            "selected_transport": {"protocol": "webrtc", "version": "1.0"},
            "capabilities": CAPABILITIES,
        }
        assert house.worker_of(begun["session_id"]).started == [begun["session_id"]]


async def test_a_new_session_waits_and_has_no_capabilities_yet(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path, echo={"warm": 0}), slots=0) as house:
        token = await house.token(await house.key())
        body = await house.begin(token)
        assert {key: type(value) for key, value in body.items() if key in ("session_id", "created_at")} == {
            "session_id": str,
            "created_at": float,
        }
        del body["session_id"], body["created_at"]
        assert body == {
            "state": "WAITING",
            "cluster": "local",
            "model": {"name": "echo"},
            "server_info": {"server_version": version("openreactor")},
            "selected_transport": {"protocol": "webrtc", "version": "1.0"},
        }


async def test_a_session_is_told_of_in_short_and_among_the_open_ones_of_its_key(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        await house.warm()
        key = await house.key()
        token = await house.token(key)
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        info = await house.ask("GET", f"/sessions/{session_id}/info", token)
        assert (info.status, info.body) == (200, {"session_id": session_id, "state": "ACTIVE", "cluster": "local"})
        runtime = await house.ask("GET", f"/sessions/{session_id}/runtime", token)
        assert (runtime.status, runtime.body) == (200, {"state": "ACTIVE"})
        mine = (await house.ask("GET", "/sessions", token)).body["sessions"]
        assert [(each["session_id"], each["state"]) for each in mine] == [(session_id, "ACTIVE")]
        assert mine[0]["capabilities"] == CAPABILITIES
        others = await house.ask("GET", "/sessions", await house.token(await house.key()))
        assert (others.status, others.body) == (200, {"sessions": []})
        await house.ask("DELETE", f"/sessions/{session_id}", token)
        assert (await house.ask("GET", "/sessions", token)).body == {"sessions": []}


async def test_a_restart_moves_a_session_to_another_worker_and_its_clients_are_not_told_that_it_ended(
    tmp_path: Path, database_url: str
) -> None:
    async with opened(configuration(tmp_path, database_url, echo=TWO)) as house:
        await house.warm(2)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        active = await house.until(token, session_id, "ACTIVE")
        first = house.worker_of(session_id)
        reply = await house.ask("PUT", f"/sessions/{session_id}", token)
        assert (reply.status, reply.body["session_id"]) == (200, session_id)
        # Another worker may have been found by the time that the answer is written.
        assert reply.body["state"] in ("INACTIVE", "PENDING")
        again = await house.until(token, session_id, "ACTIVE")
        (second,) = [each for each in house.workers if each is not first]
        assert second.session_id == session_id
        assert (again["created_at"], again["expires_at"]) == (active["created_at"], active["expires_at"])
        await house.idle(first)
        assert (first.stopped, first.asked.moved, first.asked.stop_reasons) == ([session_id], [session_id], ["moved"])
        assert second.stopped == []


async def test_a_session_that_is_over_cannot_be_restarted(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.ask("DELETE", f"/sessions/{session_id}", token)
        reply = await house.ask("PUT", f"/sessions/{session_id}", token)
        assert (reply.status, reply.body["code"]) == (409, "CONFLICT")


async def test_ending_a_session_frees_its_worker_within_a_second_for_the_next_in_the_queue(
    tmp_path: Path, database_url: str
) -> None:
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        await house.warm()
        token = await house.token(await house.key())
        first = (await house.begin(token))["session_id"]
        await house.until(token, first, "ACTIVE")
        worker = house.worker_of(first)
        second = (await house.begin(token))["session_id"]
        await house.sees(lambda snapshot: second in snapshot.places)
        began = time.monotonic()
        ended = await house.ask("DELETE", f"/sessions/{first}", token, json={"reason": "enough"})
        assert (ended.status, ended.body) == (204, "")
        await worker.until(lambda: worker.session_id == second)
        assert time.monotonic() - began < 1.0
        assert (worker.stopped, worker.asked.stop_reasons, worker.asked.moved) == ([first], ["enough"], [])
        await house.until(token, second, "ACTIVE")


async def test_ending_a_session_twice_is_fine_and_the_first_reason_stands(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        await house.warm()
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        worker = house.worker_of(session_id)
        for reason in ({"reason": "first"}, {"reason": "second"}, None):
            assert (await house.ask("DELETE", f"/sessions/{session_id}", token, json=reason)).status == 204
        body = await house.until(token, session_id, "CLOSED")
        assert (body["reason"], "capabilities" in body) == ("first", False)
        await house.idle(worker)
        assert worker.stopped == [session_id]


async def test_a_session_that_ends_at_its_worker_closes_with_that_reason_and_frees_the_worker(
    tmp_path: Path, database_url: str
) -> None:
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        await house.warm()
        token = await house.token(await house.key())
        first, second = [(await house.begin(token))["session_id"] for _ in range(2)]
        await house.until(token, first, "ACTIVE")
        worker = house.worker_of(first)
        worker.end_session("nobody was connected")
        assert (await house.until(token, first, "CLOSED"))["reason"] == "nobody was connected"
        await house.until(token, second, "ACTIVE")
        assert (worker.started, worker.stopped) == ([first, second], [])


async def test_the_end_of_a_sessions_time_is_announced_and_warned_of_and_then_its_clients_are_told(
    tmp_path: Path, database_url: str
) -> None:
    limits = {"expiry_warning_seconds": 0.7}
    async with opened(configuration(tmp_path, database_url, limits=limits)) as house:
        await house.warm()
        token = await house.token(await house.key())
        session_id = (await house.begin(token, max_session_duration_seconds=1))["session_id"]
        active = await house.until(token, session_id, "ACTIVE")
        worker = house.worker_of(session_id)
        assert 0 < active["expires_at"] - house.coordinator.service.clock() <= 1
        await worker.until(lambda: worker.notices)
        (notice,) = worker.notices
        left = notice.data.pop("remaining_s")
        assert notice == Notice(type="sessionExpiration", data={"expires_at": active["expires_at"]})
        assert 0 < left <= 0.7
        closed = await house.until(token, session_id, "CLOSED")
        assert (closed["reason"], closed["expires_at"]) == ("expired", active["expires_at"])
        await worker.until(lambda: worker.asked.stop_reasons == ["expired"])
        assert (worker.asked.moved, len(worker.notices)) == ([], 1)


async def test_a_session_lasts_no_longer_than_its_model_or_the_credit_of_its_key_allows(
    tmp_path: Path, database_url: str
) -> None:
    config = configuration(tmp_path, database_url, echo={"warm": 2, "max_session_seconds": 90})
    async with opened(config) as house:
        await house.warm(2)
        lengths = []
        for credit in (None, 30.0):
            token = await house.token(await house.key(credit_s=credit))
            body = await house.until(token, (await house.begin(token))["session_id"], "ACTIVE")
            lengths.append(body["expires_at"] - house.coordinator.service.clock())
        assert 80 < lengths[0] <= 90
        assert 20 < lengths[1] <= 30


async def test_credit_that_runs_out_ends_the_session_and_refuses_the_next(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        await house.warm()
        token = await house.token(await house.key(credit_s=0.3))
        session_id = (await house.begin(token))["session_id"]
        assert (await house.until(token, session_id, "CLOSED"))["reason"] == "expired"
        refused = await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}})
        assert (refused.status, refused.body["code"]) == (402, "CREDITS_EXHAUSTED")


async def test_all_goes_well_where_everything_is_written_twice_because_the_answers_of_the_database_are_lost(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        key = await house.key(max_sessions=2, credit_s=100.0)
        token = await house.token(key)
        database = house.coordinator.database
        write = database.write

        async def write_twice(*work: Any, **values: Any) -> Any:
            await write(*work, **values)
            return await write(*work, **values)

        monkeypatch.setattr(database, "write", write_twice)
        await house.warm()
        first, second = [(await house.begin(token))["session_id"] for _ in range(2)]
        await house.until(token, first, "ACTIVE")
        (worker,) = house.workers
        assert (await house.ask("DELETE", f"/sessions/{first}", token)).status == 204
        await house.until(token, second, "ACTIVE")
        assert (worker.started, worker.stopped, len(house.pool.launched)) == ([first, second], [first], 1)
        (record,) = await database.read(key_rows.listing)
        assert record.credit_s is not None
        assert 90.0 < record.credit_s < 100.0


# ------------------------------------------------------------------------------------------------------ lost workers


@pytest.mark.parametrize("how", ["crash", "die"])
async def test_a_session_whose_worker_is_gone_goes_on_at_another_one(tmp_path: Path, database_url: str, how: str) -> None:
    async with opened(configuration(tmp_path, database_url, echo=TWO)) as house:
        await house.warm(2)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        active = await house.until(token, session_id, "ACTIVE")
        await house.sees(lambda snapshot: session_id in snapshot.sessions and snapshot.sessions[session_id].state == "ACTIVE")
        lost = house.worker_of(session_id)
        getattr(lost, how)()
        states = await _states_until_elsewhere(house, session_id, lost.id)
        assert states[:2] == ["ACTIVE", "INACTIVE"]
        again = await house.until(token, session_id, "ACTIVE")
        assert (again["restarts"], again["expires_at"]) == (1, active["expires_at"])
        assert house.worker_of(session_id) is not lost
        await house.warm(1)


async def _states_until_elsewhere(house: House, session_id: str, worker_id: str) -> list[str]:
    """The states that the coordinator sees a session go through until another worker runs it."""
    states: list[str] = []

    def elsewhere(snapshot: Snapshot) -> bool:
        session = snapshot.sessions[session_id]
        if states[-1:] != [str(session.state)]:
            states.append(str(session.state))
        return session.state == "ACTIVE" and session.worker_id != worker_id

    await house.sees(elsewhere)
    return states


async def test_a_worker_that_is_silent_is_given_up_and_told_to_end_what_it_still_runs(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "LEASE_S", 1.5)
    monkeypatch.setattr(reports, "INTERVAL_S", 0.3)
    async with opened(configuration(tmp_path, database_url, echo=TWO)) as house:
        await house.warm(2)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        silent = house.worker_of(session_id)
        silent.silent = True
        await house.sees(lambda snapshot: silent.id not in snapshot.workers)
        await house.until(token, session_id, "ACTIVE")
        (other,) = [each for each in house.workers if each.session_id == session_id and each is not silent]
        assert other.started == [session_id]
        await silent.until(lambda: silent.dead)


async def test_a_session_that_loses_too_many_workers_ends_and_says_why(tmp_path: Path, database_url: str) -> None:
    config = configuration(tmp_path, database_url, echo=TWO, limits={"restarts": 1})
    async with opened(config, slots=3) as house:
        await house.warm(2)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.until(token, session_id, "ACTIVE")
        first = house.worker_of(session_id)
        first.crash()
        await _states_until_elsewhere(house, session_id, first.id)
        house.worker_of(session_id).crash()
        assert (await house.until(token, session_id, "CLOSED"))["reason"] == "worker_failed"


async def test_a_worker_that_does_not_start_a_session_is_replaced_and_the_session_placed_elsewhere(
    tmp_path: Path, database_url: str
) -> None:
    async with opened(configuration(tmp_path, database_url, echo=TWO)) as house:
        await house.warm(2)
        bad = house.workers[0]
        for each in house.workers:
            each.fail_start(1)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        body = await house.until(token, session_id, "ACTIVE")
        assert 1 <= body["restarts"] <= 2
        worker = house.worker_of(session_id)
        assert worker.started == [session_id]
        assert worker is not bad or body["restarts"] == 1
        await house.warm(1)
        assert len(house.workers) == 2


async def test_a_session_that_ended_at_its_worker_before_that_was_known_is_not_begun_anew(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        await house.warm()
        (worker,) = house.workers
        database = house.coordinator.database
        write = database.write
        lost: list[str] = []

        async def lose_started(work: Any, *arguments: Any, **values: Any) -> Any:
            if work is session_rows.started and not lost:
                lost.append(arguments[0].id)
                worker.silent = True
                worker.end_session("enough")
                raise StoreUnavailableError("the database is away")
            return await write(work, *arguments, **values)

        monkeypatch.setattr(database, "write", lose_started)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        await house.sees(lambda _: lost == [session_id])
        await house.looked(3)
        worker.silent = False
        assert (await house.until(token, session_id, "CLOSED"))["reason"] == "enough"
        await house.idle(worker)
        assert (worker.started, len(house.pool.launched)) == ([session_id], 1)


async def test_a_database_that_is_away_while_a_session_starts_costs_its_worker_nothing(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        await house.warm()
        (worker,) = house.workers
        database = house.coordinator.database
        read = database.read
        lost: list[str] = []

        async def lose_uploads(work: Any, *arguments: Any, **values: Any) -> Any:
            if work is upload_rows.of_session and not lost:
                lost.append(arguments[0])
                raise StoreUnavailableError("the database is away")
            return await read(work, *arguments, **values)

        monkeypatch.setattr(database, "read", lose_uploads)
        token = await house.token(await house.key())
        session_id = (await house.begin(token))["session_id"]
        active = await house.until(token, session_id, "ACTIVE")
        assert lost == [session_id]
        assert (active.get("restarts"), house.workers, worker.started) == (None, [worker], [session_id])
        assert len(house.pool.launched) == 1
