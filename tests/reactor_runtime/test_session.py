"""The session table against the moves of the reference (runtime, 3.3)."""

from collections.abc import Callable
from uuid import UUID

import pytest

from reactor_protocol.errors import ConflictError
from reactor_protocol.lifecycles import RuntimeState
from reactor_runtime.session import (
    Action,
    AdmitClient,
    BeginSession,
    EndReason,
    EndSession,
    ReleaseClient,
    SessionTable,
    health_word,
)

ORPHAN_TIMEOUT = 60.0


def created() -> SessionTable:
    return SessionTable(ORPHAN_TIMEOUT)


def ready() -> SessionTable:
    table = created()
    table.loaded()
    return table


def waiting() -> SessionTable:
    table = ready()
    table.start(0.0)
    return table


def streaming() -> SessionTable:
    table = waiting()
    table.opened(1, 1.0)
    return table


def orphaned() -> SessionTable:
    table = streaming()
    table.closed(1, 2.0)
    return table


def closing() -> SessionTable:
    table = streaming()
    table.stop(EndReason.STOPPED, None, 3.0)
    return table


def terminated() -> SessionTable:
    table = ready()
    table.model_failed("boom", 0.0)
    return table


STATES: dict[str, Callable[[], SessionTable]] = {
    state.__name__: state for state in (created, ready, waiting, streaming, orphaned, closing, terminated)
}


@pytest.mark.parametrize("state", STATES)
def test_the_states_are_reached(state: str) -> None:
    assert STATES[state]().state == state


@pytest.mark.parametrize(
    ("before", "move", "after", "actions"),
    [
        (created, lambda t: t.loaded(), "ready", []),
        (created, lambda t: t.load_failed("no weights"), "terminated", []),
        (ready, lambda t: t.start(5.0), "waiting", [BeginSession()]),
        (waiting, lambda t: t.opened(7, 5.0), "streaming", [AdmitClient(7)]),
        (orphaned, lambda t: t.opened(7, 5.0), "streaming", [AdmitClient(7)]),
        (streaming, lambda t: t.opened(7, 5.0), "streaming", [AdmitClient(7)]),
        (streaming, lambda t: t.opened(1, 5.0), "streaming", []),
        (streaming, lambda t: t.closed(1, 5.0), "orphaned", [ReleaseClient(1)]),
        (streaming, lambda t: t.closed(2, 5.0), "streaming", []),
        (waiting, lambda t: t.stop(EndReason.STOPPED, "why", 5.0), "closing", [EndSession(EndReason.STOPPED, "why")]),
        (streaming, lambda t: t.stop(EndReason.MODERATED, None, 5.0), "closing", [EndSession(EndReason.MODERATED, None)]),
        (orphaned, lambda t: t.stop(EndReason.STOPPED, None, 5.0), "closing", [EndSession(EndReason.STOPPED, None)]),
        (closing, lambda t: t.cleaned_up(), "ready", []),
        # What is not legal changes nothing.
        (ready, lambda t: t.loaded(), "ready", []),
        (ready, lambda t: t.closed(1, 5.0), "ready", []),
        (created, lambda t: t.opened(1, 5.0), "created", []),
        (terminated, lambda t: t.opened(1, 5.0), "terminated", []),
        (terminated, lambda t: t.model_failed("again", 5.0), "terminated", []),
        (closing, lambda t: t.closed(1, 5.0), "closing", []),
    ],
)
def test_moves(
    before: Callable[[], SessionTable], move: Callable[[SessionTable], list[Action]], after: str, actions: list[Action]
) -> None:
    table = before()
    assert move(table) == actions
    assert table.state == after


def test_one_client_of_two_leaves() -> None:
    table = streaming()
    table.opened(2, 2.0)
    assert table.closed(1, 3.0) == [ReleaseClient(1)]
    assert table.state == "streaming"
    assert table.closed(2, 4.0) == [ReleaseClient(2)]
    assert table.state == "orphaned"


@pytest.mark.parametrize("state", [created, waiting, streaming, orphaned, closing, terminated])
def test_a_session_starts_only_when_ready(state: Callable[[], SessionTable]) -> None:
    table = state()
    with pytest.raises(ConflictError, match=f"a session cannot be started while the runtime is {state.__name__}"):
        table.start(5.0)
    assert table.state == state.__name__


@pytest.mark.parametrize("state", [created, ready, closing, terminated])
def test_only_a_session_is_stopped(state: Callable[[], SessionTable]) -> None:
    with pytest.raises(ConflictError, match=f"there is no session to stop: the runtime is {state.__name__}"):
        state().stop(EndReason.STOPPED, None, 5.0)


@pytest.mark.parametrize("state", [created, ready, waiting, streaming, orphaned, closing])
def test_a_model_that_fails_ends_everything(state: Callable[[], SessionTable]) -> None:
    table = state()
    running = table.running
    actions = table.model_failed("the model stopped: ValueError: boom", 5.0)
    assert table.state == "terminated"
    assert table.failure == "the model stopped: ValueError: boom"
    ended = [EndSession(EndReason.ERROR, "Session ended: the model stopped: ValueError: boom")]
    assert actions == (ended if running else [])


def test_a_failed_load_keeps_the_models_message() -> None:
    table = created()
    table.load_failed("no weights")
    assert table.failure == "no weights"


def test_each_session_has_an_id_of_its_own() -> None:
    table = waiting()
    first = table.session_id
    assert first is not None
    assert str(UUID(first)) == first
    table.stop(EndReason.STOPPED, None, 1.0)
    assert table.session_id == first
    table.cleaned_up()
    assert table.session_id is None
    assert table.clients == set()
    table.start(2.0)
    assert table.session_id not in (None, first)


def test_a_session_without_a_client_times_out() -> None:
    table = waiting()
    assert table.next_deadline() == 60.0
    assert table.handle_timeout(59.9) == []
    assert table.handle_timeout(60.0) == [EndSession(EndReason.TIMED_OUT, "Session ended: no client was connected.")]
    assert table.state == "closing"
    assert table.next_deadline() is None


def test_the_timeout_begins_anew_when_the_last_client_leaves() -> None:
    table = waiting()
    table.opened(1, 50.0)
    assert table.next_deadline() is None
    assert table.handle_timeout(1000.0) == []
    table.closed(1, 100.0)
    assert table.next_deadline() == 160.0
    table.opened(1, 150.0)
    assert table.handle_timeout(160.0) == []
    assert table.state == "streaming"


@pytest.mark.parametrize("timeout", [0.0, -1.0])
def test_a_timeout_of_0_or_less_is_none(timeout: float) -> None:
    table = SessionTable(timeout)
    table.loaded()
    table.start(0.0)
    assert table.next_deadline() is None
    assert table.handle_timeout(1e9) == []


def test_the_words_of_health() -> None:
    assert {str(state): health_word(state) for state in RuntimeState} == {
        "created": "loading",
        "ready": "available",
        "waiting": "serving",
        "streaming": "serving",
        "orphaned": "serving",
        "closing": "serving",
        "terminated": "terminated",
    }


def test_the_reasons_are_those_of_the_wire() -> None:
    assert [str(reason) for reason in EndReason] == ["stopped", "timed_out", "evicted", "moderated", "error", "start_refused"]
