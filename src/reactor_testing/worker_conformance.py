"""What every worker must do: checks to put one through, the fake and a process alike.

Each of :data:`CHECKS` is an async function of a :class:`Rig`; it raises ``AssertionError`` or ``TimeoutError`` where the worker
misbehaves. A rig is a worker that has just been started with the desk as its coordinator; each check wants one of its own.
Nothing here waits for a fixed time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import aiohttp

from reactor_protocol.resources import WorkerOrders
from reactor_testing.report_desk import ReportDesk

SESSION: Final = "6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"
OTHER: Final = "0a4be9ad-55a4-49b0-b0b8-3d3ad1a5a402"
EXIT_LIMIT_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class Rig:
    """A worker and its coordinator's desk. ``exited`` returns once the worker has ended."""

    worker_id: str
    secret: str
    desk: ReportDesk
    exited: Callable[[], Awaitable[object]]

    async def call(self, method: str, path: str, body: Any = None, secret: str | None = None) -> tuple[int, Any]:
        """Status and body of a request; ``secret`` is the worker's where none is given, and none is sent where it is empty."""
        await self.desk.until(lambda report: True)
        secret = self.secret if secret is None else secret
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        url = f"http://127.0.0.1:{self.desk.last.port}"
        async with (
            aiohttp.ClientSession(url, headers=headers) as http,
            http.request(method, path, json=body) as response,
        ):
            text = await response.text()
            return response.status, await response.json() if text else None

    async def ready(self) -> None:
        """Waits until the model is loaded."""
        await self.desk.until(lambda report: report.state == "ready")

    async def reported(self, times: int) -> None:
        """Waits for so many more reports."""
        wanted = len(self.desk.reports) + times
        await self.desk.until(lambda report: len(self.desk.reports) >= wanted)

    async def start(self, session_id: str = SESSION) -> None:
        """Begins a session."""
        await self.ready()
        status, body = await self.call("POST", "/start_session", {"session_id": session_id})
        assert status == 200, body


Check: TypeAlias = Callable[[Rig], Awaitable[None]]


# --------------------------------------------------------------------------------------------------------------- secrets


async def nobody_comes_in_without_the_secret(rig: Rig) -> None:
    """401 with a code and a message on every route, whether it exists or not."""
    await rig.ready()
    routes = [
        ("POST", "/start_session"),
        ("POST", "/stop_session"),
        ("POST", "/notice"),
        ("GET", "/session"),
        ("GET", f"/sessions/{SESSION}/transport/webrtc/ice_servers"),
        ("GET", "/nothing/here"),
        ("POST", "/health"),
    ]
    for secret in ("", "wrong", rig.secret[:-1], rig.secret + "x", "ü"):
        for method, path in routes:
            status, body = await rig.call(method, path, {"session_id": SESSION}, secret=secret)
            assert status == 401, f"{method} {path} with {secret!r}: {status}"
            assert body["code"] == "UNAUTHORIZED"
            assert body["message"]
    assert rig.desk.last.session_id is None


async def its_health_is_open(rig: Rig) -> None:
    """``GET /health`` answers everybody."""
    await rig.ready()
    status, body = await rig.call("GET", "/health", secret="")
    assert (status, body["status"], body["state"]) == (200, "healthy", "available")


# --------------------------------------------------------------------------------------------------------------- reports


async def it_reports_who_it_is(rig: Rig) -> None:
    """Port, state and capabilities, with the secret, to the address of its id."""
    await rig.ready()
    received = rig.desk.reports[-1]
    assert received.worker_id == rig.worker_id
    assert received.authorization == f"Bearer {rig.secret}"
    report = received.report
    assert (report.session_id, report.connections, report.ended, report.failure) == (None, 0, None, None)
    assert report.pid > 0
    assert report.capabilities is not None
    assert report.capabilities.protocol_version == "v0"
    assert [track.kind for track in report.capabilities.tracks] == ["video"]


