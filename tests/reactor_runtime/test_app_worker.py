"""The routes of a worker: its coordinator's orders, and what its clients hear of them."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from tests.reactor_runtime.runtime_support import WORKER, House, opened

from reactor_protocol.messages import FileRef, FileUploaded, RuntimeMessage, ServerMessage, SessionEnded
from reactor_runtime.app import build_app
from reactor_runtime.config import Manifest

SESSION = "6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"
OTHER = "0a4be9ad-55a4-49b0-b0b8-3d3ad1a5a402"
NIL = "00000000-0000-0000-0000-000000000000"


class Source:
    """A fetcher that has every file."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def fetch(self, source: str) -> AsyncGenerator[bytes, None]:
        self.asked.append(source)
        yield b"abcdef"


def told(received: list[ServerMessage]) -> list[tuple[str, object]]:
    """What the platform said of the session, in order."""
    found: list[tuple[str, object]] = []
    for message in received:
        match message:
            case SessionEnded(reason):
                found.append(("sessionEnded", reason))
            case RuntimeMessage(kind, data):
                found.append((kind, data))
            case _:
                pass
    return found


# --------------------------------------------------------------------------------------------------- who may come in


async def test_every_route_but_health_asks_for_the_secret() -> None:
    async with opened(settings=WORKER) as house:
        transport = httpx.ASGITransport(build_app(house.runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as stranger:
            assert (await stranger.get("/health")).json()["status"] == "healthy"
            for method, path in [("GET", "/session"), ("POST", "/start_session"), ("GET", "/openapi.json"), ("GET", "/schema")]:
                response = await stranger.request(method, path)
                assert (response.status_code, response.json()["code"]) == (401, "UNAUTHORIZED"), path
            put = await stranger.put("/uploads/x", content=b"x" * 2_000_000)
            assert put.status_code == 401
        assert (await house.http.get("/session")).status_code == 200


async def test_browsers_of_other_origins_have_no_business_with_a_worker() -> None:
    origin = {"Origin": "https://app.example"}
    async with opened() as house:
        assert (await house.http.get("/health", headers=origin)).headers["access-control-allow-origin"] == "*"
    async with opened(settings=WORKER) as house:
        assert "access-control-allow-origin" not in (await house.http.get("/health", headers=origin)).headers


async def test_without_a_coordinator_ids_are_random_and_there_is_no_notice() -> None:
    async with opened() as house:
        await house.start(SESSION)
        assert house.runtime.table.session_id not in (SESSION, NIL)
        assert (await house.http.post("/notice", json={"type": "x", "data": {}})).status_code == 404
        assert (await house.http.post("/stop_session", json={"moved": True})).status_code == 200
        assert house.runtime.table.ended is not None


# --------------------------------------------------------------------------------------------------------- sessions


async def test_a_session_by_the_id_of_the_coordinator() -> None:
    async with opened(settings=WORKER) as house:
        response = await house.http.post("/start_session", json={"session_id": SESSION, "anything": 1})
        assert response.json()["session_id"] == SESSION
        assert (await house.http.post(f"/sessions/{SESSION}/transport/webrtc/connections")).status_code == 201
        for other in (NIL, OTHER):
            assert (await house.http.post(f"/sessions/{other}/transport/webrtc/connections")).status_code == 404


async def test_the_same_start_again_does_not_begin_anew() -> None:
    async with opened(settings=WORKER) as house:
        await house.start(SESSION)
        visitor = await house.welcome()
        await house.start(SESSION)
        assert (await visitor.ask("journal"))["entries"] == [f"connected {visitor.id}"]
        response = await house.http.post("/start_session", json={"session_id": OTHER})
        assert response.status_code == 409
        assert response.json() == {
            "code": "CONFLICT",
            "detail": "a session cannot be started while the runtime is streaming",
        }


async def test_a_session_that_comes_back_begins_anew() -> None:
    async with opened(settings=WORKER) as house:
        await house.start(SESSION)
        first = await house.welcome()
        await first.command("set_level", level=200)
        await house.http.post("/stop_session", json={"moved": True})
        await house.start(SESSION)
        second = await house.welcome()
        assert (await second.ask("journal"))["entries"] == [f"connected {second.id}"]


async def test_a_stop_with_a_reason_is_told_to_clients() -> None:
    async with opened(settings=WORKER) as house:
        await house.start(SESSION)
        visitor = await house.welcome()
        await house.http.post("/stop_session", json={"reason": "out of credit"})
        assert await visitor.until_ended() == "out of credit"
        assert told(visitor.received) == [("sessionEnded", "out of credit")]
        ended = house.runtime.table.ended
        assert ended is not None
        assert (ended.session_id, ended.reason) == (SESSION, "out of credit")


@pytest.mark.parametrize(
    ("reason", "said"), [({}, "The session has left this worker."), ({"reason": "a faster one"}, "a faster one")]
)
async def test_a_session_that_moves_has_not_ended_for_its_clients(reason: dict[str, str], said: str) -> None:
    async with opened(settings=WORKER) as house:
        await house.start(SESSION)
        visitor = await house.welcome()
        await house.http.post("/stop_session", json={"moved": True, **reason})
        await visitor.changes.until(lambda: visitor.closed == {"data", "control"})
        assert told(visitor.received) == [("sessionInterrupted", {"reason": said})]
        assert house.runtime.table.ended is None


async def test_a_crash_interrupts_and_does_not_end(tmp_path: Path) -> None:
    source = """
import asyncio
from reactor_runtime import ModelMessage, ReactorModel, connected, event
class Welcome(ModelMessage):
    client: int
class Model(ReactorModel):
    async def run(self):
        self.gone = asyncio.Event()
        await self.gone.wait()
        raise ValueError("boom")
    @connected
    async def greet(self, client):
        await client.send(Welcome(client.id))
    @event(name="crash")
    async def crash(self):
        self.gone.set()
"""
    (tmp_path / "crashing_worker_model.py").write_text(source)
    async with opened(Manifest(tmp_path, "crashing_worker_model:Model", "", None), WORKER) as house:
        await house.start(SESSION)
        visitor = house.visitor()
        visitor.tracks = []
        await visitor.connect()
        await visitor.command("crash")
        await visitor.changes.until(lambda: visitor.closed == {"data", "control"})
        reason = "Session ended: the model stopped: ValueError: boom"
        assert told(visitor.received) == [("sessionInterrupted", {"reason": reason})]
        await house.until("terminated")
        assert house.runtime.table.failure == "the model stopped: ValueError: boom"


async def test_the_end_of_the_worker_interrupts_and_does_not_end() -> None:
    async with opened(settings=WORKER) as house:
        await house.start(SESSION)
        visitor = await house.welcome()
        await house.runtime.close()
        assert told(visitor.received) == [("sessionInterrupted", {"reason": "Session ended: the server is shutting down."})]
        assert (house.runtime.table.state, house.runtime.table.ended) == ("terminated", None)


# ---------------------------------------------------------------------------------------------------------- changes


async def test_a_client_that_leaves_as_its_session_ends_troubles_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(settings=WORKER) as house:
        await house.start(SESSION)
        visitor = await house.welcome()
        (connection,) = house.runtime.signalling
        house.runtime.lost(connection, "its network path failed")
        await house.http.post("/stop_session", json={})
        await visitor.changes.until(lambda: visitor.closed == {"data", "control"})
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_every_change_is_announced() -> None:
    async with opened(settings=WORKER) as house:
        seen: list[tuple[str, int]] = []

        def look() -> None:
            now = (str(house.runtime.table.state), len(house.runtime.table.clients))
            if seen[-1:] != [now]:
                seen.append(now)

        house.runtime.on_change = look
        await house.start(SESSION)
        first, second = await house.welcome(), await house.welcome()
        await first.leave()
        await second.leave()
        await house.until("orphaned")
        await house.http.post("/stop_session", json={})
        assert seen == [
            ("waiting", 0),
            ("streaming", 1),
            ("streaming", 2),
            ("streaming", 1),
            ("orphaned", 0),
            ("closing", 0),
            ("ready", 0),
        ]


async def test_the_end_of_a_session_is_announced_when_it_begins_and_when_it_is_over() -> None:
    async with opened(settings=WORKER) as house:
        await house.start(SESSION)
        seen: list[str] = []
        house.runtime.on_change = lambda: seen.append(str(house.runtime.table.state))
        await house.http.post("/stop_session", json={})
        assert seen == ["closing", "ready"]


# ---------------------------------------------------------------------------------------------------------- notices


async def test_a_notice_reaches_every_client() -> None:
    async with opened(settings=WORKER) as house:
        notice = {"type": "sessionExpiration", "data": {"expires_at": 1.5, "remaining_s": 60}}
        response = await house.http.post("/notice", json=notice)
        assert response.status_code == 409
        assert response.json() == {"code": "CONFLICT", "detail": "there is no session to notify: the runtime is ready"}
        await house.start(SESSION)
        visitors = [await house.welcome(), await house.welcome()]
        response = await house.http.post("/notice", json=notice)
        assert (response.status_code, response.content) == (200, b"")
        for visitor in visitors:
            await visitor.changes.until(lambda: told(visitor.received))  # noqa: B023 - awaited here
            assert told(visitor.received) == [("sessionExpiration", {"expires_at": 1.5, "remaining_s": 60})]
        for malformed in ({}, {"type": ""}, {"type": "x" * 65}, {"type": "x", "data": []}):
            assert (await house.http.post("/notice", json=malformed)).status_code == 422


# ---------------------------------------------------------------------------------------------------------- uploads


async def announce(house: House, upload_id: str) -> FileRef:
    body = {"name": "a.png", "size": 6, "mime_type": "image/png", "upload_id": upload_id, "source": f"http://files/{upload_id}"}
    response = await house.http.post(f"/sessions/{SESSION}/uploads", json=body)
    assert response.status_code == 201, response.text
    return FileRef(upload_id, "a.png", "image/png", 6)


async def test_a_command_gets_a_file_from_its_source() -> None:
    source = Source()
    async with opened(settings=WORKER, fetcher=source) as house:
        await house.start(SESSION)
        ref = await announce(house, "u-1")
        assert await announce(house, "u-1") == ref
        visitor = await house.welcome()
        assert source.asked == []
        for _ in range(2):
            result = await visitor.command("see_file", {"file": ref})
            assert result.reply is not None
            assert result.reply.data == {"file": "a.png", "size": 6}
        assert source.asked == ["http://files/u-1"]


async def test_a_client_that_announces_a_file_has_it_fetched() -> None:
    source = Source()
    async with opened(settings=WORKER, fetcher=source) as house:
        await house.start(SESSION)
        ref = await announce(house, "u-1")
        visitor = await house.welcome()
        visitor.say(FileUploaded(ref))
        assert await visitor.until_said("file_seen") == {"file": "hook a.png", "size": 6}
        assert source.asked == ["http://files/u-1"]


async def test_a_file_is_fetched_ahead_although_the_model_has_no_hook(tmp_path: Path) -> None:
    asked = asyncio.Event()

    class Waiting(Source):
        async def fetch(self, source: str) -> AsyncGenerator[bytes, None]:
            asked.set()
            yield b"abcdef"

    source = """
import asyncio
from reactor_runtime import ModelMessage, ReactorModel, connected
class Welcome(ModelMessage):
    client: int
class Model(ReactorModel):
    async def run(self):
        await asyncio.Event().wait()
    @connected
    async def greet(self, client):
        await client.send(Welcome(client.id))
"""
    (tmp_path / "plain_worker_model.py").write_text(source)
    async with opened(Manifest(tmp_path, "plain_worker_model:Model", "", None), WORKER, fetcher=Waiting()) as house:
        await house.start(SESSION)
        ref = await announce(house, "u-1")
        visitor = house.visitor()
        visitor.tracks = []
        await visitor.connect()
        visitor.say(FileUploaded(ref))
        async with asyncio.timeout(40):
            await asked.wait()


async def test_a_runtime_that_is_no_worker_fetches_nothing() -> None:
    async with opened() as house:
        await house.start()
        body = {"name": "a.png", "size": 6, "mime_type": "image/png", "source": "http://169.254.169.254/latest"}
        response = await house.http.post(f"/sessions/{NIL}/uploads", json=body)
        assert (response.status_code, response.json()["detail"]) == (400, "a source is taken by workers only: PUT the bytes")
