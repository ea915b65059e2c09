"""Pool: where workers run, as the coordinator sees it. Two adapters pass the same checks: ``local`` and ``ray``.

A pool starts processes, stops them and sees them end. What a worker does in between it tells the coordinator itself, in its
reports. Workers outlive the pool object that started them: another one, of a later coordinator, adopts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from reactor_protocol.errors import InvalidArgumentError, ReactorException

WORKER_ARGUMENTS = ("-P", "-m", "reactor_runtime.serve")
"""What a worker's interpreter is started with. ``-P`` keeps the files of a model from hiding modules of the runtime."""

_WORKER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class PoolError(ReactorException):
    """A worker could not be started or stopped; the message says what to do about it."""

    code = "POOL_FAILED"
    recoverable = True


class PoolFullError(PoolError):
    """There is no room for another such worker now."""

    code = "POOL_FULL"


@dataclass(frozen=True, slots=True)
class Launch:
    """A worker to start: its model's folder ``path`` is its working directory, where the worker runs.

    ``env`` holds its identity, secret and coordinators, and what the model's operator adds. The pool adds HOST, PORT=0 and the
    GPUs. ``gpus`` is a fraction below 1, or a whole number.
    """

    worker_id: str
    model: str
    path: Path
    env: Mapping[str, str] = field(repr=False)
    gpus: float = 0.0
    cpus: float = 1.0
    arguments: tuple[str, ...] = WORKER_ARGUMENTS


@dataclass(frozen=True, slots=True)
class Started:
    """A worker's process. ``host`` is the address that it listens on and where the coordinator reaches it."""

    worker_id: str
    host: str
    node: str
    pid: int


@dataclass(frozen=True, slots=True)
class Adopted:
    """A worker that an earlier coordinator has started, as its record says."""

    worker_id: str
    node: str | None = None
    gpus: float = 0.0
    cpus: float = 1.0


class Pool(Protocol):
    """Where workers run. Every verb may raise :class:`PoolError`; :meth:`dead` never does."""

    @property
    def name(self) -> str: ...

    async def open(self) -> None:
        """Finds out what there is; before anything else."""
        ...

    async def close(self) -> None:
        """Lets go of everything; the workers run on."""
        ...

    async def room(self, gpus: float, cpus: float) -> int:
        """How many more workers of that size fit now."""
        ...

    async def start(self, launch: Launch) -> Started:
        """Starts a worker and returns once its process runs; whether its model loads is told by its reports.

        Raises :class:`PoolFullError`, or :class:`PoolError`; then nothing has been started.
        """
        ...

    async def stop(self, worker_id: str, grace_s: float) -> None:
        """Ends a worker: SIGTERM, after ``grace_s`` seconds SIGKILL to it and all that it has started. Returns when it is gone.

        One that is dead or unknown is forgotten.
        """
        ...

    async def dead(self) -> Mapping[str, str]:
        """Workers that have ended without :meth:`stop`, and how; each until it is stopped or forgotten. Cheap."""
        ...

    async def adopt(self, workers: Iterable[Adopted]) -> None:
        """Takes over workers of an earlier coordinator. Those that are gone are :meth:`dead` from now on."""
        ...

    async def logs(self, worker_id: str, lines: int = 50) -> str:
        """The last lines that a worker has written; empty where nothing is known."""
        ...


def check_worker_id(worker_id: str) -> None:
    """Raises :class:`InvalidArgumentError` for an id that cannot be the name of a file or of an actor."""
    if not _WORKER_ID.fullmatch(worker_id):
        raise InvalidArgumentError(f"{worker_id!r} cannot be the id of a worker: letters, digits, - and _ alone, 64 at most")
