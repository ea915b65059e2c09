"""``POST /sessions``: how long it takes when few ask, and how many a second are answered when many do."""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from benchmarks.coordinator.client import Client, Meter, Task
from benchmarks.coordinator.wire import Lost

WARM_UP = 20


async def latency(task: Task, clients: int, requests: int) -> dict[str, Any]:
    """Milliseconds of each ``POST /sessions``; each client asks again when it has its answer and has ended that session."""
    first = await Client.open(task)
    several = [first, *[await Client.open(task, first.token) for _ in range(clients - 1)]]

    async def some(client: Client) -> list[float]:
        spent = []
        for turn in range(WARM_UP + requests):
            began = time.perf_counter()
            session = await client.begin()
            if turn >= WARM_UP:
                spent.append((time.perf_counter() - began) * 1000)
            await client.end(session["session_id"])
        return spent

    meter = Meter(task)
    samples = [each for those in await asyncio.gather(*map(some, several)) for each in those]
    return {"ms": samples, "cores": meter.read()}


@dataclass
class _Tally:
    """What the connections have done together."""

    spent_ms: list[float] = field(default_factory=list)
    ended: int = 0
    errors: Counter[str] = field(default_factory=Counter)


async def rate(task: Task, connections: int, seconds: float, kept: int | None) -> dict[str, Any]:
    """As many as there can be. Each connection ends its oldest session once it has more than ``kept``; None: never."""
    first = await Client.open(task)
    several = [first, *[await Client.open(task, first.token) for _ in range(connections - 1)]]
    tally, meter, began = _Tally(), Meter(task), time.perf_counter()
    await asyncio.gather(*(_ask_on(client, began + seconds, kept, tally) for client in several))
    over = time.perf_counter() - began
    return {
        "ms": tally.spent_ms,
        "per_s": len(tally.spent_ms) / over,
        "ended_per_s": tally.ended / over,
        "errors": dict(tally.errors),
        "cores": meter.read(),
    }


async def _ask_on(client: Client, until: float, kept: int | None, tally: _Tally) -> None:
    mine: deque[str] = deque()
    while (began := time.perf_counter()) < until:
        try:
            session = await client.begin()
            tally.spent_ms.append((time.perf_counter() - began) * 1000)
            mine.append(session["session_id"])
            if kept is not None and len(mine) > kept:
                await client.end(mine.popleft())
                tally.ended += 1
        except RuntimeError as error:
            tally.errors[str(error)[:120]] += 1
        except Lost as error:
            tally.errors[f"lost: {error}"] += 1
            return
