"""One tenant's session is to another one as if it did not exist: the same answer, on every route."""

from uuid import uuid4

from tests.reactor_coordinator.house import House
from tests.reactor_coordinator.security.addresses import (
    OF_A_SESSION,
    OF_THE_HOUSE,
    WITHOUT_A_SESSION,
    WITHOUT_A_TOKEN,
    filled,
)

from reactor_coordinator.records import Role
from reactor_protocol.names import EVENT_STREAM

NO_IDS = [("a%00b", "a\x00b"), ("x" * 5000, "x" * 64), ("%F0%9F%98%80", "\U0001f600"), ("1%20OR%201", "1 OR 1")]


async def test_no_route_has_been_left_out(house: House) -> None:
    document = (await house.ask("GET", "/openapi.json")).body
    with_a_token = (*OF_A_SESSION, *WITHOUT_A_SESSION, *OF_THE_HOUSE)
    known = {(method, path.split("?")[0]) for method, path, _ in with_a_token} | WITHOUT_A_TOKEN
    assert {(method.upper(), path) for path, item in document["paths"].items() for method in item} == known


async def test_another_tenants_session_does_not_exist(house: House) -> None:
    owner, stranger = await house.token(await house.key()), await house.token(await house.key())
    theirs = (await house.begin(owner))["session_id"]
    await house.until(owner, theirs, "ACTIVE")
    nobodys = str(uuid4())
    for method, address, body in OF_A_SESSION:
        for accept in ("*/*", EVENT_STREAM):
            asked = [
                await house.ask(method, filled(address, each), stranger, json=body, headers={"Accept": accept})
                for each in (theirs, nobodys)
            ]
            assert [reply.status for reply in asked] == [404, 404], (method, address)
            assert asked[0].body == {"code": "NOT_FOUND", "message": f"there is no session {theirs}"}
            assert asked[1].body == {"code": "NOT_FOUND", "message": f"there is no session {nobodys}"}
    assert (await house.ask("GET", f"/sessions/{theirs}", owner)).body["state"] == "ACTIVE"
    assert (await house.ask("GET", "/sessions", stranger)).body == {"sessions": []}


async def test_nothing_of_the_strangers_requests_reaches_the_worker(house: House) -> None:
    owner, stranger = await house.token(await house.key()), await house.token(await house.key())
    theirs = (await house.begin(owner))["session_id"]
    await house.until(owner, theirs, "ACTIVE")
    for method, address, body in OF_A_SESSION:
        await house.ask(method, filled(address, theirs), stranger, json=body)
    (worker,) = [each for each in house.workers if each.session_id == theirs]
    assert (worker.offers, worker.stopped, worker.asked.candidates, worker.asked.uploads) == ([], [], [], {})


async def test_a_session_id_that_no_database_holds(any_house: House) -> None:
    token = await any_house.token(await any_house.key())
    for method, address, body in OF_A_SESSION:
        for given, shown in [
            ("a%00b", "a\x00b"),
            ("x" * 5000, "x" * 64),
            ("%F0%9F%98%80", "\U0001f600"),
            ("1%20OR%201", "1 OR 1"),
        ]:
            reply = await any_house.ask(method, filled(address, given), token, json=body)
            assert (reply.status, reply.body) == (404, {"code": "NOT_FOUND", "message": f"there is no session {shown}"})


async def test_an_admin_sees_and_ends_everybodys_sessions(house: House) -> None:
    owner = await house.token(await house.key())
    admin = await house.token(await house.key(role=Role.ADMIN))
    theirs = (await house.begin(owner))["session_id"]
    assert (await house.ask("GET", f"/sessions/{theirs}", admin)).status == 200
    assert (await house.ask("DELETE", f"/sessions/{theirs}", admin)).status == 204
    assert (await house.until(owner, theirs, "CLOSED"))["reason"] == "ended by its client"


async def test_a_scoped_token_of_an_admin_sees_no_more_than_its_scope(house: House) -> None:
    owner = await house.token(await house.key())
    theirs = (await house.begin(owner))["session_id"]
    scope = {"type": "session", "resources": {"models": {"all": True}}}
    scoped = await house.token(await house.key(role=Role.ADMIN), authorization_details=[scope])
    assert (await house.ask("GET", f"/sessions/{theirs}", scoped)).status == 404
    assert (await house.ask("DELETE", f"/sessions/{theirs}", scoped)).status == 404
    bound = {"type": "session", "resources": {"models": {"all": True}, "sessions": {"bind": [theirs]}}}
    binding = await house.token(await house.key(role=Role.ADMIN), authorization_details=[bound])
    assert (await house.ask("GET", f"/sessions/{theirs}", binding)).status == 200


async def test_a_client_binds_no_session_of_another_tenant(house: House) -> None:
    owner = await house.token(await house.key())
    theirs = (await house.begin(owner))["session_id"]
    bound = {"type": "session", "resources": {"models": {"all": True}, "sessions": {"bind": [theirs]}}}
    binding = await house.token(await house.key(), authorization_details=[bound])
    assert (await house.ask("GET", f"/sessions/{theirs}", binding)).status == 404
