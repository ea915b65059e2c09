"""Many requests, many streams, many names: what one caller can take from the others is bounded."""

import asyncio
import re
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
from starlette.types import Message
from tests.reactor_coordinator.house import House, configuration, opened

from reactor_coordinator.app import build_app
from reactor_coordinator.worker_client import WorkerReply
from reactor_protocol.names import EVENT_STREAM, HEADER_API_KEY

TOO_MANY = {"code": "RATE_LIMITED", "message": "too many requests: wait before the next one"}


def in_process(house: House) -> httpx.AsyncClient:
    """The same coordinator without a network in between, so that thousands of requests take a second or two."""
    transport = httpx.ASGITransport(build_app(house.coordinator.service))
    return httpx.AsyncClient(transport=transport, base_url="http://coordinator")


async def statuses(house: House, path: str, headers: dict[str, str], times: int) -> Counter[int]:
    """How often which status was answered: the application itself is called, without any client."""
    app = build_app(house.coordinator.service)
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": sent}
    seen: Counter[int] = Counter()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen[message["status"]] += 1

    for _ in range(times):
        await app(dict(scope), receive, send)
    return seen


async def test_ten_thousand_requests_of_one_key(tmp_path: Path) -> None:
    limits = {"requests_per_second": 0.01, "request_burst": 200}
    async with opened(configuration(tmp_path, limits=limits)) as house:
        greedy, modest = await house.key(), await house.key()
        mine, theirs = await house.token(greedy), await house.token(modest)
        seen = await statuses(house, "/models", {"Authorization": f"Bearer {mine}"}, 10_000)
        assert seen == {200: 200, 429: 9_800}
        refused = await house.ask("GET", "/models", mine)
        wait = refused.body.pop("retry_after_seconds")
        assert (refused.status, refused.body) == (429, TOO_MANY)
        assert 0 < wait <= 100
        assert int(refused.headers["Retry-After"]) >= wait
        assert (await house.ask("GET", "/models", theirs)).status == 200
        assert (await house.ask("POST", "/tokens", headers={HEADER_API_KEY: modest})).status == 200


async def test_another_token_of_the_same_key_does_not_help(tmp_path: Path) -> None:
    limits = {"requests_per_second": 0.01, "request_burst": 5}
    async with opened(configuration(tmp_path, limits=limits)) as house, in_process(house) as http:
        key = await house.key()
        tokens = [await house.token(key) for _ in range(3)]
        asked = [await http.get("/models", headers={"Authorization": f"Bearer {tokens[turn % 3]}"}) for turn in range(8)]
        assert [reply.status_code for reply in asked] == [200] * 5 + [429] * 3


async def test_a_key_is_counted_before_it_is_looked_up(tmp_path: Path) -> None:
    limits = {"requests_per_second": 0.01, "request_burst": 5}
    async with opened(configuration(tmp_path, limits=limits)) as house, in_process(house) as http:
        asked = [await http.post("/tokens", headers={HEADER_API_KEY: "rk_guess"}) for _ in range(7)]
        assert [reply.status_code for reply in asked] == [401] * 5 + [429] * 2


async def test_the_same_wrong_token_again_and_again_is_never_let_in_nor_remembered(house: House) -> None:
    assert await statuses(house, "/models", {"Authorization": "Bearer a.b.c"}, 500) == {401: 500}
    assert len(house.coordinator.service.signer._checked) == 0


async def test_streams_of_one_session_are_bounded_and_the_next_client_polls(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path, echo={"max": 1})) as house:
        token = await house.token(await house.key())
        await house.begin(token)
        waiting = (await house.begin(token))["session_id"]
        headers = {"Authorization": f"Bearer {token}", "Accept": EVENT_STREAM}
        async with AsyncExitStack() as stack:
            for _ in range(16):
                reply = await stack.enter_async_context(house.http.get(f"{house.url}/sessions/{waiting}", headers=headers))
                assert reply.content_type == EVENT_STREAM
                await reply.content.readline()
            more = await house.ask("GET", f"/sessions/{waiting}", token, headers={"Accept": EVENT_STREAM})
            assert (more.status, more.headers["Content-Type"]) == (200, "application/json")
            assert more.body["state"] == "WAITING"
        async with asyncio.timeout(40):
            while house.coordinator.service.board.watchers(waiting):
                await house.looked(1)


async def test_a_full_queue_refuses_and_says_when_to_come_back(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path, echo={"max": 1}, limits={"queue_length": 1})) as house:
        token = await house.token(await house.key())
        await house.until(token, (await house.begin(token))["session_id"], "ACTIVE")
        await house.begin(token)
        await house.looked()
        reply = await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}})
        assert (reply.status, reply.body["code"]) == (429, "NO_CAPACITY")
        assert int(reply.headers["Retry-After"]) >= 1


async def test_a_key_with_a_bound_takes_no_more_than_that(house: House) -> None:
    token = await house.token(await house.key(max_sessions=1))
    await house.begin(token)
    replies = await asyncio.gather(*(house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}}) for _ in range(20)))
    assert {(reply.status, reply.body["code"], reply.body["quota_type"]) for reply in replies} == {
        (403, "QUOTA_EXCEEDED", "open_sessions")
    }


async def test_addresses_and_methods_that_are_made_up_cost_no_series(house: House) -> None:
    before = await series(house)
    for turn in range(50):
        await house.ask(f"M{turn}", "/health")
        await house.ask("GET", f"/nowhere/{turn}")
        await house.ask("GET", f"/sessions/{turn}")
    made_up = {line for line in await series(house) if line not in before}
    assert made_up == {
        ("GET", "/sessions/{session_id}", "401"),
        ("GET", "none", "404"),
        ("other", "/health", "405"),
    }


async def series(house: House) -> set[tuple[str, str, str]]:
    """The routes that are measured: method, pattern and status."""
    pattern = r'^coordinator_request_seconds_count\{method="(.*?)",route="(.*?)",status="(.*?)"\}'
    found = re.findall(pattern, (await house.ask("GET", "/metrics")).body, re.MULTILINE)
    return {each for each in found if each[1] not in ("/metrics", "/workers/{worker_id}/report")}


def test_an_answer_of_a_worker_that_is_too_deep_is_an_empty_one() -> None:
    assert WorkerReply(200, b"[" * 1_000_000, "application/json").json() == {}
