"""Where the states of each lifecycle stand in its picture. A state that has no place is a mistake that the build names.

A place is (column, row). A tuple of states is a note that gathers them, where one event leads from three or more of them to
the same state: one arrow instead of many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from reactor_protocol.lifecycles import (
    CLIENT,
    RUNTIME,
    SESSION,
    WORKER,
    Lifecycle,
    ReactorStatus,
    RuntimeState,
    SessionState,
    WorkerState,
)

Source: TypeAlias = Enum | tuple[Enum, ...]
Place: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """A lifecycle, what its picture is called, and where everything stands."""

    lifecycle: Lifecycle[Any, Any]
    title: str
    places: Mapping[Source, Place]


_C, _R, _S, _W = ReactorStatus, RuntimeState, SessionState, WorkerState

CHARTS: Final[Mapping[str, Chart]] = {
    "client": Chart(
        CLIENT,
        "Status of a client",
        {
            _C.DISCONNECTED: (0, 0),
            _C.CONNECTING: (0, 1),
            _C.WAITING: (0, 2),
            _C.READY: (0, 3),
            (_C.CONNECTING, _C.WAITING, _C.READY): (1, 0),
        },
    ),
    "session": Chart(
        SESSION,
        "State of a session at a coordinator",
        {
            _S.CREATED: (0, 0),
            _S.WAITING: (0, 1),
            _S.SUSPENDED: (1, 1),
            _S.PENDING: (0, 2),
            _S.ACTIVE: (0, 3),
            _S.INACTIVE: (1, 2),
            _S.CLOSED: (0, 4),
            (_S.CREATED, _S.WAITING, _S.SUSPENDED, _S.PENDING, _S.ACTIVE, _S.INACTIVE): (1, 4),
        },
    ),
    "runtime": Chart(
        RUNTIME,
        "State of a runtime, which holds at most one session",
        {
            _R.CREATED: (0, 0),
            _R.READY: (0, 1),
            _R.WAITING: (0, 2),
            _R.STREAMING: (0, 3),
            _R.ORPHANED: (0, 4),
            _R.CLOSING: (1, 2),
            _R.TERMINATED: (1, 0),
            (_R.WAITING, _R.STREAMING, _R.ORPHANED): (1.15, 3),
            (_R.CREATED, _R.READY, _R.WAITING, _R.STREAMING, _R.ORPHANED, _R.CLOSING): (1.15, 1),
        },
    ),
    "worker": Chart(
        WORKER,
        "State of a worker",
        {
            _W.STARTING: (0, 0),
            _W.IDLE: (0, 1),
            _W.BUSY: (0, 2),
            (_W.STARTING, _W.IDLE, _W.BUSY): (1, 1),
            _W.LOST: (1, 0),
            _W.STOPPED: (1, 2),
        },
    ),
}
