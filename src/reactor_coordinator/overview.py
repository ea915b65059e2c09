"""Overview: the house as an operator sees it, made of a snapshot. Pure; times are epoch seconds of the coordinator's clock.

Nothing here is a secret: of a key there are its name, its id and the few characters that people tell it by.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from reactor_coordinator.board import Snapshot
from reactor_coordinator.config import CloudConfig, ModelSpec
from reactor_coordinator.queue import Estimate
from reactor_coordinator.records import Key, SessionRecord, WorkerRecord
from reactor_protocol.lifecycles import SESSION_OPEN, WORKER_ALIVE, SessionState, WorkerState

MOST_ROWS: Final = 200
"""So many rows of a table go into one answer."""
_LAST_ROW: Final = 10_000_000

RowT = TypeVar("RowT", bound=BaseModel)
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS)]
First = Annotated[int, Field(ge=0, le=_LAST_ROW)]


class Asked(BaseModel):
    """What is asked for in an address; a name that is none is refused, so that a slip of the pen is noticed."""

    model_config = ConfigDict(extra="forbid")

    rows: Rows = MOST_ROWS


class Window(Asked):
    """Which rows of the tables are wanted: so many of each, from those on (counted from 0)."""

    queue_from: First = 0
    sessions_from: First = 0
    workers_from: First = 0


class KeyShown(BaseModel):
    """Whose something is: a key by what people tell it by. Empty texts where the key is gone."""

    id: str
    prefix: str = ""
    name: str = ""


class QueueRow(BaseModel):
    """A session that waits. ``waited_s`` and ``estimated_wait_s`` are seconds; the latter is absent while nothing is known."""

    session_id: str
    model: str
    state: str
    position: int
    priority: int
    key: KeyShown
    queued_at: float
    waited_s: float
    estimated_wait_s: float | None = None
    restarts: int = 0


class SessionRow(BaseModel):
    """A session that holds a worker. ``age_s`` counts from its first ACTIVE; ``clients`` are its connections, where known."""

    session_id: str
    model: str
    state: str
    worker_id: str | None
    key: KeyShown
    created_at: float
    age_s: float | None = None
    expires_in_s: float | None = None
    clients: int | None = None
    restarts: int = 0


class WorkerRow(BaseModel):
    """A worker that is alive. ``since_s`` is for how long it has been in its state; ``gpus`` is what its model asks for."""

    worker_id: str
    model: str
    state: str
    pool: str
    node: str
    gpus: float
    since_s: float
    up_s: float
    draining: bool
    session_id: str | None = None


class ModelRow(BaseModel):
    """A model: how many workers it should and may have, what they do, who waits, and how long its sessions were lately."""

    name: str
    warm: int
    max: int | None = None
    starting: int
    idle: int
    busy: int
    draining: int
    waiting: int
    session_s: float | None = None


class Counts(BaseModel):
    """The house in numbers. ``longest_wait_s`` is 0 where nobody waits; ``clients`` are connections to workers."""

    waiting: int
    longest_wait_s: float
    sessions: dict[str, int]
    workers: dict[str, int]
    clients: int


class Listed(BaseModel, Generic[RowT]):
    """Some rows of a table: ``total`` there are, ``first`` is the number of the first of these."""

    total: int
    first: int
    rows: list[RowT]


class HouseState(BaseModel):
    """All of it, at one moment. ``draining``: this coordinator takes no new sessions."""

    now: float
    cluster: str
    version: str
    draining: bool
    counts: Counts
    models: list[ModelRow]
    queue: Listed[QueueRow]
    sessions: Listed[SessionRow]
    workers: Listed[WorkerRow]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an overview is made of: ``connections`` by worker, as far as workers report to this coordinator."""

    snapshot: Snapshot
    config: CloudConfig
    connections: Mapping[str, int] = field(default_factory=dict)
    estimates: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cut:
    """The records that a window shows, of those that there are."""

    queue: Sequence[SessionRecord]
    sessions: Sequence[SessionRecord]
    workers: Sequence[WorkerRecord]
    waiting: Sequence[SessionRecord]
    """All that wait, in no order."""
    placed: int

    @property
    def key_ids(self) -> set[str]:
        """The keys of the sessions that are shown."""
        return {each.key_id for each in (*self.queue, *self.sessions)}


def cut(snapshot: Snapshot, window: Window) -> Cut:
    """The rows of a window: the queue by place, sessions newest first, workers by model and age."""
    waiting: list[SessionRecord] = []
    placed: list[SessionRecord] = []
    for session in snapshot.sessions.values():
        # By identity: there may be thousands, once a second, and the states of an enumeration are slow to look up in a set.
        holds_worker = session.state is SessionState.ACTIVE or session.state is SessionState.PENDING
        (placed if holds_worker else waiting).append(session)
    placed.sort(key=lambda each: (-each.created_at, each.id))
    crew = sorted(snapshot.workers.values(), key=lambda each: (each.model, each.started_at, each.id))
    return Cut(
        queue=_in_order(snapshot, waiting)[window.queue_from :][: window.rows],
        sessions=placed[window.sessions_from :][: window.rows],
        workers=crew[window.workers_from :][: window.rows],
        waiting=waiting,
        placed=len(placed),
    )


