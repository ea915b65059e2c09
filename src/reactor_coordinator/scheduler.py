"""Which waiting session gets which free worker, for all models at once. Pure: a decision over a snapshot.

What is decided has to be done by compare-and-set: the snapshot may be old by the time it is acted upon.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reactor_coordinator.queue import UNKNOWN, Earlier, Estimate, Place, Waiting, fair_order, places, waiting_of
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_protocol.lifecycles import SESSION_PLACED, SESSION_QUEUED, WorkerState


@dataclass(frozen=True, slots=True)
class Placement:
    """This session goes to this worker."""

    session_id: str
    worker_id: str


@dataclass(frozen=True, slots=True)
class Board:
    """A snapshot as the scheduler sees it, by model.

    ``waiting`` in any order; ``running`` counts the sessions that hold a worker, by key; ``idle`` are ids of free workers, the
    one to be taken first at the front.
    """

    waiting: Mapping[str, Sequence[Waiting]]
    running: Mapping[str, Mapping[str, int]]
    idle: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Decision:
    """``placements`` to carry out, best claim first within a model; ``places`` of all who go on waiting, by session id.

    ``waiting`` are the same by model, next one first.
    """

    placements: list[Placement] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    waiting: dict[str, Sequence[Waiting]] = field(default_factory=dict)


def board_of(sessions: Iterable[SessionRecord], workers: Iterable[WorkerRecord]) -> Board:
    """The board of a snapshot of open sessions and living workers. What is in another state is passed over.

    Draining workers are not free. The worker that became free last is taken first, so that those that have idled longest can be
    retired.
    """
    waiting: defaultdict[str, list[Waiting]] = defaultdict(list)
    running: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for session in sessions:
        if session.state in SESSION_QUEUED:
            waiting[session.model].append(waiting_of(session))
        elif session.state in SESSION_PLACED:
            running[session.model][session.key_id] += 1
    free: defaultdict[str, list[WorkerRecord]] = defaultdict(list)
    for worker in workers:
        if worker.state is WorkerState.IDLE and not worker.draining and worker.session_id is None:
            free[worker.model].append(worker)
    idle = {model: [each.id for each in sorted(those, key=_freshest)] for model, those in free.items()}
    return Board(waiting, running, idle)


def place(order: Sequence[Waiting], idle: Sequence[str]) -> list[Placement]:
    """Gives the workers ``idle``, in their order, to the first sessions of ``order`` whose clients are present."""
    takers = (each for each in order if each.present)
    return [Placement(taker.session_id, worker) for worker, taker in zip(idle, takers, strict=False)]


def decide(board: Board, estimates: Mapping[str, Estimate] | None = None, earlier: Earlier | None = None) -> Decision:
    """Who is placed where, and where everybody else stands.

    ``estimates`` by model, and ``earlier`` (the places of a decision some minutes ago), are what waits are estimated from.
    """
    decision = Decision()
    for model, waiting in board.waiting.items():
        order = fair_order(waiting, board.running.get(model, {}))
        placed = place(order, board.idle.get(model, ()))
        if placed:
            decision.placements.extend(placed)
            taken = {each.session_id for each in placed}
            order = [each for each in order if each.session_id not in taken]
        decision.waiting[model] = order
        decision.places.update(places(order, (estimates or {}).get(model, UNKNOWN), earlier))
    return decision


def _freshest(worker: WorkerRecord) -> tuple[float, str]:
    return (-(worker.idle_since if worker.idle_since is not None else worker.started_at), worker.id)
