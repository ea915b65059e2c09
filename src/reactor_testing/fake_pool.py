"""FakePool: a pool whose workers are :class:`FakeWorker` objects in this process, for tests and benchmarks of coordinators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reactor_coordinator.pools.port import Adopted, Launch, PoolFullError, Started
from reactor_protocol.names import ENV_WORKER_SECRET
from reactor_testing.fake_worker import FakeFleet, FakeWorker, WorkerKind


class FakePool:
    """Room for ``slots`` workers of any size. Several coordinators, one after the other or at once, may share one."""

    name = "fake"

    def __init__(self, fleet: FakeFleet, slots: int, kind: WorkerKind | None = None) -> None:
        self._fleet = fleet
        self._slots = slots
        self._kind = kind or WorkerKind()
        self.workers: dict[str, FakeWorker] = {}
        self.launched: list[Launch] = []

    def kill(self, worker_id: str) -> None:
        """Ends a worker as ``kill -9`` does."""
        self.workers[worker_id].die()

    async def open(self) -> None:
        """Nothing to find out."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def room(self, gpus: float, cpus: float) -> int:
        """How many more workers fit."""
        return self._slots - len(self.workers)

    async def start(self, launch: Launch) -> Started:
        """Starts a worker. Raises :class:`PoolFullError`."""
        if len(self.workers) >= self._slots:
            raise PoolFullError(f"all {self._slots} slots are taken")
        self.launched.append(launch)
        self.workers[launch.worker_id] = self._fleet.add(launch.worker_id, launch.env[ENV_WORKER_SECRET], self._kind)
        return Started(launch.worker_id, "127.0.0.1", "here", 1)

    async def stop(self, worker_id: str, grace_s: float) -> None:
        """Ends a worker."""
        worker = self.workers.pop(worker_id, None)
        if worker is not None:
            worker.die()

    async def dead(self) -> Mapping[str, str]:
        """Workers that have ended by themselves, or were killed."""
        return {each.id: "it was killed" for each in self.workers.values() if each.dead}

    async def adopt(self, workers: Iterable[Adopted]) -> None:
        """They are known already."""

    async def logs(self, worker_id: str, lines: int = 50) -> str:
        """A fake worker writes nothing."""
        return ""
