"""LocalPool: workers are processes on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reactor_coordinator.pools.devices import capacity, check_gpus, fit, free_shares, parse_listing, parse_visible
from reactor_coordinator.pools.environment import worker_environment
from reactor_coordinator.pools.port import Adopted, Launch, PoolError, PoolFullError, Started, check_worker_id
from reactor_coordinator.pools.process import WorkerProcess
from reactor_coordinator.pools.worker_log import WorkerLog, prune
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

_HOST: Final = "127.0.0.1"
_TEND_S: Final = 1.0
_LISTING_LIMIT_S: Final = 15.0


@dataclass(slots=True)
class _Held:
    """A worker that this pool knows; ``process`` is None where it was gone already."""

    process: WorkerProcess | None
    devices: Mapping[str, float] = field(default_factory=dict)
    stopping: bool = False

    def ended(self) -> str | None:
        return "was gone when the coordinator came back" if self.process is None else self.process.ended()


class LocalPool:
    """Processes on this machine, ``slots`` at once: None means one for each GPU, or ``slots_without_gpus``.

    Under ``folder`` it keeps their logs, and what is needed to tell them from other processes after a restart. CPUs are not
    counted: how many workers this machine bears is what the slots say. A worker that asks for no GPU sees all of them.
    """

    name = "local"

    def __init__(self, folder: Path, slots: int | None, slots_without_gpus: int, environ: Mapping[str, str]) -> None:
        self._folder = folder / "workers"
        self._slots = slots
        self._slots_without_gpus = slots_without_gpus
        self._environ = environ
        self._node = socket.gethostname()
        self._devices: tuple[str, ...] = ()
        self._held: dict[str, _Held] = {}
        self._scope = TaskScope("local pool")

    async def open(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise PoolError(f"the state of workers cannot be kept in {self._folder}: {error.strerror}") from error
        self._devices = await _devices(self._environ)
        self._scope.start(self._tend(), "tend")

    async def close(self) -> None:
        await self._scope.close()

    # ------------------------------------------------------------------------------------------------- room

    async def room(self, gpus: float, cpus: float) -> int:
        living = self._living()
        slots = self._slots or len(self._devices) or self._slots_without_gpus
        free = max(0, slots - len(living))
        return min(free, capacity(self._free(living), gpus)) if gpus > 0 else free

    def _living(self) -> list[_Held]:
        return [held for held in self._held.values() if held.ended() is None]

    def _free(self, living: list[_Held]) -> dict[str, float]:
        return free_shares(self._devices, (held.devices for held in living))

    async def _shares(self, launch: Launch) -> dict[str, float]:
        check_gpus(launch.gpus)
        if await self.room(launch.gpus, launch.cpus) < 1:
            raise PoolFullError(
                f"there is no room for another worker of {launch.model} on this machine "
                f"({len(self._living())} workers, {len(self._devices)} GPUs): stop one, or raise pool.workers"
            )
        return (fit(self._free(self._living()), launch.gpus) or {}) if launch.gpus > 0 else {}

    # ------------------------------------------------------------------------------------------ start and stop

    async def start(self, launch: Launch) -> Started:
        check_worker_id(launch.worker_id)
        if launch.worker_id in self._held:
            raise PoolError(f"there is a worker {launch.worker_id} already: give the new one an id of its own")
        if not launch.path.is_dir():
            raise PoolError(f"the folder of model {launch.model} is not on this machine: {launch.path}")
        devices = await self._shares(launch)
        # Nothing is awaited from here on, so that no cancellation can lose a process; starting one takes about a millisecond.
        process = self._spawn(launch, devices)
        self._held[launch.worker_id] = _Held(process, devices)
        return Started(launch.worker_id, _HOST, self._node, process.pid)

    def _spawn(self, launch: Launch, devices: Mapping[str, float]) -> WorkerProcess:
        env = worker_environment(self._environ, launch.env, _HOST, devices)
        try:
            with WorkerLog(self._folder, launch.worker_id).writer() as log:
                process = WorkerProcess.start((sys.executable, *launch.arguments), launch.path, env, log)
        except OSError as error:
            raise PoolError(f"a worker of {launch.model} could not be started: {error}") from error
        try:
            self._remember(launch.worker_id, process, devices)
        except OSError as error:
            process.kill()
            raise PoolError(f"what is known of workers cannot be kept in {self._folder}: {error}") from error
        return process

    async def stop(self, worker_id: str, grace_s: float) -> None:
        held = self._held.get(worker_id) or self._recall(worker_id)
        held.stopping = True
        if held.process is not None:
            await held.process.stop(grace_s)
        self._held.pop(worker_id, None)
        self._identity(worker_id).unlink(missing_ok=True)

    async def dead(self) -> Mapping[str, str]:
        unwatched = [(worker_id, held) for worker_id, held in self._held.items() if not held.stopping]
        return {worker_id: ended for worker_id, held in unwatched if (ended := held.ended()) is not None}

    # --------------------------------------------------------------------------------------------------- adopt

    async def adopt(self, workers: Iterable[Adopted]) -> None:
        for worker in workers:
            # Those of another machine are the business of the coordinator there.
            if worker.worker_id not in self._held and worker.node in (None, self._node):
                self._held[worker.worker_id] = self._recall(worker.worker_id)

    def _identity(self, worker_id: str) -> Path:
        check_worker_id(worker_id)
        return self._folder / f"{worker_id}.json"

    def _remember(self, worker_id: str, process: WorkerProcess, devices: Mapping[str, float]) -> None:
        file = self._identity(worker_id)
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"pid": process.pid, "birth": process.birth, "devices": dict(devices)}), encoding="utf-8")
        new.replace(file)

    def _recall(self, worker_id: str) -> _Held:
        try:
            known: dict[str, Any] = json.loads(self._identity(worker_id).read_text(encoding="utf-8"))
            return _Held(WorkerProcess.found(int(known["pid"]), known["birth"]), dict(known["devices"]))
        except (OSError, ValueError, KeyError, TypeError):
            return _Held(None)

    # ---------------------------------------------------------------------------------------------------- logs

    async def logs(self, worker_id: str, lines: int = 50) -> str:
        check_worker_id(worker_id)
        return await asyncio.to_thread(WorkerLog(self._folder, worker_id).tail, lines)

    async def _tend(self) -> None:
        """Keeps the logs within their bounds."""
        while True:
            await asyncio.to_thread(self._tidy, tuple(self._held))
            await asyncio.sleep(_TEND_S)

    def _tidy(self, known: tuple[str, ...]) -> None:
        try:
            for worker_id in known:
                WorkerLog(self._folder, worker_id).trim()
            prune(self._folder, known)
        except OSError as error:
            logger.warning("the logs of workers in %s are not kept within their bounds: %s", self._folder, error)


async def _devices(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The GPUs of this machine that its environment leaves to us; none where there is no driver that answers."""
    if (visible := environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return parse_visible(visible)
    try:
        listing = await asyncio.create_subprocess_exec(
            "nvidia-smi",
            "-L",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environ,
        )
    except OSError:
        return ()
    try:
        async with asyncio.timeout(_LISTING_LIMIT_S):
            text, _ = await listing.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            listing.kill()
        await listing.wait()
        return ()
    return parse_listing(text.decode(errors="replace")) if listing.returncode == 0 else ()
