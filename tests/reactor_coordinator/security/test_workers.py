"""Workers that lie, and others who would pass for one."""

from typing import Any
from uuid import uuid4

from aiohttp import web
from tests.reactor_coordinator.house import Answer, House
from tests.reactor_coordinator.security.addresses import OFFER
from tests.reactor_coordinator.security.test_hostile_bodies import CANNOT_BE_READ, JSON

from reactor_coordinator.records import Role
from reactor_coordinator.store import workers as worker_rows
from reactor_testing.fake_worker import FakeWorker

REPORT: dict[str, Any] = {"port": 1, "state": "ready"}
NOT_THIS_WORKERS = {"code": "UNAUTHORIZED", "message": "the secret is not this worker's"}


def secret_of(house: House, worker_id: str) -> str:
    return house.coordinator.service.signer.worker_secret(worker_id)


async def report(house: House, worker_id: str, secret: str, **changes: Any) -> Answer:
    return await house.ask("POST", f"/workers/{worker_id}/report", secret, json={**REPORT, **changes})


async def running(house: House) -> tuple[str, str, FakeWorker]:
    """A token, its session, and the worker that runs it."""
    token = await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    return token, session_id, house.worker_of(session_id)


async def test_a_report_without_the_workers_own_secret(house: House) -> None:
    await house.warm(2)
    one, two = house.workers
    admin_key = await house.key(role=Role.ADMIN)
    secrets = ["", "x", "\xff", secret_of(house, two.id), secret_of(house, one.id)[:-1], admin_key, await house.token(admin_key)]
    for secret in secrets:
        reply = await report(house, one.id, secret)
        assert (reply.status, reply.body) == (401, NOT_THIS_WORKERS)
    assert house.coordinator.service.board.snapshot.workers[one.id].port == house.workers[0].place.port


async def test_a_secret_of_a_worker_that_never_was(house: House) -> None:
    reply = await report(house, "nobody", secret_of(house, "nobody"))
    assert (reply.status, reply.body) == (404, {"code": "NOT_FOUND", "message": "the worker nobody is not in service"})
    strange = "%00' OR 1=1"
    reply = await report(house, strange, secret_of(house, "nobody"))
    assert (reply.status, reply.body) == (401, NOT_THIS_WORKERS)


async def test_a_worker_that_is_lost_is_nobody(house: House) -> None:
    token, session_id, worker = await running(house)
    await house.coordinator.steward.write_off([worker.id], "told to")
    reply = await report(house, worker.id, secret_of(house, worker.id), state="streaming", session_id=session_id)
    assert (reply.status, reply.body) == (404, {"code": "NOT_FOUND", "message": f"the worker {worker.id} is not in service"})
    await house.until(token, session_id, "ACTIVE")
    assert house.worker_of(session_id) is not worker


async def test_a_worker_that_claims_another_ones_session_is_told_to_stop_it(house: House) -> None:
    token, session_id, honest = await running(house)
    (liar,) = [each for each in house.workers if each is not honest]
    before = (await house.ask("GET", f"/sessions/{session_id}", token)).body
    liar.lie(session_id)
    await liar.until(lambda: any(orders.stop_session == session_id for orders in liar.asked.orders))
    await house.looked(3)
    assert (await house.ask("GET", f"/sessions/{session_id}", token)).body == before
    assert (honest.session_id, honest.stopped) == (session_id, [])


async def test_a_worker_ends_no_session_of_another_one(house: House) -> None:
    token, session_id, honest = await running(house)
    (liar,) = [each for each in house.workers if each is not honest]
    for state, ended in (("ready", session_id), ("waiting", session_id), ("terminated", session_id)):
        said = {"port": liar.place.port, "state": state, "ended": {"session_id": ended, "reason": "because I say so"}}
        assert (await report(house, liar.id, secret_of(house, liar.id), **said)).status == 200
    await house.looked(3)
    assert (await house.ask("GET", f"/sessions/{session_id}", token)).body["state"] == "ACTIVE"
    assert (honest.session_id, honest.stopped) == (session_id, [])


async def test_a_worker_that_invents_a_session(house: House) -> None:
    await house.warm(2)
    liar = house.workers[0]
    invented = str(uuid4())
    liar.lie(invented)
    await liar.until(lambda: any(orders.stop_session == invented for orders in liar.asked.orders))
    admin = await house.token(await house.key(role=Role.ADMIN))
    assert (await house.ask("GET", f"/sessions/{invented}", admin)).status == 404


async def test_a_workers_secret_opens_nothing_of_a_client(house: House) -> None:
    token, session_id, worker = await running(house)
    for method, path in (("GET", "/sessions"), ("GET", f"/sessions/{session_id}"), ("DELETE", f"/sessions/{session_id}")):
        assert (await house.ask(method, path, secret_of(house, worker.id))).status == 401
    assert (await house.ask("GET", f"/sessions/{session_id}", token)).body["state"] == "ACTIVE"


