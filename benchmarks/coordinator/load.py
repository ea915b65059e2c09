"""The load generator: one part of it, in a process of its own.

python -m benchmarks.coordinator.load TASK-FILE RESULT-FILE
"""

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from benchmarks.coordinator import connect, create, freed, idle, waiting
from benchmarks.coordinator.client import Task
from benchmarks.coordinator.stage import raise_file_limit, write_whole

PARTS: dict[str, Callable[..., Coroutine[Any, Any, dict[str, Any]]]] = {
    "latency": create.latency,
    "rate": create.rate,
    "freed": freed.measure,
    "waiting": waiting.measure,
    "connect": connect.measure,
    "idle": idle.measure,
}


def main() -> None:
    raise_file_limit()
    logging.basicConfig(level=logging.WARNING)
    task = json.loads(Path(sys.argv[1]).read_text())
    samples = asyncio.run(PARTS[task["part"]](Task(task["port"], task["key"], task["pids"]), **task["options"]))
    write_whole(Path(sys.argv[2]), json.dumps(samples))


if __name__ == "__main__":
    main()
