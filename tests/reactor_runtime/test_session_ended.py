"""What the session table keeps of the session before, and whose id a session has."""

import pytest

from reactor_protocol.errors import ConflictError
from reactor_protocol.resources import EndedSession
from reactor_runtime.session import EndReason, SessionTable

GIVEN = "6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"


def running() -> SessionTable:
    table = SessionTable(60.0)
    table.loaded()
    table.start(0.0, GIVEN)
    table.opened(1, 1.0)
    return table


def ended(table: SessionTable) -> tuple[str, str] | None:
    return (table.ended.session_id, table.ended.reason) if table.ended is not None else None


def test_a_session_has_the_id_that_is_given() -> None:
    table = running()
    assert table.session_id == GIVEN
    with pytest.raises(ConflictError):
        table.start(2.0, "another")
    assert table.session_id == GIVEN


@pytest.mark.parametrize(("notice", "reason"), [("deployment", "deployment"), (None, "stopped")])
def test_a_stopped_session_has_ended_once_it_is_cleaned_up(notice: str | None, reason: str) -> None:
    table = running()
    table.stop(EndReason.STOPPED, notice, 2.0)
    assert (table.session_id, ended(table)) == (GIVEN, None)
    table.cleaned_up()
    assert (table.session_id, ended(table)) == (None, (GIVEN, reason))


def test_the_next_session_forgets_it() -> None:
    table = running()
    table.stop(EndReason.STOPPED, "x", 2.0)
    table.cleaned_up()
    table.start(3.0, "next")
    assert ended(table) is None


def test_a_session_that_timed_out() -> None:
    table = running()
    table.closed(1, 2.0)
    table.handle_timeout(62.0)
    table.cleaned_up()
    assert ended(table) == (GIVEN, "Session ended: no client was connected.")


def test_a_session_whose_model_crashed() -> None:
    table = running()
    table.model_failed("boom", 2.0)
    table.cleaned_up()
    assert (table.state, ended(table), table.failure) == ("terminated", (GIVEN, "Session ended: boom"), "boom")


def test_a_model_that_crashes_while_its_session_ends() -> None:
    table = running()
    table.stop(EndReason.STOPPED, "enough", 2.0)
    assert table.model_failed("boom", 2.5) == []
    table.cleaned_up()
    assert (table.state, table.session_id, ended(table)) == ("terminated", None, (GIVEN, "enough"))


def test_one_that_is_taken_away_has_not_ended() -> None:
    table = running()
    table.stop(EndReason.EVICTED, "it goes on elsewhere", 2.0)
    table.cleaned_up()
    assert (table.state, table.session_id, ended(table)) == ("ready", None, None)


def test_the_end_of_the_process() -> None:
    table = running()
    table.stop(EndReason.EVICTED, "the server is shutting down", 2.0)
    table.evicted(2.5)
    assert (table.state, table.session_id, table.clients, ended(table)) == ("terminated", None, set(), None)


def test_the_end_of_a_process_without_a_session_keeps_what_was_before() -> None:
    table = running()
    table.stop(EndReason.STOPPED, "enough", 2.0)
    table.cleaned_up()
    table.evicted(3.0)
    assert (table.state, ended(table)) == ("terminated", (GIVEN, "enough"))


def test_a_long_reason_is_cut() -> None:
    table = running()
    table.model_failed("x" * 1000, 2.0)
    table.cleaned_up()
    assert table.ended == EndedSession(session_id=GIVEN, reason=("Session ended: " + "x" * 1000)[:512])
