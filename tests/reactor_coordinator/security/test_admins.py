"""What is for admins alone: the operator's routes, and the pages that are nothing without them."""

import re
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import pytest
from tests.reactor_coordinator.house import House, configuration, opened
from tests.reactor_coordinator.security.addresses import OF_THE_HOUSE, filled

from reactor_coordinator.pages import connects
from reactor_coordinator.records import Role
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store import sessions as session_rows

ALL = {"type": "session", "resources": {"models": {"all": True}}}
NO_ADMIN = {"code": "FORBIDDEN", "message": "this takes an admin's API key: make one with `reactor keys create NAME --admin`"}


async def test_a_client_is_no_admin_by_key_or_token(house: House) -> None:
    key = await house.key()
    for credential in (key, await house.token(key)):
        for method, address, body in OF_THE_HOUSE:
            reply = await house.ask(method, filled(address, str(uuid4())), credential, json=body)
            assert (reply.status, reply.body) == (403, NO_ADMIN), (method, address)


async def test_a_scoped_token_of_an_admin_is_for_its_scope_alone(house: House) -> None:
    scoped = await house.token(await house.key(role=Role.ADMIN), authorization_details=[ALL])
    for method, address, body in OF_THE_HOUSE:
        reply = await house.ask(method, filled(address, str(uuid4())), scoped, json=body)
        assert (reply.status, reply.body) == (403, NO_ADMIN), (method, address)


async def test_a_refused_order_does_nothing(house: House) -> None:
    token = await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    worker = house.worker_of(session_id)
    assert (await house.ask("POST", f"/admin/sessions/{session_id}/end", token)).status == 403
    assert (await house.ask("POST", f"/admin/workers/{worker.id}/drain", token)).status == 403
    await house.looked(2)
    assert house.snapshot.sessions[session_id].state == "ACTIVE"
    assert not house.snapshot.workers[worker.id].draining


async def test_the_first_key_and_new_ones_are_clients(house: House) -> None:
    await house.key()
    (key,) = await house.coordinator.database.read(key_rows.listing)
    assert key.role == "client"


async def test_nothing_that_an_admin_is_shown_is_a_secret(house: House) -> None:
    key, admin = await house.key(), await house.key(role=Role.ADMIN)
    token = await house.token(key)
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    shown = [str((await house.ask("GET", f"/admin/{page}", admin)).body) for page in ("state", "keys")]
    await house.ask("DELETE", f"/sessions/{session_id}", token)
    shown.append(str((await house.ask("GET", "/admin/ends", admin)).body))
    known = await house.coordinator.database.read(key_rows.listing)
    token_id = (await house.coordinator.database.read(session_rows.newest, 1, closed=True))[0].token_id
    signer = house.coordinator.service.signer
    secrets = [
        *(text[9:] for text in (key, admin)),
        *(asdict(each)["digest"] for each in known),
        *(signer.worker_secret(worker.id) for worker in house.workers),
        token_id,
    ]
    assert [secret for secret in secrets for text in shown if secret in text] == []
    assert all(session_id in text for text in (shown[0], shown[2]))


async def test_what_an_admin_is_told_is_kept_by_nobody(house: House) -> None:
    admin = await house.key(role=Role.ADMIN)
    for method, address, _ in OF_THE_HOUSE[:3]:
        assert (await house.ask(method, address, admin)).headers["Cache-Control"] == "no-store"


async def test_a_page_of_another_origin_has_nothing_that_signs_in_for_it(house: House) -> None:
    """There are no cookies, and none is taken: only a page that knows the key gets in."""
    foreign = {"Origin": "https://evil.example", "Cookie": f"token={await house.key(role=Role.ADMIN)}"}
    reply = await house.ask("GET", "/admin/state", headers=foreign)
    assert reply.status == 401
    assert "Access-Control-Allow-Credentials" not in reply.headers
    assert "Set-Cookie" not in reply.headers


async def test_an_admin_who_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path, limits={"request_burst": 3, "requests_per_second": 0.01})) as house:
        admin = await house.key(role=Role.ADMIN)
        answers = [await house.ask(method, address, admin) for method, address, _ in (*OF_THE_HOUSE[:3], OF_THE_HOUSE[0])]
    assert [each.status for each in answers] == [200, 200, 200, 429]
    assert (answers[3].body["code"], "Retry-After" in answers[3].headers) == ("RATE_LIMITED", True)


@pytest.mark.parametrize("path", ["/play", "/admin"])
async def test_the_pages_run_only_what_comes_from_here(house: House, path: str) -> None:
    reply = await house.ask("GET", path)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    rules = dict(part.strip().split(" ", 1) for part in reply.headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r"<script(?![^>]* src=)|\bstyle=|\bon\w+=|https?://", reply.body) == []
    for address in re.findall(r'(?:src|href)="([^"#]+)"', reply.body):
        assert (await house.ask("GET", f"/{address.lstrip('./')}")).status == 200, address


async def test_the_hosted_playground_says_so(house: House) -> None:
    assert '<meta name="reactor-mode" content="hosted">' in (await house.ask("GET", "/play")).body


def test_where_the_playground_may_send_a_file(tmp_path: Path) -> None:
    def where(**changes: str) -> list[str]:
        return connects(configuration(tmp_path).model_copy(update=changes))

    assert where() == []
    assert where(public_url="https://cloud.example/reactor") == ["https://cloud.example"]
    assert where(uploads="s3://bucket/files") == ["https:"]


async def test_an_operator_who_leaves_takes_the_key_along(house: House) -> None:
    """A revoked key opens nothing, whatever was made of it before."""
    key = await house.key(role=Role.ADMIN)
    token = await house.token(key)
    assert (await house.ask("GET", "/admin/state", token)).status == 200
    (record,) = await house.coordinator.database.read(key_rows.listing)
    await house.coordinator.database.write(key_rows.revoke, record.id, 1.0)
    assert (await house.ask("GET", "/admin/state", token)).status == 401


async def test_a_bad_page_of_rows_is_refused(house: House) -> None:
    admin = await house.key(role=Role.ADMIN)
    for query in ("rows=0", "rows=201", "queue_from=-1", "rows=x", "workers_from=10000001", "row=5"):
        assert (await house.ask("GET", f"/admin/state?{query}", admin)).status == 422, query
