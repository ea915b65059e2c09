"""Thousands of clients wait and listen while the queue moves: what that costs, and how old the positions are that they have.

All sessions are of one key, so the queue is first come, first served, and this process can tell for itself where each of them
truly stands: everybody moves up by one with each request that ends a running session. A position is as old as the moment since
when it is not true any more; the time that a placement takes is counted in.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from benchmarks import procfs
from benchmarks.coordinator.client import STARTED, Client, Meter, Task

POSITION = b'"position":'
JOINING = 64
SAMPLE_S = 0.5
SETTLE_S = 3.0


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
    """All clients, and everything that has happened to them."""

    waiters: list[_Waiter] = field(default_factory=list)
    running: deque[_Waiter] = field(default_factory=deque)
    left_at: list[float] = field(default_factory=list)
    """When each departure from the queue became true, in order."""
    events: int = 0
    lost: int = 0
    errors: int = 0

    def number(self) -> None:
        """Gives everybody a number, first come first."""
        self.waiters.sort(key=lambda each: (each.queued_at, each.session_id))
        for number, waiter in enumerate(self.waiters, 1):
            waiter.number = number

    def ages(self, now: float) -> list[float]:
        """How old the position is that each waiting client has, in seconds."""
        return [self._age(each, now) for each in self.waiters if not each.active and each.position]

    def _age(self, waiter: _Waiter, now: float) -> float:
        untrue_since = waiter.number - waiter.position
        return now - self.left_at[untrue_since] if 0 <= untrue_since < len(self.left_at) else 0.0


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
    crowd.left_at += [time.perf_counter()] * len(crowd.running)
    full_mib = procfs.resident_mib(task.pids["coordinator"])
    events, meter, ages = crowd.events, Meter(task), list[float]()
    async with asyncio.TaskGroup() as group:
        mover = group.create_task(_move(crowd, task, first.token, moves_per_s))
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            await asyncio.sleep(SAMPLE_S)
            ages += crowd.ages(time.perf_counter())
        mover.cancel()
    cores, over = meter.read(), seconds
    return {
        "ages_s": ages,
        "waiting": sum(not each.active for each in crowd.waiters),
        "moves_per_s": (len(crowd.left_at) - workers) / over,
        "events_per_s": (crowd.events - events) / over,
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
        crowd.left_at.append(time.perf_counter())
        try:
            await client.end(crowd.running.popleft().session_id)
            await _join_one(crowd, client)
        except RuntimeError:
            crowd.errors += 1
            continue
        last = crowd.waiters[-1]
        last.number = len(crowd.waiters)
