"""When a worker reports, to whom, and what answers mean, by a clock of the test's own."""

import pytest

from reactor_protocol.resources import Capabilities, WorkerOrders, WorkerReport
from reactor_runtime.reporting import Exit, Reporting, StopSession, report_of
from reactor_runtime.session import EndReason, SessionTable

A, B = "http://a:8090", "http://b:8090"
SESSION = "6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"


def idle(state: str = "ready") -> WorkerReport:
    return WorkerReport(port=4000, pid=1, state=state)


def busy(session_id: str = SESSION) -> WorkerReport:
    return WorkerReport(port=4000, pid=1, state="streaming", session_id=session_id, connections=1)


def test_the_first_report_is_due_at_once() -> None:
    plan = Reporting([A], 60.0, 100.0)
    assert plan.next_deadline() == 100.0
    assert plan.begin(idle()) == A


def test_without_news_it_reports_at_the_interval_that_it_is_told() -> None:
    plan = Reporting([A], 60.0, 100.0)
    plan.begin(idle())
    assert plan.answered(WorkerOrders(interval_s=2.5), 100.1) == []
    assert plan.next_deadline() == 102.6
    plan.note(idle(), 101.0)
    assert plan.next_deadline() == 102.6


def test_news_is_due_within_20_ms_and_more_news_does_not_put_it_off() -> None:
    plan = Reporting([A], 60.0, 100.0)
    plan.begin(idle())
    plan.answered(WorkerOrders(interval_s=5), 100.0)
    plan.note(busy(), 101.0)
    assert plan.next_deadline() == 101.02
    plan.note(idle("closing"), 101.015)
    assert plan.next_deadline() == 101.02


def test_what_changed_while_a_report_was_under_way_is_news() -> None:
    plan = Reporting([A], 60.0, 100.0)
    plan.begin(idle())
    plan.answered(WorkerOrders(interval_s=5), 100.5)
    assert plan.is_told(idle())
    assert not plan.is_told(busy())
    plan.note(busy(), 100.5)
    assert plan.next_deadline() == 100.52


