"""The fake coordinator answers as the reference says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from reactor_testing.fake_coordinator import Behaviour, FakeCoordinator

API = {"Reactor-API-Version": "1", "Authorization": "Bearer jwt-of-the-test"}
WEBRTC = {"Reactor-WebRTC-Version": "1.0", "Authorization": "Bearer jwt-of-the-test"}
CREATE = {"model": {"name": "echo"}}


@pytest.fixture
async def fake() -> AsyncIterator[FakeCoordinator]:
    async with FakeCoordinator(Behaviour(polls=2)) as coordinator:
        yield coordinator


@pytest.fixture
async def http(fake: FakeCoordinator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(fake.url) as session:
        yield session


async def create(http: aiohttp.ClientSession) -> str:
    async with http.post("/sessions", json=CREATE, headers=API) as response:
        assert response.status == 201
        body = await response.json()
    assert "capabilities" not in body
    assert body["state"] == "CREATED"
    return str(body["session_id"])


async def test_it_listens_on_this_machine_only(fake: FakeCoordinator) -> None:
    assert fake.url.startswith("http://127.0.0.1:")


async def test_a_key_is_exchanged_for_a_token(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    async with http.post("/tokens", headers={"Reactor-API-Key": "rk_test"}) as response:
        assert (response.status, (await response.json())["jwt"]) == (200, "jwt-of-the-test")
    async with http.post("/tokens") as response:
        assert response.status == 401


async def test_a_session_waits_before_it_is_active(http: aiohttp.ClientSession) -> None:
    session_id = await create(http)
    states = []
    for _ in range(2):
        async with http.get(f"/sessions/{session_id}", headers=API) as response:
            body = await response.json()
            states.append(body["state"])
    assert states == ["WAITING", "ACTIVE"]
    assert body["selected_transport"] == {"protocol": "webrtc", "version": "1.0"}
    assert body["capabilities"]["extensions"] == {"acks": 1}
    async with http.delete(f"/sessions/{session_id}", headers=API) as response:
        assert response.status == 204
    async with http.get("/sessions/nope", headers=API) as response:
        assert (response.status, await response.json()) == (404, {"code": "NOT_FOUND", "message": "no session nope"})


async def test_it_fails_when_told_to_and_notes_what_it_was_asked(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    fake.fail_next("POST /sessions", 429, {"message": "full"}, retry_after=2)
    async with http.post("/sessions", json=CREATE, headers=API) as response:
        assert (response.status, response.headers["Retry-After"], await response.json()) == (429, "2", {"message": "full"})
    await create(http)
    requests = fake.requested("POST /sessions")
    assert len(requests) == 2
    assert requests[0].json() == CREATE


async def test_headers_of_the_versions_are_required(http: aiohttp.ClientSession) -> None:
    session_id = await create(http)
    async with http.get(f"/sessions/{session_id}") as response:
        assert response.status == 426
    async with http.get(f"/sessions/{session_id}/transport/webrtc/ice_servers") as response:
        assert response.status == 426
    async with http.get(f"/sessions/{session_id}/transport/webrtc/ice_servers", headers=WEBRTC) as response:
        assert await response.json() == {"ice_servers": []}


async def test_an_upload_is_kept(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    session_id = await create(http)
    wanted = {"name": "a", "size": 3, "mime_type": "x/y"}
    async with http.post(f"/sessions/{session_id}/uploads", json=wanted, headers=API) as response:
        slot = await response.json()
    async with aiohttp.ClientSession() as anybody:
        async with anybody.put(slot["presigned_url"], data=b"12") as response:
            assert response.status == 400
        async with anybody.put(slot["presigned_url"], data=b"123") as response:
            assert response.status == 200
    assert fake.uploads == {slot["presigned_id"]: b"123"}


async def test_it_plays_a_local_runtime(http: aiohttp.ClientSession) -> None:
    async with http.get("/session") as response:
        assert (await response.json())["state"] == "ready"
    async with http.post("/start_session", json={}) as response:
        assert (response.status, (await response.json())["state"]) == (200, "waiting")
    async with http.post("/start_session", json={}) as response:
        assert response.status == 409
    async with http.post("/stop_session") as response:
        assert response.status == 200
    async with http.post("/stop_session") as response:
        assert response.status == 409


@asynccontextmanager
async def listening(http: aiohttp.ClientSession, session_id: str) -> AsyncIterator[aiohttp.StreamReader]:
    async with http.get(f"/sessions/{session_id}", headers={**API, "Accept": "text/event-stream"}) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield response.content


async def next_event(stream: aiohttp.StreamReader) -> Any:
    async with asyncio.timeout(5):
        return json.loads((await stream.readuntil(b"\n\n")).removeprefix(b"data: "))


async def test_a_stream_tells_of_every_change_until_there_is_a_worker(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    fake.place_in_queue(2, 5, 3.5)
    async with listening(http, await create(http)) as stream:
        event = await next_event(stream)
        assert (event["state"], event["queue"]) == ("WAITING", {"position": 2, "waiting": 5, "estimated_wait_s": 3.5})
        fake.place_in_queue(1, 4)
        assert (await next_event(stream))["queue"] == {"position": 1, "waiting": 4}
        assert fake.streams == 1
        fake.give_worker()
        event = await next_event(stream)
        assert (event["state"], "queue" in event, "capabilities" in event) == ("ACTIVE", False, True)
        assert await stream.read() == b""


async def test_a_stream_without_news_is_kept_alive(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    fake.change(keep_alive=0.05)
    fake.place_in_queue(1, 1)
    async with listening(http, await create(http)) as stream, asyncio.timeout(5):
        assert (await stream.readuntil(b"\n\n")).startswith(b"data: ")
        assert await stream.readuntil(b"\n\n") == b": keep-alive\n\n"


async def test_a_stream_ends_with_its_session(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    fake.place_in_queue(1, 1)
    async with listening(http, await create(http)) as stream:
        await next_event(stream)
        await fake.end_session("ended by an operator")
        event = await next_event(stream)
        assert (event["state"], event["reason"]) == ("CLOSED", "ended by an operator")
        assert await stream.read() == b""


async def test_streams_can_be_broken(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    fake.place_in_queue(1, 1)
    async with listening(http, await create(http)) as stream:
        await next_event(stream)
        fake.break_streams()
        with pytest.raises(aiohttp.ClientError):
            await stream.read()


async def test_who_would_not_wait_is_told_so(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    fake.place_in_queue(1, 1, 30)
    async with http.post("/sessions", json={**CREATE, "queue": False}, headers=API) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "30")
        assert await response.json() == {"code": "NO_CAPACITY", "message": "no worker is free", "retry_after_seconds": 30}
    assert fake.sessions == {}


async def test_a_worker_that_is_lost_and_another_one(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    session_id = await create(http)
    fake.give_worker()
    assert fake.model.register() == 1002
    await fake.lose_worker()
    async with http.get(f"/sessions/{session_id}", headers=API) as response:
        body = await response.json()
        assert (body["state"], "capabilities" in body) == ("INACTIVE", False)
    assert not fake.model.knows(1002)
    fake.give_worker()
    async with http.get(f"/sessions/{session_id}", headers=API) as response:
        assert (await response.json())["state"] == "ACTIVE"


async def test_tokens_are_asked_for_and_expire(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    async def token() -> str:
        async with http.post("/tokens", headers={"Reactor-API-Key": "rk_test"}) as response:
            return str((await response.json())["jwt"])

    async def listed(token: str) -> tuple[int, Any]:
        async with http.get("/sessions", headers={**API, "Authorization": f"Bearer {token}"}) as response:
            return response.status, await response.json()

    first = await token()
    assert await listed(first) == (200, {"sessions": []})
    fake.expire_tokens()
    assert await listed(first) == (401, {"code": "UNAUTHORIZED", "message": "the token is not valid"})
    assert (await listed(await token()))[0] == 200
    fake.change(token_life=-1.0)
    assert (await listed(await token()))[0] == 401
    async with http.get("/sessions", headers={"Reactor-API-Version": "1"}) as response:
        assert response.status == 401


async def test_failures_carry_a_code(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    fake.fail_next("POST /sessions", 403, code="QUOTA_EXCEEDED", retry_after=5)
    async with http.post("/sessions", json=CREATE, headers=API) as response:
        assert (response.status, response.headers["Retry-After"]) == (403, "5")
        assert await response.json() == {"code": "QUOTA_EXCEEDED", "message": "told to fail"}


async def test_open_sessions_are_listed(fake: FakeCoordinator, http: aiohttp.ClientSession) -> None:
    first, second = await create(http), await create(http)
    async with http.delete(f"/sessions/{first}", headers=API) as response:
        assert response.status == 204
    async with http.get("/sessions", headers=API) as response:
        assert [each["session_id"] for each in (await response.json())["sessions"]] == [second]
    async with http.put(f"/sessions/{first}", headers=API) as response:
        assert (response.status, (await response.json())["code"]) == (409, "CONFLICT")