async def it_goes_on_reporting(rig: Rig) -> None:
    """A heartbeat comes although nothing changes, and after a coordinator that failed too."""
    await rig.ready()
    await rig.reported(2)
    for status in (503, 429, 500):
        rig.desk.status = status
        await rig.reported(2)
    rig.desk.status = 200
    await rig.start()
    await rig.desk.until(lambda report: report.session_id == SESSION)


async def changes_are_reported_at_once(rig: Rig) -> None:
    """The next heartbeat is a minute away, and the news is here in a moment."""
    await rig.ready()
    rig.desk.orders = WorkerOrders(interval_s=60)
    await rig.reported(1)
    await rig.start()
    await rig.desk.until(lambda report: (report.state, report.session_id) == ("waiting", SESSION), 2.0)
    await rig.call("POST", "/stop_session", {"reason": "enough"})
    await rig.desk.until(lambda report: (report.state, report.session_id) == ("ready", None), 2.0)


# -------------------------------------------------------------------------------------------------------------- sessions


async def a_session_has_the_id_that_it_is_given(rig: Rig) -> None:
    """The descriptor carries the id and the capabilities; its routes go by the id, and by no other."""
    await rig.ready()
    status, body = await rig.call("POST", "/start_session", {"session_id": SESSION})
    assert (status, body["session_id"], body["state"]) == (200, SESSION, "waiting")
    assert body["capabilities"]["protocol_version"] == "v0"
    path = "/sessions/{}/transport/webrtc/ice_servers"
    assert (await rig.call("GET", path.format(SESSION)))[0] == 200
    assert (await rig.call("GET", path.format(OTHER)))[0] == 404
    assert (await rig.call("GET", path.format("00000000-0000-0000-0000-000000000000")))[0] == 404
    report = await rig.desk.until(lambda report: report.session_id == SESSION)
    assert report.ended is None


async def an_id_that_is_none_is_refused(rig: Rig) -> None:
    """400, and no session."""
    await rig.ready()
    nil = "00000000-0000-0000-0000-000000000000"
    for given in ("", "x", "../..", SESSION.upper(), "{" + SESSION + "}", SESSION + "\n", nil, 7, None, [SESSION]):
        status, body = await rig.call("POST", "/start_session", {"session_id": given})
        assert status == 400, f"{given!r}: {status} {body}"
    assert (await rig.call("POST", "/start_session", {}))[0] == 400
    assert (await rig.call("GET", "/session"))[1]["state"] == "ready"


async def a_busy_worker_refuses_another_session(rig: Rig) -> None:
    """409; the same session again is no error, since the first answer may have been lost."""
    await rig.start()
    status, body = await rig.call("POST", "/start_session", {"session_id": OTHER})
    assert (status, body["code"]) == (409, "CONFLICT")
    status, body = await rig.call("POST", "/start_session", {"session_id": SESSION})
    assert (status, body["session_id"]) == (200, SESSION)


async def a_stopped_session_is_reported_as_ended(rig: Rig) -> None:
    """With its reason, until the next one begins; without a session there is nothing to stop."""
    await rig.ready()
    assert (await rig.call("POST", "/stop_session", {"reason": "x"}))[0] == 409
    await rig.start()
    assert (await rig.call("POST", "/stop_session", {"reason": "deployment"})) == (200, None)
    report = await rig.desk.until(lambda report: report.ended is not None)
    assert report.ended is not None
    assert (report.state, report.session_id) == ("ready", None)
    assert (report.ended.session_id, report.ended.reason) == (SESSION, "deployment")
    await rig.start(OTHER)
    report = await rig.desk.until(lambda report: report.session_id == OTHER)
    assert report.ended is None


