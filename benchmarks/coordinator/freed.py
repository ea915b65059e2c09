"""A worker becomes free: how long until the next session in line is ACTIVE, as its client hears it."""

import asyncio
import random
import time
from collections import deque
from typing import Any

from benchmarks.coordinator.client import STARTED, Client, Meter, Task

DEADLINE_S = 20.0


class _Line:
    """Sessions whose clients listen, and those of them that have become ACTIVE, with the time when their clients heard."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.active: deque[tuple[str, float]] = deque()
        self._news = asyncio.Event()

    async def join(self) -> None:
        """One more session."""
        session_id = (await self._client.begin())["session_id"]

        def heard(text: bytes) -> None:
            if STARTED in text:
                self.active.append((session_id, time.perf_counter()))
                self._news.set()

        await self._client.watch(session_id, heard, lambda: None)

    async def until_active(self, count: int) -> None:
        """Returns when so many are ACTIVE and have not been ended."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self.active) < count:
                self._news.clear()
                await self._news.wait()


async def measure(task: Task, workers: int, waiting: int, turns: int) -> dict[str, Any]:
    """Milliseconds from the request that ends a running session until the next in line hears that it is ACTIVE."""
    client, chance, spent = await Client.open(task), random.Random(1), []
    line = _Line(client)
    for _ in range(workers + waiting):
        await line.join()
    await line.until_active(workers)
    meter = Meter(task)
    for _ in range(turns):
        # Not in step with whatever the coordinator does regularly.
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        session_id, _ = line.active.popleft()
        began = time.perf_counter()
        await client.end(session_id)
        await line.until_active(workers)
        spent.append((line.active[-1][1] - began) * 1000)
        await line.join()
    return {"ms": spent, "cores": meter.read()}
