"""A worker is free: ``connect()`` to the first frame, by our own client, with the coordinator in between."""

import asyncio
import time
from typing import Any

from benchmarks.coordinator.client import Task
from benchmarks.coordinator.stage import MODEL
from benchmarks.coordinator.wire import Connection
from reactor_sdk import Reactor

DEADLINE_S = 30.0


async def measure(task: Task, turns: int) -> dict[str, Any]:
    """Milliseconds to READY and to the first frame, of a client that is new each time; the first turn only warms up."""
    ready: list[float] = []
    frames: list[float] = []
    for turn in range(turns + 1):
        async with asyncio.timeout(DEADLINE_S):
            ready_ms, frame_ms = await _once(task)
        if turn:
            ready.append(ready_ms)
            frames.append(frame_ms)
        await _until_idle(task)
    return {"ready_ms": ready, "frame_ms": frames}


async def _once(task: Task) -> tuple[float, float]:
    seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def frame(_picture: object) -> None:
        if not seen.done():
            seen.set_result(time.perf_counter())

    reactor = Reactor(MODEL, api_key=task.key, api_url=task.url)
    reactor.set_frame_callback(frame)
    began = time.perf_counter()
    await reactor.connect()
    ready = time.perf_counter()
    first = await seen
    await reactor.disconnect()
    return (ready - began) * 1000, (first - began) * 1000


async def _until_idle(task: Task) -> None:
    """Returns when the worker has ended the last session."""
    connection = await Connection.open(task.port)
    async with asyncio.timeout(DEADLINE_S):
        while True:
            lines = (await connection.ask("GET", "/metrics")).body.decode().splitlines()
            if any(line.startswith("coordinator_workers") and 'state="IDLE"' in line and line.endswith(" 1.0") for line in lines):
                break
            await asyncio.sleep(0.05)
    connection.close()
