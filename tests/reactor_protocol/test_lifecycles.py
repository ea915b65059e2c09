"""The tables of the lifecycles, against the moves of the reference (runtime, 3.3; client and REST, 1.2 and 1.3)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_protocol.lifecycles import (
    CLIENT,
    RUNTIME,
    SESSION_RUNNING,
    SESSION_UNATTENDED,
    ClientEvent,
    ReactorStatus,
    RuntimeEvent,
    RuntimeState,
)

RUNTIME_STATES = ["created", "ready", "waiting", "streaming", "orphaned", "closing", "terminated"]
RUNTIME_EVENTS = [
    "initialization_success",
    "initialization_fail",
    "model_lost",  # ours: a model that has crashed is loaded again
    "start_session",
    "connection_opened",
    "connection_closed",
    "last_connection_closed",
    "timeout",
    "stop_session",
    "cleanup_complete",
    "eviction",
]
RUNTIME_MOVES = {
    ("created", "initialization_success"): "ready",
    ("created", "initialization_fail"): "terminated",
    ("ready", "model_lost"): "created",
    ("ready", "start_session"): "waiting",
    ("waiting", "connection_opened"): "streaming",
    ("orphaned", "connection_opened"): "streaming",
    ("streaming", "connection_opened"): "streaming",
    ("streaming", "connection_closed"): "streaming",
    ("streaming", "last_connection_closed"): "orphaned",
    ("waiting", "timeout"): "closing",
    ("orphaned", "timeout"): "closing",
    ("waiting", "stop_session"): "closing",
    ("streaming", "stop_session"): "closing",
    ("orphaned", "stop_session"): "closing",
    ("closing", "cleanup_complete"): "ready",
    **{(state, "eviction"): "terminated" for state in RUNTIME_STATES if state != "terminated"},
}

CLIENT_STATES = ["disconnected", "connecting", "waiting", "ready"]
CLIENT_EVENTS = ["connect", "session_created", "reconnect", "transport_ready", "dropped", "disconnect"]
CLIENT_MOVES = {
    ("disconnected", "connect"): "connecting",
    ("disconnected", "reconnect"): "connecting",
    ("connecting", "session_created"): "waiting",
    ("waiting", "transport_ready"): "ready",
    **{(state, event): "disconnected" for state in CLIENT_STATES[1:] for event in ("dropped", "disconnect")},
}


def test_the_words_are_those_of_the_reference() -> None:
    assert [state.value for state in RuntimeState] == RUNTIME_STATES
    assert [event.value for event in RuntimeEvent] == RUNTIME_EVENTS
    assert [state.value for state in ReactorStatus] == CLIENT_STATES
    assert [event.value for event in ClientEvent] == CLIENT_EVENTS


@pytest.mark.parametrize(("state", "event"), list(product(RUNTIME_STATES, RUNTIME_EVENTS)))
def test_runtime_moves(state: str, event: str) -> None:
    assert RUNTIME.after(RuntimeState(state), RuntimeEvent(event)) == RUNTIME_MOVES.get((state, event))


@pytest.mark.parametrize(("state", "event"), list(product(CLIENT_STATES, CLIENT_EVENTS)))
def test_client_moves(state: str, event: str) -> None:
    assert CLIENT.after(ReactorStatus(state), ClientEvent(event)) == CLIENT_MOVES.get((state, event))


def test_where_they_begin() -> None:
    assert RUNTIME.initial == "created"
    assert CLIENT.initial == "disconnected"
    assert (RUNTIME.name, CLIENT.name) == ("runtime", "client")


def test_groups_of_states() -> None:
    assert set(SESSION_RUNNING) == {"waiting", "streaming", "orphaned"}
    assert set(SESSION_UNATTENDED) == {"waiting", "orphaned"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(RuntimeEvent), max_size=20))
def test_a_walk_of_a_runtime_never_leaves_the_table(events: list[RuntimeEvent]) -> None:
    state = RUNTIME.initial
    for event in events:
        after = RUNTIME.after(state, event)
        assert after is None or (after.value in RUNTIME_STATES and state != "terminated")
        state = after or state
        if event is RuntimeEvent.EVICTION:
            assert state == "terminated"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(ClientEvent), max_size=20))
def test_a_walk_of_a_client_can_always_end(events: list[ClientEvent]) -> None:
    state = CLIENT.initial
    for event in events:
        state = CLIENT.after(state, event) or state
        assert state.value in CLIENT_STATES
    assert state == "disconnected" or CLIENT.after(state, ClientEvent.DISCONNECT) == "disconnected"
