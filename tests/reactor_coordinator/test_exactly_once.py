"""Two coordinators on one PostgreSQL, under load: every session is placed once, whichever of them is killed."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.reactor_coordinator.house import House, configuration, joined

from reactor_coordinator.store import sessions as session_rows
from reactor_http.listen import address, bind
from reactor_testing.fake_pool import FakePool
from reactor_testing.fake_worker import FakeFleet, FakeWorker

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

WORKERS = 24
CLIENTS = 40
DEADLINE_S = 240.0
SESSIONS = int(os.environ.get("OPENREACTOR_SESSIONS", "1000"))
"""In all three runs together; ``OPENREACTOR_SESSIONS=2000`` and more for a longer look."""
LEADER, OTHER = "the one that leads", "the other one"


@dataclass
class Crowd:
    """Clients that begin sessions at either coordinator, and at the other one when theirs is gone."""

    houses: list[House]
    token: str
    begun: list[str] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)

    async def begin(self, count: int) -> None:
        todo = iter(range(count))
        async with asyncio.TaskGroup() as tasks:
            for number in range(CLIENTS):
                tasks.create_task(self._client(todo, number))

    async def _client(self, todo: Iterator[int], number: int) -> None:
        for _ in todo:
            while not await self._wish(self.houses[number % len(self.houses)]):
                number += 1

    async def _wish(self, house: House) -> bool:
        try:
            answer = await house.ask("POST", "/sessions", self.token, json={"model": {"name": "echo"}})
        except OSError:
            return False
        if answer.status != 201:
            self.refused[answer.status] += 1
            return False
        self.begun.append(answer.body["session_id"])
        return True


async def _end_sessions_at_once(worker: FakeWorker) -> None:
    """Ends every session of a worker as soon as it has begun, by itself; and sees to it that it never has two."""
    ended: list[str] = []
    while True:
        await worker.until(lambda: len(worker.started) > len(ended), DEADLINE_S)
        assert worker.started[len(ended) :] == [worker.session_id]
        ended.append(worker.started[-1])
        worker.end_session("enough")


@pytest.mark.parametrize(("share", "killed"), [(0.5, "nobody"), (0.25, LEADER), (0.25, OTHER)])
async def test_every_session_is_placed_exactly_once(tmp_path: Path, postgres_url: str, share: float, killed: str) -> None:
    count = round(SESSIONS * share)
    listeners = [bind("127.0.0.1", 0), bind("127.0.0.1", 0)]
    urls = [address(each) for each in listeners]
    limits = {"requests_per_second": 1e6, "request_burst": 100_000, "unseen_seconds": 600}
    echo = {"warm": WORKERS, "max": WORKERS}
    config = configuration(tmp_path, postgres_url, echo=echo, internal_urls=urls, limits=limits)
    async with FakeFleet(urls) as fleet:
        pool = FakePool(fleet, WORKERS)
        async with joined(config, pool, listeners[0]) as one, joined(config, pool, listeners[1]) as two:
            await asyncio.gather(one.warm(WORKERS), two.warm(WORKERS))
            crowd = Crowd([one, two], await one.token(await one.key()))
            ending = [asyncio.ensure_future(_end_sessions_at_once(each)) for each in fleet.workers]
            began = time.monotonic()
            begin = asyncio.ensure_future(crowd.begin(count))
            survivor = await _kill(killed, one, two, lambda: _started(fleet) > count / 3)
            await begin
            asked = time.monotonic()
            await _until_all_are_over(survivor)
            took = time.monotonic() - began
            for each in ending:
                each.cancel()
            await asyncio.wait(ending)
            assert [each.exception() for each in ending if not each.cancelled()] == []
            print(f"\nkilled: {killed}: {count / took:.0f} sessions/s; asked for in {asked - began:.1f} s, over in {took:.1f} s")
            await _check(survivor, crowd, count, fleet)


def _started(fleet: FakeFleet) -> int:
    return sum(len(each.started) for each in fleet.workers)


async def _kill(killed: str, one: House, two: House, is_time: Callable[[], bool]) -> House:
    """Kills a coordinator, if one is to be, in the middle of it all. Returns one that lives."""
    if killed == "nobody":
        return one
    leader, other = (one, two) if one.coordinator.control.leads else (two, one)
    victim, survivor = (leader, other) if killed == LEADER else (other, leader)
    await survivor.sees(lambda _: is_time(), DEADLINE_S)
    await victim.kill()
    return survivor


async def _until_all_are_over(house: House) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await house.coordinator.database.read(session_rows.all_open):
            await house.looked(1)


async def _check(house: House, crowd: Crowd, count: int, fleet: FakeFleet) -> None:
    started = Counter(session_id for each in fleet.workers for session_id in each.started)
    rows = await house.coordinator.database.read(session_rows.newest, 2 * count, closed=True)
    assert len(crowd.begun) == len(set(crowd.begun)) == count
    # A client whose coordinator was killed while it answered has a session that it does not know: it is served all the same.
    assert set(crowd.begun) <= {each.id for each in rows}
    assert len(rows) - count <= CLIENTS
    assert started == Counter(each.id for each in rows)
    assert {(str(each.state), each.reason, each.placements, each.restarts) for each in rows} == {("CLOSED", "enough", 1, 0)}
    assert crowd.refused == Counter()
    assert len(fleet.workers) == WORKERS
