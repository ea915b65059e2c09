"""The house as an operator sees it: which rows, in which order, with which figures."""

from typing import Any

from tests.reactor_coordinator.house import MODELS

from reactor_coordinator.board import Snapshot
from reactor_coordinator.config import CloudConfig, ModelSpec
from reactor_coordinator.overview import Seen, Window, counts_of, cut, models_of, queue_rows, session_rows, worker_rows
from reactor_coordinator.queue import Estimate, Place
from reactor_coordinator.records import Key, SessionRecord, WorkerRecord
from reactor_protocol.lifecycles import SessionState, WorkerState

NOW = 1000.0
KEYS = {"key_1": Key(id="key_1", name="studio", prefix="rk_abcdef", digest="not to be shown")}


def session(session_id: str, state: SessionState = SessionState.WAITING, **more: Any) -> SessionRecord:
    given = {"key_id": "key_1", "token_id": "t", "model": "echo", "priority": 0, "created_at": 900.0, "queued_at": 900.0}
    return SessionRecord(**{"id": session_id, "state": state, "seen_at": NOW, **given, **more})


def worker(worker_id: str, state: WorkerState = WorkerState.IDLE, **more: Any) -> WorkerRecord:
    given = {"pool": "local", "model": "echo", "host": "10.0.0.1", "started_at": 400.0, "lease_until": 1003.0}
    return WorkerRecord(**{"id": worker_id, "state": state, **given, **more})


def seen(sessions: list[SessionRecord], workers: list[WorkerRecord], places: dict[str, Place] | None = None, **more: Any) -> Seen:
    snapshot = Snapshot(NOW, {each.id: each for each in sessions}, {each.id: each for each in workers}, places or {})
    config = CloudConfig(models={"echo": ModelSpec(path=MODELS / "echo", warm=2, max=4, gpus=0.5)})
    return Seen(snapshot, config, **more)


def test_an_empty_house() -> None:
    house = seen([], [])
    assert counts_of(house, cut(house.snapshot, Window())).model_dump() == {
        "waiting": 0,
        "longest_wait_s": 0.0,
        "sessions": {"ACTIVE": 0, "INACTIVE": 0, "PENDING": 0, "SUSPENDED": 0, "WAITING": 0},
        "workers": {"BUSY": 0, "IDLE": 0, "STARTING": 0},
        "clients": 0,
    }
    (model,) = models_of(house, cut(house.snapshot, Window()))
    assert (model.name, model.warm, model.max, model.busy, model.waiting, model.session_s) == ("echo", 2, 4, 0, 0, None)


def test_the_queue_is_shown_in_its_order() -> None:
    places = {"a": Place(2, 3, 61.26), "b": Place(1, 3, 30.0), "c": Place(3, 3)}
    house = seen([session("a"), session("b", priority=5), session("c", SessionState.SUSPENDED)], [], places)
    rows = queue_rows(house, cut(house.snapshot, Window()).queue, KEYS)
    assert [(row.session_id, row.position, row.estimated_wait_s, row.state) for row in rows] == [
        ("b", 1, 30.0, "WAITING"),
        ("a", 2, 61.3, "WAITING"),
        ("c", 3, None, "SUSPENDED"),
    ]
    assert (rows[0].waited_s, rows[0].priority) == (100.0, 5)
    assert rows[0].key.model_dump() == {"id": "key_1", "prefix": "rk_abcdef", "name": "studio"}


def test_one_that_waits_is_in_the_queue_before_it_has_a_place() -> None:
    house = seen([session("new"), session("first")], [], {"first": Place(1, 1)})
    rows = queue_rows(house, cut(house.snapshot, Window()).queue, KEYS)
    assert [(row.session_id, row.position) for row in rows] == [("first", 1), ("new", 0)]


def test_a_window_shows_its_rows_and_how_many_there_are() -> None:
    waiting = [session(f"s{number:03}") for number in range(500)]
    places = {each.id: Place(number, 500) for number, each in enumerate(waiting, 1)}
    house = seen(waiting, [worker(f"w{number}") for number in range(5)], places)
    whole = cut(house.snapshot, Window())
    assert (len(whole.queue), len(whole.waiting), whole.placed, len(whole.workers)) == (200, 500, 0, 5)
    last = cut(house.snapshot, Window(rows=10, queue_from=495, workers_from=4))
    assert [each.id for each in last.queue] == ["s495", "s496", "s497", "s498", "s499"]
    assert [each.id for each in last.workers] == ["w4"]
    assert last.key_ids == {"key_1"}


def test_sessions_that_run() -> None:
    runs = session("a", SessionState.ACTIVE, worker_id="w1", active_at=940.0, expires_at=1600.0, restarts=1)
    comes = session("b", SessionState.PENDING, worker_id="w2", created_at=950.0)
    house = seen([runs, comes], [], connections={"w1": 3})
    newest, oldest = session_rows(house, cut(house.snapshot, Window()).sessions, {})
    assert (oldest.session_id, oldest.age_s, oldest.expires_in_s, oldest.clients, oldest.restarts) == ("a", 60.0, 600.0, 3, 1)
    assert (newest.session_id, newest.state, newest.age_s, newest.clients) == ("b", "PENDING", None, None)
    assert oldest.key.model_dump() == {"id": "key_1", "prefix": "", "name": ""}


def test_workers_and_for_how_long_they_have_been_so() -> None:
    runs = session("a", SessionState.ACTIVE, worker_id="w1", active_at=940.0)
    busy = worker("w1", WorkerState.BUSY, session_id="a", node="gpu-box")
    idle = worker("w2", idle_since=990.0, draining=True, started_at=500.0)
    starting = worker("w3", WorkerState.STARTING, started_at=980.0)
    house = seen([runs], [idle, busy, starting])
    rows = worker_rows(house, cut(house.snapshot, Window()).workers)
    assert [(row.worker_id, row.since_s, row.node, row.draining, row.session_id) for row in rows] == [
        ("w1", 60.0, "gpu-box", False, "a"),
        ("w2", 10.0, "10.0.0.1", True, None),
        ("w3", 20.0, "10.0.0.1", False, None),
    ]
    assert (rows[0].gpus, rows[0].up_s) == (0.5, 600.0)


def test_models_count_their_workers_and_their_queue() -> None:
    crew = [worker("a"), worker("b", WorkerState.BUSY), worker("c", WorkerState.BUSY, draining=True), worker("d", model="gone")]
    house = seen([session("x"), session("y", model="gone")], crew, estimates={"echo": Estimate(2, 93.14)}, connections={"b": 2})
    (model,) = models_of(house, cut(house.snapshot, Window()))
    assert (model.idle, model.busy, model.draining, model.starting, model.waiting, model.session_s) == (1, 1, 1, 0, 1, 93.1)
    counts = counts_of(house, cut(house.snapshot, Window()))
    assert (counts.workers, counts.clients) == ({"BUSY": 2, "IDLE": 2, "STARTING": 0}, 2)
    assert counts.longest_wait_s == 100.0
