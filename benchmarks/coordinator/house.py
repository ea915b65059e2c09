"""The coordinator process: what ``reactor coordinator`` runs, over a pool whose workers have no model and live elsewhere.

python -m benchmarks.coordinator.house --config FILE --crowd URL --workers N --ready FILE
"""

import argparse
import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from unittest import mock

import aiohttp

from benchmarks.coordinator.stage import raise_file_limit, write_whole
from reactor_coordinator.config import read_config
from reactor_coordinator.keys import NewKey
from reactor_coordinator.pools.port import Adopted, Launch, PoolFullError, Started
from reactor_coordinator.serve import serve
from reactor_protocol.names import ENV_WORKER_COORDINATORS, ENV_WORKER_SECRET
from reactor_runtime.logs import configure_logging


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--config", "--ready"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--crowd", required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    raise_file_limit()
    configure_logging("WARNING", "text")

    def ready(url: str, key: NewKey | None) -> None:
        assert key is not None, "the database is not a new one"
        write_whole(given.ready, json.dumps({"url": url, "key": key.text}))

    # Everything is as it is in service but for where the workers are.
    with mock.patch("reactor_coordinator.serve.make_pool", return_value=CrowdPool(given.crowd, given.workers)):
        asyncio.run(serve(read_config(given.config), ready))


class CrowdPool:
    """A pool whose workers are those of the process at ``url``."""

    name = "crowd"

    def __init__(self, url: str, slots: int) -> None:
        self._url = url
        self._slots = slots
        self._workers: set[str] = set()
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._http = aiohttp.ClientSession(self._url)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def room(self, gpus: float, cpus: float) -> int:
        return self._slots - len(self._workers)

    async def start(self, launch: Launch) -> Started:
        if len(self._workers) >= self._slots:
            raise PoolFullError("all slots are taken")
        self._workers.add(launch.worker_id)
        secret, coordinators = launch.env[ENV_WORKER_SECRET], launch.env[ENV_WORKER_COORDINATORS]
        body = {"worker_id": launch.worker_id, "secret": secret, "coordinators": coordinators}
        assert self._http is not None
        async with self._http.post("/workers", json=body) as answer:
            answer.raise_for_status()
        return Started(launch.worker_id, "127.0.0.1", "here", 1)

    async def stop(self, worker_id: str, grace_s: float) -> None:
        self._workers.discard(worker_id)
        assert self._http is not None
        async with self._http.delete(f"/workers/{worker_id}"):
            pass

    async def dead(self) -> Mapping[str, str]:
        return {}

    async def adopt(self, workers: Iterable[Adopted]) -> None:
        """There are none of an earlier coordinator."""

    async def logs(self, worker_id: str, lines: int = 50) -> str:
        return ""


if __name__ == "__main__":
    main()