async def a_moved_session_has_not_ended(rig: Rig) -> None:
    """It leaves the worker, and is not reported as ended: it goes on elsewhere, and may come back here."""
    await rig.start()
    assert (await rig.call("POST", "/stop_session", {"reason": "moved", "moved": True})) == (200, None)
    report = await rig.desk.until(lambda report: report.state == "ready" and report.session_id is None)
    assert report.ended is None
    await rig.start(SESSION)
    await rig.desk.until(lambda report: report.session_id == SESSION)


async def notices_need_a_session(rig: Rig) -> None:
    """409 without one, 200 with one, 422 for what is no notice."""
    await rig.ready()
    notice = {"type": "sessionExpiration", "data": {"expires_at": 1.5, "remaining_s": 60}}
    status, body = await rig.call("POST", "/notice", notice)
    assert (status, body["code"]) == (409, "CONFLICT")
    await rig.start()
    assert await rig.call("POST", "/notice", notice) == (200, None)
    assert (await rig.call("POST", "/notice", {"data": {}}))[0] == 422


# ---------------------------------------------------------------------------------------------------------------- orders


async def a_session_is_given_up_on_order(rig: Rig) -> None:
    """``stop_session`` ends the session that it names, and no other."""
    await rig.start()
    rig.desk.orders = WorkerOrders(interval_s=0.05, stop_session=OTHER)
    await rig.reported(3)
    assert rig.desk.last.session_id == SESSION
    rig.desk.orders = WorkerOrders(interval_s=0.05, stop_session=SESSION)
    report = await rig.desk.until(lambda report: report.session_id is None)
    await rig.desk.until(lambda report: report.state == "ready")
    assert report.ended is None


async def it_exits_on_order(rig: Rig) -> None:
    """With a session too, and its last word is that it has."""
    await rig.start()
    rig.desk.orders = WorkerOrders(exit=True)
    async with asyncio.timeout(EXIT_LIMIT_S):
        await rig.exited()
    assert (rig.desk.last.state, rig.desk.last.session_id) == ("terminated", None)


async def it_exits_when_nobody_knows_it(rig: Rig) -> None:
    """A coordinator that answers 404 has replaced it long ago."""
    await rig.start()
    rig.desk.status = 404
    async with asyncio.timeout(EXIT_LIMIT_S):
        await rig.exited()


# --------------------------------------------------------------------------------------------------------------- uploads


async def files_are_announced_by_their_source(rig: Rig) -> None:
    """201, as often as the coordinator asks for the same file; 409 for another one of that id; 400 for what is no address."""
    await rig.start()
    path = f"/sessions/{SESSION}/uploads"
    file = {"name": "a.png", "size": 6, "mime_type": "image/png", "upload_id": "u-1", "source": f"{rig.desk.url}/files/a"}
    for _ in range(2):
        status, body = await rig.call("POST", path, file)
        assert (status, body["presigned_id"]) == (201, "u-1")
    assert (await rig.call("POST", path, {**file, "size": 7}))[0] == 409
    for source in ("", "/files/a", "file:///etc/passwd", "ftp://127.0.0.1/a", "http://", "gopher://x"):
        status, body = await rig.call("POST", path, {**file, "upload_id": "u-2", "source": source})
        assert status == 400, f"{source!r}: {status} {body}"
    assert (await rig.call("POST", f"/sessions/{OTHER}/uploads", file))[0] == 404
    # Nobody has referred to the file: there was no reason to fetch it.
    assert rig.desk.fetched == []


CHECKS: Final[tuple[Check, ...]] = (
    nobody_comes_in_without_the_secret,
    its_health_is_open,
    it_reports_who_it_is,
    it_goes_on_reporting,
    changes_are_reported_at_once,
    a_session_has_the_id_that_it_is_given,
    an_id_that_is_none_is_refused,
    a_busy_worker_refuses_another_session,
    a_stopped_session_is_reported_as_ended,
    a_moved_session_has_not_ended,
    notices_need_a_session,
    a_session_is_given_up_on_order,
    it_exits_on_order,
    it_exits_when_nobody_knows_it,
    files_are_announced_by_their_source,
)