async def test_a_report_that_no_database_holds(any_house: House) -> None:
    await any_house.warm()
    worker = any_house.workers[0]
    secret, address = secret_of(any_house, worker.id), f"/workers/{worker.id}/report"
    for body, message in CANNOT_BE_READ.values():
        reply = await any_house.ask("POST", address, secret, data=body, headers=JSON)
        assert (reply.status, reply.body["code"]) == (400, "BAD_REQUEST")
        assert reply.body["message"].startswith(message)
    wrong: list[dict[str, Any]] = [
        {"port": 0},
        {"port": 65_536},
        {"pid": 10**30},
        {"pid": -1},
        {"connections": 10**9},
        {"state": "x" * 33},
        {"session_id": "x" * 65},
        {"failure": "x" * 2049},
        {"ended": {"session_id": "x", "reason": "x" * 513}},
        {"capabilities": {"tracks": "none"}},
    ]
    for changes in wrong:
        reply = await report(any_house, worker.id, secret, **changes)
        assert (changes, reply.status, reply.body["code"]) == (changes, 422, "BAD_REQUEST")
    tracks = [{"name": "main_video", "kind": "video", "direction": "recvonly"}]
    unusual = {"tracks": tracks, "emission_fps": 1e300, "x": {"y": "\U0001f600" * 1000}}
    assert (await report(any_house, worker.id, secret, port=worker.place.port, capabilities=unusual)).status == 200
    token = await any_house.token(await any_house.key())
    session_id = (await any_house.begin(token))["session_id"]
    assert (await any_house.until(token, session_id, "ACTIVE"))["capabilities"]["tracks"][0]["name"] == "main_video"


NONSENSE: dict[str, tuple[int, str, bytes]] = {
    "not JSON": (200, "application/json", b"<html>"),
    "a number that is none": (200, "application/json", b'{"x": NaN}'),
    "lists in lists": (200, "application/json", b"[" * 1_000_000),
    "no object": (200, "application/json", b"[]"),
    "not UTF-8": (200, "application/json", b'{"x": "\xff"}'),
    "a redirection": (307, "text/plain", b""),
    "a mistake of its own": (500, "text/plain", b"\xff" * 10_000),
    "it does not know us": (401, "application/json", b"{}"),
    "a status that is none": (599, "text/plain", b""),
    "one that is not passed on": (418, "text/plain", b""),
    "more than anybody reads": (200, "application/json", b'"' + b"x" * 5_000_000 + b'"'),
}


async def test_a_worker_that_answers_with_nonsense_is_no_mistake_of_the_server(house: House) -> None:
    token, session_id, worker = await running(house)
    path = f"/sessions/{session_id}/transport/webrtc/sdp_params"
    worker.silent = True
    async with Impostor() as impostor:
        said = {"port": impostor.port, "state": "streaming", "session_id": session_id}
        for name, (status, kind, body) in NONSENSE.items():
            assert (await report(house, worker.id, secret_of(house, worker.id), **said)).status == 200
            impostor.answer = (status, kind, body)
            reply = await house.ask("POST", path, token, json=OFFER)
            assert (name, reply.status, reply.body["code"]) == (name, 503, "UNAVAILABLE")
            assert len(reply.body["message"]) <= 600
            assert reply.headers["Retry-After"] == "1"
        impostor.answer = (200, "text/html", b"<script>alert(1)</script>")
        page = await house.ask("GET", path, token)
        assert page.status == 200
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "/elsewhere" not in [path for path, _ in impostor.seen]
        assert {seen for _, seen in impostor.seen} == {f"Bearer {secret_of(house, worker.id)}"}


async def test_a_worker_chooses_the_port_that_it_is_asked_at_and_not_the_host(house: House) -> None:
    token, session_id, worker = await running(house)
    said = {"state": "streaming", "session_id": session_id, "host": "169.254.169.254", "url": "http://169.254.169.254/"}
    await report(house, worker.id, secret_of(house, worker.id), **said, port=worker.place.port)
    record = await house.coordinator.service.database.read(_worker, worker.id)
    assert record.url == f"http://127.0.0.1:{worker.place.port}"
    assert (await house.ask("POST", f"/sessions/{session_id}/transport/webrtc/connections", token)).status == 201


async def _worker(connection: Any, /, worker_id: str) -> Any:
    return await worker_rows.get(connection, worker_id)


class Impostor:
    """A server where a worker says that it is. ``seen`` are the paths and the header ``Authorization`` of what came."""

    def __init__(self) -> None:
        self.answer: tuple[int, str, bytes] = (200, "application/json", b"{}")
        self.seen: list[tuple[str, str]] = []
        self.port = 0

    async def __aenter__(self) -> "Impostor":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        self.seen.append((request.path, request.headers.get("Authorization", "")))
        status, kind, body = self.answer
        return web.Response(status=status, body=body, content_type=kind, headers={"Location": "/elsewhere"})
