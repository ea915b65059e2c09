from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.reactor_sdk.waiting import until

from reactor_protocol.resources import MappedTrack
from reactor_rtc.port import IceCandidate, IceServer
from reactor_sdk import InvalidArgumentError, NotFoundError, RequestTimeoutError, signalling
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.session import HostedSessions
from reactor_sdk.signalling import Signalling, check_connection_id
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

OFFERS = "/sessions/{id}/transport/webrtc/connections/{cid}/sdp_params"
MAPPING = [MappedTrack(mid="0", name="main_video", kind="video", direction="recvonly")]


@pytest.fixture
async def line(fake: FakeCoordinator) -> AsyncIterator[Signalling]:
    api = Api(fake.url)
    sessions = HostedSessions(api, ClientConfig("echo", fake.url, False, API_KEY))
    await sessions.authorize()
    opened = await sessions.open(None)
    yield Signalling(api, opened.session.session_id)
    await api.close()


async def test_ice_servers_are_read_with_their_credentials(fake: FakeCoordinator, line: Signalling) -> None:
    assert await line.ice_servers() == ()
    turn = {"uris": ["turn:t.test:3478"], "credentials": {"username": "u", "password": "p"}}
    fake.fail_next("GET /sessions/{id}/transport/webrtc/ice_servers", 200, {"ice_servers": [{"uris": ["stun:s.test"]}, turn]})
    servers = await line.ice_servers()
    assert servers == (IceServer(("stun:s.test",)), IceServer(("turn:t.test:3478",), "u", "p"))
    assert "'p'" not in repr(servers)


async def test_an_offer_carries_the_tracks_and_who_we_are(fake: FakeCoordinator, line: Signalling) -> None:
    fake.fail_next(f"GET {OFFERS}", 202, "")
    fake.fail_next(f"GET {OFFERS}", 200, {"sdp_answer": "v=0 answer"})
    connection_id = await line.register()
    assert await line.exchange(connection_id, "v=0 offer", MAPPING) == "v=0 answer"
    request = fake.requested(f"POST {OFFERS}")[0]
    body = request.json()
    assert body["sdp_offer"] == "v=0 offer"
    assert body["track_mapping"] == [{"mid": "0", "name": "main_video", "kind": "video", "direction": "recvonly"}]
    assert body["client_info"]["sdk_type"] == "python"
    assert request.headers["Reactor-WebRTC-Version"] == "1.0"
    assert len(fake.requested(f"GET {OFFERS}")) == 2


async def test_an_offer_made_again_is_a_put(fake: FakeCoordinator, line: Signalling) -> None:
    fake.fail_next(f"GET {OFFERS}", 200, {"sdp_answer": "v=0 answer"})
    await line.exchange(await line.register(), "v=0 offer", MAPPING, again=True)
    assert len(fake.requested(f"PUT {OFFERS}")) == 1
    with pytest.raises(NotFoundError):
        await line.exchange(4711, "v=0 offer", MAPPING, again=True)


async def test_an_answer_that_never_comes(fake: FakeCoordinator, line: Signalling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "ANSWER_LIMIT_S", 0.1)
    with pytest.raises(RequestTimeoutError, match="offer was not answered"):
        await line.exchange(await line.register(), "v=0 not a description", MAPPING)


async def test_candidates_are_passed_on_together_and_failures_are_survived(fake: FakeCoordinator, line: Signalling) -> None:
    route = "POST /sessions/{id}/transport/webrtc/connections/{cid}/ice_candidates"
    fake.fail_next(route, 500)
    found: asyncio.Queue[IceCandidate] = asyncio.Queue()
    task = asyncio.create_task(line.trickle(await line.register(), found))
    found.put_nowait(IceCandidate("candidate:1", "0", 0))
    found.put_nowait(IceCandidate("candidate:2", "0", 0))
    await until(lambda: fake.requested(route))
    found.put_nowait(IceCandidate("candidate:3", "0", 0))
    await until(lambda: len(fake.requested(route)) == 2)
    task.cancel()
    first, second = (request.json()["candidates"] for request in fake.requested(route))
    assert [each["candidate"] for each in first] == ["candidate:1", "candidate:2"]
    assert second == [{"candidate": "candidate:3", "sdp_mid": "0", "sdp_mline_index": 0}]


@pytest.mark.parametrize("connection_id", [0, 1000, 10_000, -1, True, "1002", 1002.0])
def test_ids_that_no_connection_has(connection_id: int) -> None:
    with pytest.raises(InvalidArgumentError, match="connection_id"):
        check_connection_id(connection_id)


@pytest.mark.parametrize("connection_id", [None, 1001, 9999])
def test_ids_that_a_connection_may_have(connection_id: int | None) -> None:
    check_connection_id(connection_id)


async def test_a_spectator_says_so_and_others_say_nothing_of_it(fake: FakeCoordinator, line: Signalling) -> None:
    for watching in (Signalling(line._api, line._path.split("/")[2], view_only=True), line):
        fake.fail_next(f"GET {OFFERS}", 200, {"sdp_answer": "v=0 answer"})
        await watching.exchange(await watching.register(), "v=0 offer", MAPPING)
    first, second = (request.json() for request in fake.requested(f"POST {OFFERS}"))
    assert first["view_only"] is True
    assert "view_only" not in second
