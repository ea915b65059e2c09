"""The queue of a whole coordinator: who is where, who hears of it, who may not wait at all."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.reactor_coordinator.house import Answer, House, configuration, opened

from reactor_coordinator import board, serve
from reactor_coordinator.board import Snapshot

LITTLE_PATIENCE = {"unseen_seconds": 0.8, "claim_seconds": 1.2}
SOON_MISSED = {"unseen_seconds": 0.8, "claim_seconds": 60.0}


@contextlib.asynccontextmanager
async def full_house(folder: Path, database: str, **changes: Any) -> AsyncIterator[tuple[House, str, str]]:
    """A house whose only worker is taken, the token that took it, and the session that it runs."""
    async with opened(configuration(folder, database, **changes), slots=1) as house:
        await house.warm()
        token = await house.token(await house.key())
        holder = (await house.begin(token))["session_id"]
        await house.until(token, holder, "ACTIVE")
        yield house, token, holder


def _state(snapshot: Snapshot, session_id: str) -> str | None:
    session = snapshot.sessions.get(session_id)
    return None if session is None else str(session.state)


async def _wish(house: House, token: str, **body: Any) -> Answer:
    return await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}, **body})


async def _place(house: House, token: str, session_id: str) -> tuple[int, int]:
    place = (await house.ask("GET", f"/sessions/{session_id}", token)).body["queue"]
    return place["position"], place["waiting"]


# ------------------------------------------------------------------------------------------------------------- order


async def test_the_queue_is_fair_between_keys_and_serves_higher_priorities_first(tmp_path: Path, database_url: str) -> None:
    async with full_house(tmp_path, database_url) as (house, greedy, _):
        modest, urgent = await house.token(await house.key()), await house.token(await house.key(priority=5))
        owners = [("greedy 1", greedy), ("greedy 2", greedy), ("modest 1", modest), ("modest 2", modest), ("urgent", urgent)]
        waiting = {name: (token, (await house.begin(token))["session_id"]) for name, token in owners}
        await house.sees(lambda snapshot: len(snapshot.places) == 5)
        assert {name: await _place(house, *each) for name, each in waiting.items()} == {
            "urgent": (1, 5),
            "modest 1": (2, 5),
            "greedy 1": (3, 5),
            "modest 2": (4, 5),
            "greedy 2": (5, 5),
        }


async def test_workers_are_given_out_in_the_order_of_the_queue(tmp_path: Path, database_url: str) -> None:
    async with full_house(tmp_path, database_url) as (house, token, holder):
        waiting = [(await house.begin(token))["session_id"] for _ in range(3)]
        await house.sees(lambda snapshot: len(snapshot.places) == 3)
        (worker,) = house.workers
        for number, each in enumerate([holder, *waiting[:2]]):
            await worker.until(lambda each=each: worker.session_id == each)  # type: ignore[misc]
            assert (await house.ask("DELETE", f"/sessions/{each}", token)).status == 204
            await worker.until(lambda number=number: len(worker.started) == number + 2)  # type: ignore[misc]
        assert worker.started == [holder, *waiting]


async def test_a_session_that_lost_its_worker_is_served_before_all_others(tmp_path: Path, database_url: str) -> None:
    async with full_house(tmp_path, database_url) as (house, token, holder):
        urgent = await house.token(await house.key(priority=9))
        waiting = (await house.begin(urgent))["session_id"]
        await house.sees(lambda snapshot: waiting in snapshot.places)
        (lost,) = house.workers
        lost.crash()
        await house.sees(lambda snapshot: lost.id not in snapshot.workers and _state(snapshot, holder) == "ACTIVE")
        (worker,) = house.workers
        assert (worker is not lost, worker.started) == (True, [holder])
        assert await _place(house, urgent, waiting) == (1, 1)


# ------------------------------------------------------------------------------------------------------ being told


async def test_a_stream_tells_of_every_new_position_and_ends_when_the_session_is_active(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "POSITION_PAUSE_S", 0.0)
    async with full_house(tmp_path, "") as (house, token, holder):
        first, second = [(await house.begin(token))["session_id"] for _ in range(2)]
        await house.sees(lambda snapshot: second in snapshot.places)
        said: list[tuple[str, Any]] = []

        async def listen() -> None:
            async for event in house.events(token, second):
                assert isinstance(event, dict)
                place = event.get("queue")
                told = (event["state"], (place["position"], place["waiting"]) if place else None)
                if told not in said:
                    said.append(told)
                last.append(event)

        last: list[dict[str, Any]] = []
        async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
            tasks.create_task(listen())
            await house.sees(lambda _: said == [("WAITING", (2, 2))])
            await house.ask("DELETE", f"/sessions/{first}", token)
            await house.sees(lambda _: said[-1] == ("WAITING", (1, 1)))
            await house.ask("DELETE", f"/sessions/{holder}", token)
        assert said[:2] == [("WAITING", (2, 2)), ("WAITING", (1, 1))]
        assert said[-1] == ("ACTIVE", None)
        assert {state for state, _ in said[2:]} <= {"PENDING", "ACTIVE"}
        assert last[-1] == (await house.ask("GET", f"/sessions/{second}", token)).body


async def test_a_stream_ends_with_the_session_and_says_why(tmp_path: Path) -> None:
    async with full_house(tmp_path, "") as (house, token, _):
        session_id = (await house.begin(token))["session_id"]
        stream = house.events(token, session_id)
        async with asyncio.timeout(40):
            first = await anext(stream)
            assert isinstance(first, dict)
            assert first["state"] == "WAITING"
            await house.ask("DELETE", f"/sessions/{session_id}", token, json={"reason": "enough"})
            rest = [event async for event in stream]
        assert isinstance(rest[-1], dict)
        assert (rest[-1]["state"], rest[-1]["reason"]) == ("CLOSED", "enough")


async def test_the_stream_of_a_session_that_needs_no_waiting_is_one_event(tmp_path: Path) -> None:
    async with full_house(tmp_path, "") as (house, token, holder):
        async with asyncio.timeout(40):
            events = [event async for event in house.events(token, holder)]
        assert [event["state"] for event in events if isinstance(event, dict)] == ["ACTIVE"]
        await house.ask("DELETE", f"/sessions/{holder}", token)
        async with asyncio.timeout(40):
            events = [event async for event in house.events(token, holder)]
        assert [event["state"] for event in events if isinstance(event, dict)] == ["CLOSED"]


async def test_a_stream_without_news_is_kept_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "KEEP_ALIVE_S", 0.3)
    async with full_house(tmp_path, "") as (house, token, _):
        session_id = (await house.begin(token))["session_id"]
        stream = house.events(token, session_id)
        async with asyncio.timeout(40):
            comments = [event async for event in _first(stream, 2)]
        assert comments == [": keep-alive", ": keep-alive"]
        await stream.aclose()  # type: ignore[attr-defined]


async def _first(stream: AsyncIterator[dict[str, Any] | str], count: int) -> AsyncIterator[str]:
    async for event in stream:
        if isinstance(event, str):
            yield event
            count -= 1
            if not count:
                return


# ------------------------------------------------------------------------------------------- clients that went away


async def test_a_client_that_went_away_keeps_its_place_and_is_not_served(tmp_path: Path, database_url: str) -> None:
    async with full_house(tmp_path, database_url, limits=SOON_MISSED) as (house, token, holder):
        gone, present = [(await house.begin(token))["session_id"] for _ in range(2)]
        async with _listening(house, token, present):
            await house.sees(lambda snapshot: (_state(snapshot, gone), _state(snapshot, present)) == ("SUSPENDED", "WAITING"))
            await house.sees(lambda snapshot: len(snapshot.places) == 2)
            places = house.snapshot.places
            assert (places[gone][:2], places[present][:2]) == ((1, 2), (2, 2))
            # A worker that becomes free is not for one who is not there.
            await house.ask("DELETE", f"/sessions/{holder}", token)
            await house.sees(lambda snapshot: _state(snapshot, present) == "ACTIVE")
            assert _state(house.snapshot, gone) == "SUSPENDED"


async def test_a_client_that_stays_away_loses_its_session(tmp_path: Path, database_url: str) -> None:
    async with full_house(tmp_path, database_url, limits=LITTLE_PATIENCE) as (house, token, _):
        gone = (await house.begin(token))["session_id"]
        await house.sees(lambda snapshot: _state(snapshot, gone) == "SUSPENDED")
        await house.sees(lambda snapshot: gone not in snapshot.sessions)
        closed = (await house.ask("GET", f"/sessions/{gone}", token)).body
        assert (closed["state"], closed["reason"]) == ("CLOSED", "unclaimed")


async def test_a_client_that_comes_back_in_time_has_its_old_place(tmp_path: Path, database_url: str) -> None:
    async with full_house(tmp_path, database_url, limits=SOON_MISSED) as (house, token, holder):
        back, present = [(await house.begin(token))["session_id"] for _ in range(2)]
        async with _listening(house, token, present):
            await house.sees(lambda snapshot: _state(snapshot, back) == "SUSPENDED")
            async with _listening(house, token, back):
                await house.sees(lambda snapshot: _state(snapshot, back) == "WAITING")
                assert await _place(house, token, back) == (1, 2)
                await house.ask("DELETE", f"/sessions/{holder}", token)
                await house.sees(lambda snapshot: _state(snapshot, back) == "ACTIVE")
                assert _state(house.snapshot, present) == "WAITING"


async def test_who_listens_or_asks_is_there_however_long_it_takes(tmp_path: Path) -> None:
    async with full_house(tmp_path, "", limits=LITTLE_PATIENCE) as (house, token, _):
        streaming, polling = [(await house.begin(token))["session_id"] for _ in range(2)]
        async with _listening(house, token, streaming):
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                assert (await house.ask("GET", f"/sessions/{polling}", token)).body["state"] == "WAITING"
                assert _state(house.snapshot, streaming) in (None, "WAITING")
                await house.looked(1)


@contextlib.asynccontextmanager
async def _listening(house: House, token: str, session_id: str) -> AsyncIterator[None]:
    """A client that has the stream of its session open."""
    heard = asyncio.Event()

    async def listen() -> None:
        async for _ in house.events(token, session_id):
            heard.set()

    listener = asyncio.ensure_future(listen())
    try:
        await heard.wait()
        yield
    finally:
        listener.cancel()
        await asyncio.wait([listener])


# --------------------------------------------------------------------------------------------------------- refusals


async def test_a_client_that_would_not_wait_is_refused_at_once_and_told_when_to_come_again(
    tmp_path: Path, database_url: str
) -> None:
    async with full_house(tmp_path, database_url) as (house, token, holder):
        refused = await _wish(house, token, queue=False)
        assert (refused.status, refused.body["code"]) == (429, "NO_CAPACITY")
        assert refused.body["retry_after_seconds"] == 5.0
        assert refused.headers["Retry-After"] == "5"
        assert refused.body["message"] == ("no worker for echo is free: try again in 5 s, or let the request wait in the queue")
        await house.ask("DELETE", f"/sessions/{holder}", token)
        await house.idle(house.workers[0])
        assert (await _wish(house, token, queue=False)).status == 201


async def test_of_two_who_would_not_wait_for_one_worker_one_is_refused(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        await house.warm()
        token = await house.token(await house.key())
        answers = [await _wish(house, token, queue=False) for _ in range(2)]
        assert [answer.status for answer in answers] == [201, 429]


async def test_a_full_queue_takes_nobody(tmp_path: Path, database_url: str) -> None:
    async with full_house(tmp_path, database_url, limits={"queue_length": 2}) as (house, token, _):
        answers = [await _wish(house, token) for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert answers[2].body["code"] == "NO_CAPACITY"
        assert answers[2].body["message"] == "the queue for echo is full (2 sessions wait): try again in 5 s"
        assert "Retry-After" in answers[2].headers


async def test_a_key_has_no_more_open_sessions_than_it_may_also_at_once(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        token = await house.token(await house.key(max_sessions=2))
        answers = await asyncio.gather(*(_wish(house, token) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [201, 201, 403, 403, 403]
        refused = next(answer for answer in answers if answer.status == 403)
        assert (refused.body["code"], refused.body["quota_type"]) == ("QUOTA_EXCEEDED", "open_sessions")
        open_one = next(answer for answer in answers if answer.status == 201)
        await house.ask("DELETE", f"/sessions/{open_one.body['session_id']}", token)
        assert (await _wish(house, token)).status == 201


async def test_a_key_that_begins_sessions_too_fast_is_told_to_wait(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        token = await house.token(await house.key(sessions_per_minute=2))
        answers = [await _wish(house, token) for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert (answers[2].body["code"], answers[2].body["quota_type"]) == ("RATE_LIMITED", "sessions_per_minute")
        assert 50 <= int(answers[2].headers["Retry-After"]) <= 60


async def test_a_key_without_credit_begins_nothing(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path)) as house:
        answer = await _wish(house, await house.token(await house.key(credit_s=0.0)))
        assert (answer.status, answer.body["code"]) == (402, "CREDITS_EXHAUSTED")


async def test_a_coordinator_that_is_draining_takes_no_new_sessions_and_lets_the_others_end(
    tmp_path: Path, database_url: str
) -> None:
    async with full_house(tmp_path, database_url) as (house, token, holder):
        draining = asyncio.ensure_future(house.coordinator.drain(30.0))
        await house.looked(1)
        answer = await _wish(house, token)
        assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (503, "UNAVAILABLE", "5")
        assert (await house.ask("GET", f"/sessions/{holder}", token)).body["state"] == "ACTIVE"
        # Where others share the database they go on with it, and nothing is waited for.
        assert draining.done() == database_url.startswith("postgresql")
        await house.ask("DELETE", f"/sessions/{holder}", token)
        async with asyncio.timeout(40):
            await draining


async def test_stopping_ends_all_sessions_and_tells_their_clients_why(tmp_path: Path) -> None:
    async with full_house(tmp_path, "") as (house, token, holder):
        waiting = (await house.begin(token))["session_id"]
        (worker,) = house.workers
        await house.coordinator.end_everything()
        assert (house.workers, worker.dead) == ([], True)
        bodies = [(await house.ask("GET", f"/sessions/{each}", token)).body for each in (holder, waiting)]
        assert [(body["state"], body["reason"]) for body in bodies] == [("CLOSED", serve.SHUTTING_DOWN)] * 2
