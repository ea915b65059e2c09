"""Nobody asks for anything, but workers report."""

import asyncio
from typing import Any

from benchmarks import procfs
from benchmarks.coordinator.client import Client, Meter, Task


async def measure(task: Task, seconds: float) -> dict[str, Any]:
    """Cores, and memory in MiB."""
    (await Client.open(task)).close()
    meter = Meter(task)
    await asyncio.sleep(seconds)
    return {"cores": meter.read(), "mib": procfs.resident_mib(task.pids["coordinator"])}
