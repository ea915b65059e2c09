"""Crew: the workers of this house, started and stopped in a pool as the fleet plan says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import uuid4

from reactor_coordinator import fleet
from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Snapshot
from reactor_coordinator.config import CloudConfig, ModelSpec
from reactor_coordinator.fleet import Crashes, FleetPlan, ModelNeeds, Room
from reactor_coordinator.pools.port import Adopted, Launch, Pool, PoolError, PoolFullError
from reactor_coordinator.queue import Waiting
from reactor_coordinator.records import WorkerRecord
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database
from reactor_coordinator.tokens import Signer
from reactor_protocol.errors import ReactorException
from reactor_protocol.lifecycles import WorkerEvent, WorkerState
from reactor_protocol.names import (
    ENV_WORKER_COORDINATORS,
    ENV_WORKER_ID,
    ENV_WORKER_PATIENCE,
    ENV_WORKER_SECRET,
    WORKER_PATIENCE_S,
)
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

_FIRST_LEASE_S: Final = 60.0
"""For how long a process may take until its first report."""
_GRACE_S: Final = 5.0
_LOG_LINES: Final = 20


class Crew:
    """Keeps the pool in step with the plan. Starting and stopping take their time, and run beside the control loop."""

    def __init__(
        self, config: CloudConfig, pool: Pool, database: Database, bell: Bell, signer: Signer, clock: Callable[[], float]
    ) -> None:
        self._config = config
        self._pool = pool
        self._database = database
        self._bell = bell
        self._signer = signer
        self._clock = clock
        self._mine: dict[str, float] = {}
        """Workers that run in the pool, and since when their rows say so."""
        self._stopping: set[str] = set()
        self._starting: dict[str, WorkerRecord] = {}
        self._crashes: dict[str, Crashes] = {}
        self._unseen: dict[str, WorkerRecord] = {}
        """Workers that no snapshot has shown yet: they may fail faster than that."""
        self._last: Mapping[str, WorkerRecord] = {}
        self._scope = TaskScope("crew")
        self.urls: Sequence[str] = ()
        """Where workers reach the coordinators."""

    @property
    def load_seconds(self) -> Mapping[str, float]:
        """For how long each model may load."""
        return {name: spec.load_seconds for name, spec in self._config.models.items()}

    async def adopt(self, workers: Iterable[WorkerRecord]) -> None:
        """Takes over the workers that an earlier coordinator has started in this pool."""
        ours = [worker for worker in workers if worker.pool == self._pool.name]
        sizes = self._config.models
        adopted = [
            Adopted(worker.id, worker.node, sizes[worker.model].gpus, sizes[worker.model].cpus)
            if worker.model in sizes
            else Adopted(worker.id, worker.node)
            for worker in ours
            if worker.id not in self._mine
        ]
        await self._pool.adopt(adopted)
        self._mine.update(dict.fromkeys((each.worker_id for each in adopted), self._clock()))

    async def dead(self, workers: Collection[WorkerRecord]) -> dict[str, str]:
        """Workers whose process has ended though nobody told it to, and how."""
        ended = await self._pool.dead()
        found = {}
        for worker in workers:
            if worker.id in ended and worker.id not in self._stopping:
                log = await self._pool.logs(worker.id, _LOG_LINES)
                if log:
                    logger.warning("the last lines of worker %s (%s):\n%s", worker.id, worker.model, log)
                found[worker.id] = ended[worker.id]
        return found

    # ---------------------------------------------------------------------------------------------------------- plan

    async def tend(self, snapshot: Snapshot, waiting: Mapping[str, Sequence[Waiting]]) -> None:
        """Starts and stops workers as the plan says. ``waiting``, by model, are those for whom no worker is free."""
        self._note_crashes(snapshot)
        self._stop_lost(snapshot)
        needs = {name: self._needs(name, spec) for name, spec in self._config.models.items()}
        try:
            room = Room(await self._free(), len(self._stopping))
        except PoolError as error:
            logger.warning("the pool does not say how much room there is: %s", error)
            return
        coming = [each for each in self._starting.values() if each.id not in snapshot.workers]
        plan = fleet.plan(needs, [*snapshot.workers.values(), *coming], fleet.demand_of(waiting), room, snapshot.now)
        await self._carry_out(plan)

    def _needs(self, name: str, spec: ModelSpec) -> ModelNeeds:
        return ModelNeeds(warm=spec.warm, max=spec.max, crashes=self._crashes.get(name, Crashes()))

    async def _free(self) -> dict[str, int]:
        sizes = {(spec.gpus, spec.cpus) for spec in self._config.models.values()}
        room = {size: await self._pool.room(*size) for size in sizes}
        # The pool counts those that it has been told to start; these it has not been told of yet.
        coming = len(self._starting.keys() - self._mine.keys())
        return {name: max(0, room[spec.gpus, spec.cpus] - coming) for name, spec in self._config.models.items()}

    def _note_crashes(self, snapshot: Snapshot) -> None:
        unseen = [each for each in self._unseen.values() if self._mine.get(each.id, 0.0) < snapshot.now]
        for worker in unseen:
            del self._unseen[worker.id]
        for worker in (*self._last.values(), *unseen):
            if worker.state is WorkerState.STARTING and worker.id not in snapshot.workers and worker.id not in self._stopping:
                self._crashes[worker.model] = self._crashes.get(worker.model, Crashes()).after(snapshot.now)
        for worker in snapshot.workers.values():
            if worker.state is not WorkerState.STARTING and self._last.get(worker.id, worker).state is WorkerState.STARTING:
                self._crashes.pop(worker.model, None)
        self._last = snapshot.workers

    def _stop_lost(self, snapshot: Snapshot) -> None:
        """Ends processes whose workers are out of service: nobody may be served by one that has been replaced."""
        for worker_id, since in list(self._mine.items()):
            # A snapshot from before its row was written does not know it yet.
            if worker_id not in snapshot.workers and since < snapshot.now and worker_id not in self._starting:
                self._stop(worker_id)

    async def _carry_out(self, plan: FleetPlan) -> None:
        for model in plan.launch:
            record = self._new_worker(model)
            self._starting[record.id] = record
            self._scope.start(self._launch(record), f"launch {record.id}")
        for worker_id in plan.retire:
            if await self._database.write(worker_rows.retired, worker_id):
                logger.info("the worker %s is retired", worker_id)
                self._stop(worker_id)
        for worker_id in plan.drain:
            await self._database.write(worker_rows.change, worker_id, draining=True)

    def _stop(self, worker_id: str) -> None:
        if worker_id not in self._stopping:
            self._stopping.add(worker_id)
            self._scope.start(self._end(worker_id), f"stop {worker_id}")

    async def _end(self, worker_id: str) -> None:
        try:
            await self._pool.stop(worker_id, _GRACE_S)
            self._mine.pop(worker_id, None)
        except PoolError as error:
            logger.warning("the worker %s could not be stopped: %s", worker_id, error)
        finally:
            self._stopping.discard(worker_id)
            self._bell.ring()

    # -------------------------------------------------------------------------------------------------------- launch

    def _new_worker(self, model: str) -> WorkerRecord:
        now = self._clock()
        return WorkerRecord(
            id=f"w-{uuid4().hex[:12]}",
            pool=self._pool.name,
            model=model,
            state=WorkerState.STARTING,
            host="127.0.0.1",
            started_at=now,
            lease_until=now + _FIRST_LEASE_S,
        )

    async def _launch(self, worker: WorkerRecord) -> None:
        spec = self._config.models[worker.model]
        launch = Launch(worker.id, worker.model, spec.path, self._environment(worker.id, spec), spec.gpus, spec.cpus)
        try:
            # The row is there before the process: its first report must find it.
            await self._database.write(worker_rows.add, [worker])
            started = await self._pool.start(launch)
            self._mine[worker.id] = self._clock()
            self._unseen[worker.id] = worker
            values = {"host": started.host, "node": started.node, "pid": started.pid}
            await self._database.write(worker_rows.change, worker.id, **values)
            logger.info("the worker %s starts with the model %s on %s", worker.id, worker.model, started.node)
        except ReactorException as error:
            log = logger.debug if isinstance(error, PoolFullError) else logger.error
            log("no worker for the model %s could be started: %s", worker.model, error)
            if not isinstance(error, PoolFullError) and worker.id not in self._last:
                self._unseen[worker.id] = worker
            await self._give_up(worker, str(error))
        finally:
            self._starting.pop(worker.id, None)
            self._bell.ring()

    async def _give_up(self, worker: WorkerRecord, why: str) -> None:
        """A worker that was not started, or whose row does not say where: its process, if any, is stopped as any lost one's."""
        try:
            await self._database.write(worker_rows.moved, worker.id, WorkerEvent.FAILED, failure=why)
        except ReactorException as error:
            # Where the database is away for longer, the row waits until the model's time to load is over.
            logger.warning("the worker %s is not written off yet: %s", worker.id, error)

    def _environment(self, worker_id: str, spec: ModelSpec) -> dict[str, str]:
        limits = self._config.limits
        return {
            **spec.env,
            "ORPHAN_TIMEOUT_SECONDS": f"{limits.resume_seconds:g}",
            ENV_WORKER_ID: worker_id,
            ENV_WORKER_SECRET: self._signer.worker_secret(worker_id),
            ENV_WORKER_COORDINATORS: ",".join(self.urls),
            ENV_WORKER_PATIENCE: f"{WORKER_PATIENCE_S:g}",
        }

    async def settle(self) -> None:
        """Returns when no worker is being started or stopped any more."""
        await self._scope.settle(2 * _GRACE_S)

    async def stop_all(self, worker_ids: Iterable[str]) -> None:
        """Stops these workers, and returns when they are gone."""
        for worker_id in worker_ids:
            self._stop(worker_id)
        await self.settle()

    async def close(self) -> None:
        """Lets go of the pool; what runs in it runs on."""
        await self._scope.close()
        await self._pool.close()