@pytest.mark.parametrize(("told", "used"), [(0.0, 0.05), (-1.0, 0.05), (1e9, 60.0), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_an_interval_beyond_reason_is_bounded(told: float, used: float) -> None:
    plan = Reporting([A], 60.0, 100.0)
    plan.begin(idle())
    plan.answered(WorkerOrders(interval_s=told), 100.0)
    assert plan.next_deadline() == 100.0 + used


def test_without_an_answer_it_waits_longer_each_time_but_never_longer_than_the_interval() -> None:
    plan = Reporting([A], 60.0, 0.0)
    pauses = []
    for _ in range(40):
        plan.begin(busy())
        assert plan.failed(None, 0.0) == []
        pauses.append(plan.next_deadline())
    assert pauses == [0.1, 0.2, 0.4, 0.8, *[1.0] * 36]


@pytest.mark.parametrize("status", [None, 500, 503, 429, 400, 403, 302])
def test_what_is_no_answer_goes_to_the_next_coordinator_at_once(status: int | None) -> None:
    plan = Reporting([A, B], 60.0, 0.0)
    asked = []
    for _ in range(5):
        asked.append((plan.begin(busy()), plan.next_deadline()))
        plan.failed(status, plan.next_deadline())
    assert asked == [(A, 0.0), (B, 0.0), (A, 0.1), (B, 0.1), (A, pytest.approx(0.3))]


def test_it_stays_with_the_coordinator_that_answers() -> None:
    plan = Reporting([A, B], 60.0, 0.0)
    plan.begin(idle())
    plan.failed(None, 0.0)
    for now in (0.0, 1.0, 2.0):
        assert plan.begin(idle()) == B
        plan.answered(WorkerOrders(), now)


def test_news_does_not_hurry_a_coordinator_that_does_not_answer() -> None:
    plan = Reporting([A], 60.0, 0.0)
    for _ in range(4):
        plan.begin(idle())
        plan.failed(None, 10.0)
    plan.note(busy(), 10.0)
    assert plan.next_deadline() == 10.8


def test_an_answer_makes_news_quick_again() -> None:
    plan = Reporting([A], 60.0, 0.0)
    plan.begin(idle())
    plan.failed(None, 0.0)
    plan.begin(idle())
    plan.answered(WorkerOrders(), 5.0)
    plan.note(busy(), 5.0)
    assert plan.next_deadline() == 5.02


@pytest.mark.parametrize("status", [401, 404, 410])
@pytest.mark.parametrize("report", [idle(), busy()])
def test_a_worker_that_nobody_knows_exits(status: int, report: WorkerReport) -> None:
    plan = Reporting([A, B], 60.0, 0.0)
    plan.begin(report)
    assert plan.failed(status, 1.0) == [Exit(f"no coordinator knows this worker (HTTP {status})")]


def test_without_a_session_patience_ends() -> None:
    plan = Reporting([A], 60.0, 0.0)
    plan.begin(idle())
    plan.answered(WorkerOrders(), 10.0)
    plan.begin(idle())
    assert plan.failed(None, 69.9) == []
    plan.begin(idle())
    assert plan.failed(503, 70.0) == [Exit("no coordinator has answered for 60 s")]


def test_patience_counts_from_the_start_too() -> None:
    plan = Reporting([A], 60.0, 1000.0)
    plan.begin(idle("created"))
    assert plan.failed(None, 1060.0) == [Exit("no coordinator has answered for 60 s")]


def test_a_session_is_never_ended_for_want_of_an_answer() -> None:
    plan = Reporting([A], 60.0, 0.0)
    plan.begin(busy())
    assert plan.failed(None, 86400.0) == []
    plan.begin(idle())
    assert plan.failed(None, 86401.0) == [Exit("no coordinator has answered for 86401 s")]


def test_patience_can_be_without_end() -> None:
    plan = Reporting([A], 0.0, 0.0)
    plan.begin(idle())
    assert plan.failed(None, 86400.0) == []


def test_orders() -> None:
    plan = Reporting([A], 60.0, 0.0)
    plan.begin(busy())
    assert plan.answered(WorkerOrders(stop_session=SESSION), 0.0) == [StopSession(SESSION)]
    plan.begin(busy())
    assert plan.answered(WorkerOrders(stop_session="another"), 0.0) == []
    plan.begin(idle())
    assert plan.answered(WorkerOrders(stop_session=SESSION), 0.0) == []
    plan.begin(busy())
    assert plan.answered(WorkerOrders(stop_session=SESSION, exit=True), 0.0) == [Exit("the coordinator told it to")]


def test_what_a_runtime_says_of_itself() -> None:
    table = SessionTable(60.0)
    assert report_of(table, 4000, 7, None).model_dump(exclude_none=True) == {
        "port": 4000,
        "pid": 7,
        "state": "created",
        "connections": 0,
    }
    table.loaded()
    table.start(0.0, SESSION)
    table.opened(1002, 0.0)
    table.opened(1003, 0.0)
    report = report_of(table, 4000, 7, Capabilities())
    assert (report.state, report.session_id, report.connections, report.ended) == ("streaming", SESSION, 2, None)
    assert report.capabilities == Capabilities()
    table.stop(EndReason.STOPPED, "enough", 0.0)
    assert report_of(table, 4000, 7, None).session_id == SESSION
    table.cleaned_up()
    ended = report_of(table, 4000, 7, None).ended
    assert ended is not None
    assert (ended.session_id, ended.reason) == (SESSION, "enough")


def test_a_long_failure_is_cut() -> None:
    table = SessionTable(60.0)
    table.load_failed("x" * 5000)
    report = report_of(table, 4000, 7, None)
    assert report.failure == "x" * 2048
    assert report.state == "terminated"
