"""RayPool: workers are detached actors of a Ray cluster. Ray itself is in a process beside the coordinator (``ray_driver``)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from reactor_coordinator.config import RayPoolSpec
from reactor_coordinator.pools.devices import check_gpus
from reactor_coordinator.pools.port import Adopted, Launch, PoolError, PoolFullError, Started, check_worker_id
from reactor_coordinator.pools.ray_link import RayLink
from reactor_coordinator.pools.worker_log import WorkerLog
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

_ANSWER_LIMIT_S: Final = 5.0
_START_LIMIT_S: Final = 60.0
_STOP_MARGIN_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
_KEPT_TAILS: Final = 256
_TRIM_S: Final = 60.0


class RayPool:
    """Workers on a Ray cluster. One that goes away is joined again later; what Ray says of it is in ``folder/ray-driver.log``.

    Whoever can reach the cluster can run code on it, so workers are as safe from others as the cluster is.
    """

    name = "ray"

    def __init__(self, spec: RayPoolSpec, folder: Path, environ: Mapping[str, str]) -> None:
        self._address = spec.address
        self._namespace = spec.namespace
        self._max_workers = spec.max_workers
        self._folder = folder
        self._environ = environ
        self._link: RayLink | None = None
        self._workers: dict[str, Adopted] = {}
        self._unwanted: set[str] = set()
        self._dead: dict[str, str] = {}
        self._tails: dict[str, str] = {}
        self._scope = TaskScope("ray pool")

    # ------------------------------------------------------------------------------------------- open and close

    async def open(self) -> None:
        """Joins the cluster. Raises :class:`PoolError` where there is none; one that goes away later is waited for."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise PoolError(f"the log of Ray cannot be kept in {self._folder}: {error.strerror}") from error
        joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        keeping = self._scope.start(self._keep(joined), "keep")
        await asyncio.wait([keeping, joined], return_when=asyncio.FIRST_COMPLETED)
        await joined

    async def close(self) -> None:
        self._link = None
        await self._scope.close()

    async def _keep(self, joined: asyncio.Future[None]) -> None:
        """Joins the cluster, and joins it again whenever it was lost; gives up only where it was never there."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._join(joined)
            except PoolError as error:
                if not joined.done():
                    joined.set_exception(error)
                    return
                logger.warning("%s", error)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                logger.warning("the Ray cluster at %s was lost; it is joined again as soon as it answers", self._address)
                pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(pause_s)

    async def _join(self, joined: asyncio.Future[None]) -> None:
        """One run of the driver: it takes over all workers, and serves until it ends."""
        driver_log = WorkerLog(self._folder, "ray-driver")
        with driver_log.writer() as writer:
            link = await RayLink.start(self._address, self._namespace, self._environ, writer, self._ended)
        listening = self._scope.start(link.listen(), "listen")
        try:
            await link.joined()
            await self._hand_over(link)
            self._link = link
            if not joined.done():
                joined.set_result(None)
            while not listening.done():
                driver_log.trim()
                await asyncio.wait([listening], timeout=_TRIM_S)
        finally:
            self._link = None
            await link.leave()

    async def _hand_over(self, link: RayLink) -> None:
        for worker in list(self._workers.values()):
            await self._watch(link, worker)
        for worker_id in list(self._unwanted):
            await link.ask("stop", _STOP_MARGIN_S, worker_id=worker_id, grace_s=0.0)
            self._unwanted.discard(worker_id)

    async def _watch(self, link: RayLink, worker: Adopted) -> None:
        await link.ask("adopt", _ANSWER_LIMIT_S, worker_id=worker.worker_id, gpus=worker.gpus, cpus=worker.cpus)

    def _joined(self) -> RayLink:
        if self._link is None:
            raise PoolError(f"the Ray cluster at {self._address} is away: it is joined again as soon as it answers")
        return self._link

    # ------------------------------------------------------------------------------------------ start and stop

    async def room(self, gpus: float, cpus: float) -> int:
        check_gpus(gpus)
        fitting = int(await self._joined().ask("room", _ANSWER_LIMIT_S, gpus=gpus, cpus=cpus))
        return max(0, min(fitting, self._max_workers - len(self._workers)))

    async def start(self, launch: Launch) -> Started:
        check_worker_id(launch.worker_id)
        check_gpus(launch.gpus)
        if launch.worker_id in self._workers or launch.worker_id in self._dead:
            raise PoolError(f"there is a worker {launch.worker_id} already: give the new one an id of its own")
        if len(self._workers) >= self._max_workers:
            raise PoolFullError(f"{self._max_workers} workers run on the Ray cluster: stop one, or raise pool.max_workers")
        link = self._joined()
        self._workers[launch.worker_id] = Adopted(launch.worker_id, None, launch.gpus, launch.cpus)
        started = False
        try:
            place = await link.ask("start", _START_LIMIT_S, worker_id=launch.worker_id, launch=_as_json(launch))
            started = True
        finally:
            if not started:
                self._abandon(launch.worker_id)
        return Started(launch.worker_id, place["host"], place["node"], place["pid"])

    def _abandon(self, worker_id: str) -> None:
        """Sees to it that a worker whose start was not heard of to its end does not run, now or after the cluster is back."""
        self._workers.pop(worker_id, None)
        self._unwanted.add(worker_id)
        if self._link is not None:
            self._scope.start(self._remove(self._link, worker_id), f"remove {worker_id}")

    async def _remove(self, link: RayLink, worker_id: str) -> None:
        try:
            await link.ask("stop", _STOP_MARGIN_S, worker_id=worker_id, grace_s=0.0)
        except PoolError as error:
            logger.warning("worker %s, which did not start, could not be removed yet: %s", worker_id, error)
        else:
            self._unwanted.discard(worker_id)

    async def stop(self, worker_id: str, grace_s: float) -> None:
        check_worker_id(worker_id)
        if worker_id not in self._dead:
            await self._joined().ask("stop", grace_s + _STOP_MARGIN_S, worker_id=worker_id, grace_s=grace_s)
        self._workers.pop(worker_id, None)
        self._dead.pop(worker_id, None)

    # ------------------------------------------------------------------------------------------------- watching

    async def dead(self) -> Mapping[str, str]:
        return dict(self._dead)

    def _ended(self, worker_id: str, how: str, lines: str) -> None:
        if self._workers.pop(worker_id, None) is not None:
            self._dead[worker_id] = how
            self._tails[worker_id] = lines
            if len(self._tails) > _KEPT_TAILS:
                del self._tails[next(iter(self._tails))]

    async def adopt(self, workers: Iterable[Adopted]) -> None:
        link = self._joined()
        for worker in workers:
            check_worker_id(worker.worker_id)
            if worker.worker_id not in self._workers and worker.worker_id not in self._dead:
                self._workers[worker.worker_id] = worker
                await self._watch(link, worker)

    async def logs(self, worker_id: str, lines: int = 50) -> str:
        if worker_id in self._workers:
            return str(await self._joined().ask("logs", _ANSWER_LIMIT_S, worker_id=worker_id, lines=lines))
        return "\n".join(self._tails.get(worker_id, "").splitlines()[-lines:])


def _as_json(launch: Launch) -> dict[str, Any]:
    return {
        "path": str(launch.path),
        "env": dict(launch.env),
        "gpus": launch.gpus,
        "cpus": launch.cpus,
        "arguments": list(launch.arguments),
    }
