"""What time alone does to sessions and workers. Times are seconds after an arbitrary 0."""

import pytest

from reactor_coordinator.config import Limits
from reactor_coordinator.deadlines import Action, End, Ending, Leases, Suspend, Warn, due, lost
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_protocol.lifecycles import SessionState, WorkerState

LIMITS = Limits(unseen_seconds=20, claim_seconds=60, resume_seconds=30, expiry_warning_seconds=10, restarts=2)


def session(
    state: SessionState, seen_at: float = 0.0, *, expires_at: float | None = None, queued_at: float = 0.0, restarts: int = 0
) -> SessionRecord:
    return SessionRecord(
        "s",
        "k",
        "t",
        "m",
        state,
        0,
        created_at=0.0,
        queued_at=queued_at,
        seen_at=seen_at,
        expires_at=expires_at,
        restarts=restarts,
    )


def at(record: SessionRecord, now: float, up_since: float = 0.0) -> list[Action]:
    return due([record], LIMITS, now, up_since)


def test_a_waiting_client_that_is_silent_is_suspended() -> None:
    waiting = session(SessionState.WAITING, seen_at=100.0)
    assert at(waiting, 119.9) == []
    assert at(waiting, 120.0) == [Suspend("s")]


def test_a_suspended_session_ends_when_its_claim_is_over() -> None:
    suspended = session(SessionState.SUSPENDED, seen_at=100.0)
    assert at(suspended, 179.9) == []
    assert at(suspended, 180.0) == [End("s", Ending.UNCLAIMED)]


def test_nobody_is_blamed_for_silence_while_no_coordinator_was_up() -> None:
    waiting, suspended = session(SessionState.WAITING, seen_at=100.0), session(SessionState.SUSPENDED, seen_at=100.0)
    inactive = session(SessionState.INACTIVE, seen_at=100.0)
    assert due([waiting, suspended, inactive], LIMITS, 1015.0, up_since=1000.0) == []
    assert at(waiting, 1020.0, up_since=1000.0) == [Suspend("s")]
    assert at(inactive, 1030.0, up_since=1000.0) == [End("s", Ending.NOT_RESUMED)]
    assert at(suspended, 1080.0, up_since=1000.0) == [End("s", Ending.UNCLAIMED)]


def test_an_active_session_is_warned_once_and_then_ends() -> None:
    active = session(SessionState.ACTIVE, expires_at=500.0)
    assert at(active, 489.0) == []
    assert at(active, 490.0) == [Warn("s", 10.0)]
    warned = SessionRecord("s", "k", "t", "m", SessionState.ACTIVE, 0, 0.0, 0.0, 0.0, expires_at=500.0, warned_at=490.0)
    assert at(warned, 495.0) == []
    assert at(warned, 500.0) == [End("s", Ending.EXPIRED)]


def test_the_end_comes_before_a_warning_that_was_missed() -> None:
    assert at(session(SessionState.ACTIVE, expires_at=500.0), 501.0) == [End("s", Ending.EXPIRED)]


@pytest.mark.parametrize("state", [SessionState.PENDING, SessionState.INACTIVE, SessionState.WAITING, SessionState.SUSPENDED])
def test_a_session_that_was_active_expires_wherever_it_is(state: SessionState) -> None:
    assert at(session(state, seen_at=500.0, expires_at=500.0), 500.0) == [End("s", Ending.EXPIRED)]


def test_a_session_without_its_worker_ends_when_nobody_asks_for_it() -> None:
    inactive = session(SessionState.INACTIVE, seen_at=10.0, queued_at=100.0)
    assert at(inactive, 129.0) == []
    assert at(inactive, 130.0) == [End("s", Ending.NOT_RESUMED)]
    asked_for = session(SessionState.INACTIVE, seen_at=125.0, queued_at=100.0)
    assert at(asked_for, 130.0) == []


def test_a_session_that_workers_fail_over_and_over_ends() -> None:
    assert at(session(SessionState.INACTIVE, restarts=2), 1.0) == []
    assert at(session(SessionState.INACTIVE, restarts=3), 1.0) == [End("s", Ending.WORKER_FAILED)]
    assert at(session(SessionState.WAITING, restarts=3), 1.0) == [End("s", Ending.WORKER_FAILED)]
    # A look may have begun before the loss that it sees: the session ends all the same, and is not placed again.
    assert at(session(SessionState.INACTIVE, restarts=3, queued_at=1.5), 1.0) == [End("s", Ending.WORKER_FAILED)]
    assert at(session(SessionState.ACTIVE, restarts=3), 1.0) == []


def test_who_comes_back_to_the_queue_has_time_to_be_heard_of() -> None:
    assert at(session(SessionState.WAITING, seen_at=0.0, queued_at=100.0), 119.0) == []


def test_time_does_nothing_to_what_is_closed_created_or_without_a_limit() -> None:
    records = [
        session(SessionState.CLOSED, expires_at=1.0),
        session(SessionState.CREATED),
        session(SessionState.ACTIVE),
        session(SessionState.PENDING),
    ]
    assert due(records, LIMITS, 1e9) == []


# ------------------------------------------------------------------------------------------------------------- workers


def worker(name: str, state: WorkerState, lease_until: float, model: str = "m", started_at: float = 0.0) -> WorkerRecord:
    return WorkerRecord(name, "local", model, state, "127.0.0.1", started_at, lease_until)


def test_a_worker_whose_lease_has_run_out_is_lost() -> None:
    workers = [
        worker("idle", WorkerState.IDLE, 100.0),
        worker("busy", WorkerState.BUSY, 100.5),
        worker("stopped", WorkerState.STOPPED, 0.0),
        worker("gone", WorkerState.LOST, 0.0),
    ]
    assert lost(workers, 99.9, Leases()) == []
    assert lost(workers, 100.0, Leases()) == ["idle"]
    assert lost(workers, 101.0, Leases()) == ["idle", "busy"]


def test_after_a_time_without_coordinators_workers_have_a_whole_lease_to_report() -> None:
    leases = Leases(lease_s=10.0, up_since=500.0)
    workers = [worker("idle", WorkerState.IDLE, 100.0)]
    assert lost(workers, 509.0, leases) == []
    assert lost(workers, 510.0, leases) == ["idle"]


def test_a_worker_may_load_for_as_long_as_its_model_takes() -> None:
    leases = Leases(load_seconds={"m": 30.0})
    workers = [worker("m", WorkerState.STARTING, 10.0), worker("other", WorkerState.STARTING, 10.0, model="other")]
    assert lost(workers, 29.0, leases) == []
    assert lost(workers, 30.0, leases) == ["m"]
    assert lost(workers, 600.0, leases) == ["m", "other"]
    assert lost([worker("reports", WorkerState.STARTING, 35.0)], 31.0, leases) == ["reports"]
