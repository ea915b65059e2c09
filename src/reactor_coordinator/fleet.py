"""How many workers each model should have: what to launch, what to stop. Pure: a plan over a snapshot; epoch seconds.

The queue comes before readiness: while somebody waits for want of room, nothing is launched merely to be ready, and idle workers
of models that nobody waits for give way, those beyond ``warm`` first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reactor_coordinator.queue import Waiting
from reactor_coordinator.records import WorkerRecord
from reactor_protocol.lifecycles import WORKER_ALIVE, WorkerState

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Crashes:
    """How often in a row workers of a model failed before they were IDLE once, and when the last one did.

    ``Crashes()`` is a model that loads: so it begins, and so it is again as soon as a worker of it becomes IDLE.
    """

    count: int = 0
    last_at: float = 0.0

    def after(self, now: float) -> Crashes:
        """One more failure."""
        return Crashes(self.count + 1, now)

    @property
    def retry_at(self) -> float:
        """When the next try may be made: 1 s after the first failure, then 2, 4, 8 ... and at most 60 s."""
        if self.count == 0:
            return self.last_at
        return self.last_at + min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self.count - 1, 16))


@dataclass(frozen=True, slots=True)
class ModelNeeds:
    """What a model should have: ``warm`` workers ready beyond the busy ones, ``max`` in all (None: as many as there is room for).

    Idle workers beyond ``warm`` are kept for ``idle_seconds``.
    """

    warm: int = 1
    max: int | None = None
    idle_seconds: float = 60.0
    crashes: Crashes = field(default_factory=Crashes)


@dataclass(frozen=True, slots=True)
class Demand:
    """``count`` present clients wait for a model, the first of them since ``since``."""

    count: int
    since: float


@dataclass(frozen=True, slots=True)
class Room:
    """What the pool could start now.

    ``free[model]`` is how many more workers of a model, if no others were started; a model that could not be started even if the
    pool were empty is left out. ``coming`` workers have been told to stop and still hold their place.
    """

    free: Mapping[str, int]
    coming: int = 0


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """``launch``: models, one entry a worker. ``retire``: ids of IDLE workers to stop now.

    ``drain``: ids of BUSY workers that are to take no further session, so that a model without any worker has its turn.
    """

    launch: list[str] = field(default_factory=list)
    retire: list[str] = field(default_factory=list)
    drain: list[str] = field(default_factory=list)


def demand_of(waiting: Mapping[str, Sequence[Waiting]]) -> dict[str, Demand]:
    """Who waits, by model. Clients that went away cause no launch."""
    demand = {}
    for model, those in waiting.items():
        since = [each.queued_at for each in those if each.present]
        if since:
            demand[model] = Demand(len(since), min(since))
    return demand


def plan(
    models: Mapping[str, ModelNeeds], workers: Iterable[WorkerRecord], demand: Mapping[str, Demand], room: Room, now: float
) -> FleetPlan:
    """What to do ``now``. Workers that are not alive are passed over; models that are not in ``models`` are to have none."""
    fleet = _Fleet(models, workers, demand)
    result = FleetPlan(retire=fleet.drained)
    for crew in fleet.crews.values():
        result.retire.extend(crew.pop_surplus(now))
    rest = _Rest(room)
    for crew in fleet.crews.values():
        crew.lacking = crew.queue_lacks(now) if crew.model in room.free else 0
    result.launch.extend(_launch(fleet, rest))
    if any(crew.lacking for crew in fleet.crews.values()):
        # Where there still is room by itself, the next plan uses it: nobody has to go for that.
        full = [crew for crew in fleet.crews.values() if crew.lacking and not room.free[crew.model]]
        coming = room.coming + len(result.retire) + fleet.draining_busy
        gone = fleet.give_way(sum(crew.lacking for crew in full) - coming)
        result.retire.extend(gone)
        result.drain.extend(fleet.rotate(full, coming + len(gone)))
        return result
    for crew in fleet.crews.values():
        crew.lacking = crew.warm_lacks(now)
    result.launch.extend(_launch(fleet, rest))
    return result


class _Rest:
    """What is left of the room while a plan is made. The models share it, and nobody has said how.

    A worker of a model of which n fit takes no more than the n-th part of anything: what is launched by that rule fits together.
    """

    def __init__(self, room: Room) -> None:
        self._free = room.free
        self._left = 1.0

    def take(self, model: str) -> bool:
        """Takes the place of one worker, if there is one."""
        free = self._free.get(model, 0)
        if free < 1 or self._left * free < 1 - _ROUNDING:
            return False
        self._left -= 1 / free
        return True


@dataclass(slots=True)
class _Crew:
    """The workers of one model. Draining ones count as ``alive`` and nowhere else."""

    model: str
    needs: ModelNeeds
    demand: Demand | None
    alive: int = 0
    starting: int = 0
    lacking: int = 0
    idle: list[WorkerRecord] = field(default_factory=list)
    busy: list[WorkerRecord] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return 0 if self.demand is None else self.demand.count

    @property
    def since(self) -> float:
        """Since when somebody waits; never, if nobody does."""
        return float("inf") if self.demand is None else self.demand.since

    def pop_surplus(self, now: float) -> list[str]:
        """Takes out the idle workers that are over ``max``, or have idled for long beyond ``warm`` while nobody waits."""
        over = 0 if self.needs.max is None else self.alive - self.needs.max
        spare = 0 if self.waiting else len(self.idle) - self.needs.warm
        old = sum(1 for each in self.idle if now - _idle_since(each, now) >= self.needs.idle_seconds)
        return self.pop_idle(max(over, min(spare, old)))

    def pop_idle(self, count: int) -> list[str]:
        """Takes out so many idle workers at most, those that have idled longest."""
        gone, self.idle = self.idle[: max(0, count)], self.idle[max(0, count) :]
        self.alive -= len(gone)
        return [each.id for each in gone]

    def queue_lacks(self, now: float) -> int:
        """How many workers the queue needs that are neither there nor on their way."""
        return self._allowed(self.waiting - len(self.idle) - self.starting, now)

    def warm_lacks(self, now: float) -> int:
        """How many more than that to be ready for the next ones."""
        return self._allowed(self.waiting + self.needs.warm - len(self.idle) - self.starting, now)

    def _allowed(self, wanted: int, now: float) -> int:
        if self.needs.max is not None:
            wanted = min(wanted, self.needs.max - self.alive)
        if self.needs.crashes.count:
            # Of a model that fails, one worker at a time shows whether it loads again.
            wanted = min(wanted, 1 - self.starting) if now >= self.needs.crashes.retry_at else 0
        return max(0, wanted)


class _Fleet:
    """All crews, by model, in the order of their names."""

    def __init__(self, models: Mapping[str, ModelNeeds], workers: Iterable[WorkerRecord], demand: Mapping[str, Demand]) -> None:
        self.crews = {model: _Crew(model, models[model], demand.get(model)) for model in sorted(models)}
        self.drained: list[str] = []
        self.draining_busy = 0
        for worker in sorted(workers, key=lambda each: each.id):
            if worker.state in WORKER_ALIVE:
                self._enlist(worker)
        for crew in self.crews.values():
            crew.idle.sort(key=lambda each: (_idle_since(each, float("inf")), each.id))

    def _enlist(self, worker: WorkerRecord) -> None:
        crew = self.crews.setdefault(worker.model, _Crew(worker.model, ModelNeeds(warm=0, max=0), None))
        crew.alive += 1
        if worker.state is WorkerState.STARTING:
            crew.starting += 1
        elif worker.state is WorkerState.BUSY and worker.draining:
            self.draining_busy += 1
        elif worker.state is WorkerState.BUSY:
            crew.busy.append(worker)
        elif worker.draining:
            crew.alive -= 1
            self.drained.append(worker.id)
        else:
            crew.idle.append(worker)

    def give_way(self, count: int) -> list[str]:
        """Up to ``count`` idle workers that nobody waits for: first those beyond ``warm``, then the warm ones."""
        gone: list[str] = []
        for kept in (True, False):
            for crew in self.crews.values():
                needed = crew.waiting + (crew.needs.warm if kept else 0)
                gone += crew.pop_idle(min(count - len(gone), len(crew.idle) - needed))
        return gone

    def rotate(self, full: Iterable[_Crew], coming: int) -> list[str]:
        """One busy worker for each of ``full`` that has no worker at all, less those ``coming``, from the models that have most.

        The last worker of a model goes only for somebody who has waited longer than all who wait for that model.
        """
        starved = sorted(crew.since for crew in full if not crew.alive)
        gone: list[str] = []
        for since in starved[coming:]:
            givers = [crew for crew in self.crews.values() if crew.busy and (crew.alive > 1 or since < crew.since)]
            if givers:
                giver = max(givers, key=lambda crew: crew.alive)
                giver.alive -= 1
                gone.append(giver.busy.pop().id)
        return gone


def _launch(fleet: _Fleet, rest: _Rest) -> list[str]:
    """Launches what the crews lack: the smallest crew first, then the one whose client has waited longest."""
    launched: list[str] = []
    line = [(crew.alive, crew.since, crew.model) for crew in fleet.crews.values() if crew.lacking]
    heapq.heapify(line)
    while line:
        crew = fleet.crews[heapq.heappop(line)[2]]
        if not rest.take(crew.model):
            continue
        launched.append(crew.model)
        crew.alive, crew.starting, crew.lacking = crew.alive + 1, crew.starting + 1, crew.lacking - 1
        if crew.lacking:
            heapq.heappush(line, (crew.alive, crew.since, crew.model))
    return launched


def _idle_since(worker: WorkerRecord, unknown: float) -> float:
    return unknown if worker.idle_since is None else worker.idle_since