def _in_order(snapshot: Snapshot, waiting: Sequence[SessionRecord]) -> list[SessionRecord]:
    """Those that wait, by place; one that has no place, because it came just now or is being given a worker, comes last."""
    places = snapshot.places
    order = sorted(places, key=lambda session_id: places[session_id].position)
    queue = [snapshot.sessions[session_id] for session_id in order if session_id in snapshot.sessions]
    if len(queue) < len(waiting):
        queue += [each for each in waiting if each.id not in places]
    return queue


def counts_of(seen: Seen, shown: Cut) -> Counts:
    """The house in numbers."""
    snapshot = seen.snapshot
    sessions = Counter(str(each.state) for each in snapshot.sessions.values())
    workers = Counter(str(each.state) for each in snapshot.workers.values())
    first = min((each.queued_at for each in shown.waiting), default=snapshot.now)
    return Counts(
        waiting=len(shown.waiting),
        longest_wait_s=_seconds(snapshot.now - first),
        sessions={state: sessions[state] for state in sorted(map(str, SESSION_OPEN))},
        workers={state: workers[state] for state in sorted(map(str, WORKER_ALIVE))},
        clients=sum(seen.connections.get(each, 0) for each in snapshot.workers),
    )


def models_of(seen: Seen, shown: Cut) -> list[ModelRow]:
    """Every model of the configuration, as it stands there."""
    crews: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for worker in seen.snapshot.workers.values():
        crews[worker.model]["draining" if worker.draining else str(worker.state)] += 1
    waiting = Counter(each.model for each in shown.waiting)
    return [_model(name, spec, crews[name], waiting[name], seen.estimates.get(name)) for name, spec in seen.config.models.items()]


def _model(name: str, spec: ModelSpec, crew: Counter[str], waiting: int, estimate: Estimate | None) -> ModelRow:
    return ModelRow(
        name=name,
        warm=spec.warm,
        max=spec.max,
        starting=crew[WorkerState.STARTING],
        idle=crew[WorkerState.IDLE],
        busy=crew[WorkerState.BUSY],
        draining=crew["draining"],
        waiting=waiting,
        session_s=None if estimate is None or estimate.session_s is None else _seconds(estimate.session_s),
    )


def queue_rows(seen: Seen, shown: Iterable[SessionRecord], keys: Mapping[str, Key]) -> list[QueueRow]:
    """Waiting sessions as rows."""
    rows = []
    for each in shown:
        place = seen.snapshot.places.get(each.id)
        wait = None if place is None else place.estimated_wait_s
        rows.append(
            QueueRow(
                session_id=each.id,
                model=each.model,
                state=str(each.state),
                position=0 if place is None else place.position,
                priority=each.priority,
                key=key_shown(each.key_id, keys),
                queued_at=each.queued_at,
                waited_s=_seconds(seen.snapshot.now - each.queued_at),
                estimated_wait_s=None if wait is None else _seconds(wait),
                restarts=each.restarts,
            )
        )
    return rows


def session_rows(seen: Seen, shown: Iterable[SessionRecord], keys: Mapping[str, Key]) -> list[SessionRow]:
    """Sessions that hold a worker as rows."""
    now = seen.snapshot.now
    return [
        SessionRow(
            session_id=each.id,
            model=each.model,
            state=str(each.state),
            worker_id=each.worker_id,
            key=key_shown(each.key_id, keys),
            created_at=each.created_at,
            age_s=None if each.active_at is None else _seconds(now - each.active_at),
            expires_in_s=None if each.expires_at is None else _seconds(each.expires_at - now),
            clients=None if each.worker_id is None else seen.connections.get(each.worker_id),
            restarts=each.restarts,
        )
        for each in shown
    ]


def worker_rows(seen: Seen, shown: Collection[WorkerRecord]) -> list[WorkerRow]:
    """Workers as rows."""
    now, sessions, models = seen.snapshot.now, seen.snapshot.sessions, seen.config.models
    rows = []
    for each in shown:
        held = sessions.get(each.session_id) if each.session_id is not None else None
        rows.append(
            WorkerRow(
                worker_id=each.id,
                model=each.model,
                state=str(each.state),
                pool=each.pool,
                node=each.node or each.host,
                gpus=models[each.model].gpus if each.model in models else 0.0,
                since_s=_seconds(now - _since(each, held)),
                up_s=_seconds(now - each.started_at),
                draining=each.draining,
                session_id=each.session_id,
            )
        )
    return rows


def key_shown(key_id: str, keys: Mapping[str, Key]) -> KeyShown:
    """A key by what people tell it by."""
    key = keys.get(key_id)
    return KeyShown(id=key_id) if key is None else KeyShown(id=key.id, prefix=key.prefix, name=key.name)


def _since(worker: WorkerRecord, held: SessionRecord | None) -> float:
    """When a worker came into the state that it is in, as far as that is known."""
    if worker.state is WorkerState.BUSY and held is not None:
        return held.active_at if held.state is SessionState.ACTIVE and held.active_at is not None else held.queued_at
    return worker.started_at if worker.idle_since is None else worker.idle_since


def _seconds(value: float) -> float:
    """In tenths, and never below 0: two clocks may be a little apart."""
    return round(max(0.0, value), 1)
