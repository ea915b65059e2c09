"""Thousands of clients wait and listen while the queue moves: what that costs, and how old the positions are that they have.

All sessions are of one key, so the queue is first come, first served, and this process can tell for itself where each of them
truly stands: everybody moves up by one when the first in line is given a worker. A position is as old as the moment since when it
is not true any more. That moment is not seen from here, but lies between two that are: the request that ended a session, and with
that freed the worker, and the beginning of the next session there. Ages are counted from either: at most, and at least.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import procfs
from benchmarks.coordinator.client import STARTED, Client, Meter, Task
from benchmarks.coordinator.stage import SESSION_S

POSITION = b'"position":'
JOINING = 64
SAMPLE_S = 0.5
SETTLE_S = 2.0


@dataclass
class _Waiter:
    """One client: where it joined, and what it knows."""

    session_id: str
    queued_at: float
    position: int = 0
    active: bool = False
    number: int = 0
    """The how-manieth it is to leave the queue."""


@dataclass
class _Crowd:
    """All clients, and everything that has happened to them. Times are epoch seconds, as the coordinator's are."""

    waiters: list[_Waiter] = field(default_factory=list)
    running: deque[_Waiter] = field(default_factory=deque)
    began_at: list[float] = field(default_factory=list)
    """When each session that has left the queue began."""
    asked_at: list[float] = field(default_factory=list)
    """When the end of a session was asked for, so that another one could leave the queue."""
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    """A time, a client's number, and the position that it had then."""
    events: int = 0
    lost: int = 0
    errors: int = 0

    def number(self) -> None:
        """Gives everybody a number, first come first."""
        self.waiters.sort(key=lambda each: (each.queued_at, each.session_id))
        for number, waiter in enumerate(self.waiters, 1):
            waiter.number = number

    def sample(self) -> None:
        """Notes the positions that all have now."""
        now = time.time()
        self.samples += [(now, each.number, each.position) for each in self.waiters if not each.active and each.position]

    def ages(self, left_at: Sequence[float]) -> list[float]:
        """How old each sampled position was, in seconds, where the first in line left the queue at these times."""
        return [_age(now, number - position, left_at) for now, number, position in self.samples]


def _age(now: float, passed: int, left_at: Sequence[float]) -> float:
    """The age of a position that was true after ``passed`` others had left, until one more did."""
    return max(0.0, now - left_at[passed]) if 0 <= passed < len(left_at) else 0.0


async def measure(task: Task, waiting: int, workers: int, seconds: float, moves_per_s: float) -> dict[str, Any]:
    """Positions, costs and counts of so many clients over so many seconds."""
    crowd, first = _Crowd(), await Client.open(task)
    empty_mib = procfs.resident_mib(task.pids["coordinator"])
    joined = time.perf_counter()
    await _join(crowd, task, first.token, waiting + workers)
    joined = time.perf_counter() - joined
    await asyncio.sleep(SETTLE_S)
    if len(crowd.running) < workers:
        raise RuntimeError(f"of {workers} workers only {len(crowd.running)} run sessions")
    crowd.number()
    crowd.asked_at += [0.0] * len(crowd.running)
    full_mib = procfs.resident_mib(task.pids["coordinator"])
    events, meter = crowd.events, Meter(task)
    async with asyncio.TaskGroup() as group:
        mover = group.create_task(_move(crowd, task, first.token, moves_per_s))
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            await asyncio.sleep(SAMPLE_S)
            crowd.sample()
        mover.cancel()
    cores, moves, events = meter.read(), len(crowd.asked_at) - workers, crowd.events - events
    await asyncio.sleep(SETTLE_S)
    return {
        "ages_s": crowd.ages(sorted(crowd.began_at)),
        "ages_asked_s": crowd.ages(crowd.asked_at),
        "waiting": sum(not each.active for each in crowd.waiters),
        "moves_per_s": moves / seconds,
        "events_per_s": events / seconds,
        "joined_per_s": (waiting + workers) / joined,
        "lost": crowd.lost,
        "errors": crowd.errors,
        "kib_each": (full_mib - empty_mib) * 1024 / (waiting + workers),
        "cores": cores,
    }


async def _join(crowd: _Crowd, task: Task, token: str, count: int) -> None:
    """So many more clients, some of them at a time."""
    left = iter(range(count))

    async def some() -> None:
        client = await Client.open(task, token)
        for _ in left:
            await _join_one(crowd, client)
        client.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(JOINING, count)):
            group.create_task(some())


async def _join_one(crowd: _Crowd, client: Client) -> None:
    session = await client.begin()
    waiter = _Waiter(session["session_id"], session["created_at"])
    crowd.waiters.append(waiter)

    def heard(text: bytes) -> None:
        crowd.events += 1
        at = text.find(POSITION)
        if at >= 0:
            waiter.position = int(text[at + len(POSITION) : text.index(b",", at)])
        elif STARTED in text and not waiter.active:
            waiter.active = True
            crowd.began_at.append(json.loads(text)["expires_at"] - SESSION_S)
            crowd.running.append(waiter)

    def ended() -> None:
        crowd.lost += not waiter.active

    await client.watch(waiter.session_id, heard, ended)


async def _move(crowd: _Crowd, task: Task, token: str, per_s: float) -> None:
    """Ends the session that has run longest, and brings a new one, so many times a second."""
    client = await Client.open(task, token)
    began = time.perf_counter()
    for turn in range(1_000_000):
        await asyncio.sleep(max(0.0, began + turn / per_s - time.perf_counter()))
        if not crowd.running:
            continue
        crowd.asked_at.append(time.time())
        try:
            await client.end(crowd.running.popleft().session_id)
            await _join_one(crowd, client)
        except RuntimeError:
            crowd.errors += 1
            continue
        last = crowd.waiters[-1]
        last.number = len(crowd.waiters)
