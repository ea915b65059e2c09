"""WorkerActor: holds one worker's resources on a node of a Ray cluster, and runs its process there."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypedDict

import ray

from reactor_coordinator.pools import tether
from reactor_coordinator.pools.environment import worker_environment
from reactor_coordinator.pools.process import WorkerProcess
from reactor_coordinator.pools.worker_log import WorkerLog, prune

_TEND_S: Final = 1.0
_LINGER_S: Final = 60.0
"""For how long an actor without a process waits: for one to start, or for somebody who wants to know how it ended."""


class Place(TypedDict):
    """Where a worker runs; ``node_id`` is Ray's name of ``node``."""

    host: str
    node: str
    node_id: str
    pid: int


class WorkerActor:
    """One worker, as a Ray actor. All of it runs on the actor's loop, whose thread is what the worker's process is tied to."""

    def __init__(self, worker_id: str) -> None:
        self._log: WorkerLog | None = None
        self._worker_id = worker_id
        self._process: WorkerProcess | None = None
        # Whoever wanted this worker may have died before it could say what to run.
        self._unwanted = threading.Timer(_LINGER_S, ray.kill, [ray.get_runtime_context().current_actor])
        self._unwanted.daemon = True
        self._unwanted.start()
        self._tending: asyncio.Task[None] | None = None

    async def begin(self, folder: str, env: Mapping[str, str], arguments: tuple[str, ...]) -> Place:
        """Starts the process. Raises :class:`OSError`."""
        self._unwanted.cancel()
        host = _address()
        if not Path(folder).is_dir():
            raise FileNotFoundError(
                f"the folder of the model is not on node {host}: {folder}; it must be at that path on every node"
            )
        logs = _log_folder()
        self._log = WorkerLog(logs, self._worker_id)
        tied = (sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), sys.executable, *arguments)
        with self._log.writer() as log:
            self._process = WorkerProcess.start(tied, Path(folder), worker_environment(os.environ, env, host), log)
        self._tending = asyncio.get_running_loop().create_task(self._tend(self._process, self._log, logs), name="worker.tend")
        return self.place()

    def place(self) -> Place:
        host = _address()
        pid = self._process.pid if self._process else 0
        return {"host": host, "node": host, "node_id": ray.get_runtime_context().get_node_id(), "pid": pid}

    async def where(self) -> Place:
        return self.place()

    async def ended(self, lines: int) -> tuple[str, str]:
        """Waits for the end of the process: how it ended, and its last lines."""
        how = await self._process.wait() if self._process else "was never started"
        return how, await self.logs(lines)

    async def stop(self, grace_s: float) -> None:
        if self._process is not None:
            await self._process.stop(grace_s)

    async def logs(self, lines: int) -> str:
        return self._log.tail(lines) if self._log else ""

    async def _tend(self, process: WorkerProcess, log: WorkerLog, logs: Path) -> None:
        """Keeps the logs within their bounds. The actor gives its resources back a while after the process has ended."""
        prune(logs, [self._worker_id])
        while process.ended() is None:
            log.trim()
            await asyncio.sleep(_TEND_S)
        await asyncio.sleep(_LINGER_S)
        ray.kill(ray.get_runtime_context().current_actor)


def _address() -> str:
    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]


def _log_folder() -> Path:
    """A folder of this user alone, the same for all workers on the node, so that old logs can be found and removed."""
    folder = Path(tempfile.gettempdir()) / f"openreactor-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else: remove it, or give Ray another TMPDIR")
    return folder
