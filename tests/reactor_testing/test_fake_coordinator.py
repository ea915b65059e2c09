"""The fake coordinator answers as the reference says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from reactor_testing.fake_coordinator import Behaviour, FakeCoordinator

API = {"Reactor-API-Version": "1", "Authorization": "Bearer jwt-of-the-test"}
WEBRTC = {"Reactor-WebRTC-Version": "1.0"}
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
        assert (response.status, await response.json()) == (404, {"message": "no session nope"})


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
