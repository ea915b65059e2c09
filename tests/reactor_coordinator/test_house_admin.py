"""An operator at a whole coordinator: sees what there is, ends a session, drains a worker, and is told what came of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.reactor_coordinator.house import House, configuration, opened

from reactor_coordinator.records import Role


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """One worker."""
    async with opened(configuration(tmp_path), slots=1) as opened_house:
        yield opened_house


async def test_what_an_operator_sees(house: House) -> None:
    admin = await house.key(role=Role.ADMIN)
    token = await house.token(await house.key(priority=3))
    runs = (await house.begin(token))["session_id"]
    await house.until(token, runs, "ACTIVE")
    waits = (await house.begin(token))["session_id"]
    await house.sees(lambda snapshot: waits in snapshot.places)
    body = (await house.ask("GET", "/admin/state", admin)).body
    assert (body["counts"]["waiting"], body["counts"]["sessions"]["ACTIVE"], body["counts"]["workers"]["BUSY"]) == (1, 1, 1)
    (queued,) = body["queue"]["rows"]
    assert (queued["session_id"], queued["position"], queued["priority"], queued["model"]) == (waits, 1, 3, "echo")
    assert queued["key"]["name"] == "test"
    assert queued["key"]["prefix"].startswith("rk_")
    assert len(queued["key"]["prefix"]) == 9
    (running,) = body["sessions"]["rows"]
    (worker,) = body["workers"]["rows"]
    assert (running["session_id"], running["worker_id"]) == (runs, worker["worker_id"])
    assert (worker["state"], worker["session_id"], worker["pool"]) == ("BUSY", runs, "fake")
    (model,) = body["models"]
    assert (model["name"], model["busy"], model["waiting"]) == ("echo", 1, 1)


async def test_an_operator_ends_a_session(house: House) -> None:
    admin = await house.token(await house.key(role=Role.ADMIN))
    token = await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    ended = await house.ask("POST", f"/admin/sessions/{session_id}/end", admin)
    assert (ended.status, ended.body) == (200, {"session_id": session_id, "reason": "ended by the operator"})
    assert (await house.until(token, session_id, "CLOSED"))["reason"] == "ended by the operator"
    again = await house.ask("POST", f"/admin/sessions/{session_id}/end", admin)
    assert (again.status, again.body["code"]) == (409, "CONFLICT")
    nobody = await house.ask("POST", f"/admin/sessions/{uuid4()}/end", admin)
    assert (nobody.status, nobody.body["code"]) == (404, "NOT_FOUND")
    over = (await house.ask("GET", "/admin/ends", admin)).body["sessions"]
    assert [(each["session_id"], each["reason"]) for each in over] == [(session_id, "ended by the operator")]
    assert over[0]["ran_s"] >= 0


async def test_an_operator_says_why_a_session_ends(house: House) -> None:
    admin, token = await house.key(role=Role.ADMIN), await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    ended = await house.ask("POST", f"/admin/sessions/{session_id}/end", admin, json={"reason": "maintenance at six"})
    assert ended.body["reason"] == "maintenance at six"
    assert (await house.until(token, session_id, "CLOSED"))["reason"] == "maintenance at six"


async def test_an_operator_drains_a_worker(house: House) -> None:
    admin, token = await house.key(role=Role.ADMIN), await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    worker = house.worker_of(session_id)
    reply = await house.ask("POST", f"/admin/workers/{worker.id}/drain", admin)
    assert (reply.status, reply.body) == (200, {"worker_id": worker.id, "session_id": session_id})
    await house.sees(lambda snapshot: snapshot.workers[worker.id].draining)
    assert (await house.ask("GET", "/admin/state", admin)).body["workers"]["rows"][0]["draining"] is True
    assert house.snapshot.sessions[session_id].state == "ACTIVE"
    await house.ask("DELETE", f"/sessions/{session_id}", token)
    await house.sees(lambda snapshot: worker.id not in snapshot.workers)
    gone = await house.ask("POST", f"/admin/workers/{worker.id}/drain", admin)
    assert (gone.status, gone.body["code"]) == (404, "NOT_FOUND")


async def test_a_worker_that_was_lost_is_told_of(house: House) -> None:
    admin = await house.key(role=Role.ADMIN)
    await house.warm()
    (worker,) = house.workers
    worker.die()
    await house.sees(lambda snapshot: worker.id not in snapshot.workers)
    (lost,) = (await house.ask("GET", "/admin/ends", admin)).body["workers"]
    assert (lost["worker_id"], lost["failure"], lost["model"]) == (worker.id, "it was killed", "echo")


async def test_the_keys_are_listed_in_pages(house: House) -> None:
    admin = await house.key(role=Role.ADMIN, credit_s=7200.0)
    for _ in range(4):
        await house.key(max_sessions=2)
    first = (await house.ask("GET", "/admin/keys?rows=3", admin)).body
    rest = (await house.ask("GET", "/admin/keys?rows=3&first=3", admin)).body
    assert (first["total"], len(first["rows"]), rest["first"], len(rest["rows"])) == (5, 3, 3, 2)
    assert len({each["id"] for each in (*first["rows"], *rest["rows"])}) == 5
    (shown,) = [each for each in (*first["rows"], *rest["rows"]) if each["role"] == "admin"]
    assert (shown["credit_s"], shown["max_sessions"], shown["sessions"]) == (7200.0, None, 0)


async def test_the_schema_of_a_sessions_model(house: House) -> None:
    token = await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    reply = await house.ask("GET", f"/sessions/{session_id}/schema", token)
    assert (reply.status, reply.body["openapi"]) == (200, "3.1.0")
    await house.ask("DELETE", f"/sessions/{session_id}", token)
    assert (await house.ask("GET", f"/sessions/{session_id}/schema", token)).status == 409
