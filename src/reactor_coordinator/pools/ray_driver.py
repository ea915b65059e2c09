"""The process that talks to Ray: requests as JSON lines on standard input, answers and events on standard output.

Ray ends the process of a driver that has lost its cluster for a minute, and takes over signals and threads; the coordinator must
not be that process. A request is ``{id, verb, ...}``, its answer ``{id, result}`` or ``{id, error, message}``; an event is
``{ended, how, lines}``. The first line that it says is ``{id: 0, ...}``: whether it has joined the cluster. The end of its input
is its own end; the workers run on.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, TextIO

from reactor_coordinator.pools.port import PoolError, PoolFullError
from reactor_coordinator.pools.ray_cluster import RayCluster
from reactor_rtc.scope import TaskScope

FULL: Final = "full"
FAILED: Final = "failed"

Say = Callable[[dict[str, Any]], None]
Verb = Callable[..., Awaitable[Any]]


async def _answer(cluster: RayCluster, request: dict[str, Any], say: Say) -> None:
    number = request.pop("id")
    verbs: dict[str, Verb] = {
        "room": cluster.room,
        "start": cluster.start,
        "stop": cluster.stop,
        "adopt": cluster.adopt,
        "logs": cluster.logs,
    }
    verb = request.pop("verb")
    answer = _failure(number, PoolError(f"the Ray cluster failed at {verb}; its driver's log has the traceback"))
    try:
        answer = {"id": number, "result": await verbs[verb](**request)}
    except PoolError as error:
        answer = _failure(number, error)
    finally:
        say(answer)


def _failure(number: int, error: PoolError) -> dict[str, Any]:
    return {"id": number, "error": FULL if isinstance(error, PoolFullError) else FAILED, "message": error.message}


def _read_requests(loop: asyncio.AbstractEventLoop, requests: asyncio.Queue[dict[str, Any] | None]) -> None:
    for line in sys.stdin:
        loop.call_soon_threadsafe(requests.put_nowait, json.loads(line))
    loop.call_soon_threadsafe(requests.put_nowait, None)


async def _serve(address: str, namespace: str, say: Say) -> None:
    cluster = RayCluster(address, namespace, lambda worker_id, how, lines: say({"ended": worker_id, "how": how, "lines": lines}))
    try:
        cluster.connect()
    except PoolError as error:
        say(_failure(0, error))
        return
    say({"id": 0, "result": None})
    requests: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    reader = threading.Thread(target=_read_requests, args=(asyncio.get_running_loop(), requests), daemon=True)
    reader.start()
    scope = TaskScope("ray driver")
    while (request := await requests.get()) is not None:
        scope.start(_answer(cluster, request, say), str(request["verb"]))
    await scope.close()
    await cluster.close()


def _answers() -> TextIO:
    """Where answers go. Whatever else writes to standard output from now on writes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return answers


def main() -> None:
    address, namespace = sys.argv[1:]
    answers = _answers()

    def say(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    asyncio.run(_serve(address, namespace, say))


if __name__ == "__main__":
    main()
