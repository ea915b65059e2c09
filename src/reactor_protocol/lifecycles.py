"""Every lifecycle as a table: in which state which event leads where. Side effects are elsewhere.

A lifecycle is data. :meth:`Lifecycle.after` looks a move up and returns None for one that is not legal; whoever holds the
state decides what an illegal move means to it. The diagrams of the documentation are drawn from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Generic, TypeVar

StateT = TypeVar("StateT", bound=Enum)
EventT = TypeVar("EventT", bound=Enum)


@dataclass(frozen=True)
class Lifecycle(Generic[StateT, EventT]):
    """States, events and legal moves of one thing."""

    name: str
    initial: StateT
    moves: Mapping[tuple[StateT, EventT], StateT]

    def after(self, state: StateT, event: EventT) -> StateT | None:
        """The state that ``event`` leads to from ``state``, or None where the move is not legal."""
        return self.moves.get((state, event))


# ------------------------------------------------------------------------------------------------------- client


class ReactorStatus(StrEnum):
    """Status of a client's connection (reference: client and REST, 1.9)."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    WAITING = "waiting"
    READY = "ready"


class ClientEvent(StrEnum):
    CONNECT = "connect"
    SESSION_CREATED = "session_created"
    RECONNECT = "reconnect"
    TRANSPORT_READY = "transport_ready"
    DROPPED = "dropped"
    DISCONNECT = "disconnect"


_S, _C = ReactorStatus, ClientEvent

CLIENT: Lifecycle[ReactorStatus, ClientEvent] = Lifecycle(
    name="client",
    initial=_S.DISCONNECTED,
    moves={
        (_S.DISCONNECTED, _C.CONNECT): _S.CONNECTING,
        (_S.DISCONNECTED, _C.RECONNECT): _S.CONNECTING,
        (_S.CONNECTING, _C.SESSION_CREATED): _S.WAITING,
        (_S.WAITING, _C.TRANSPORT_READY): _S.READY,
        (_S.CONNECTING, _C.DROPPED): _S.DISCONNECTED,
        (_S.WAITING, _C.DROPPED): _S.DISCONNECTED,
        (_S.READY, _C.DROPPED): _S.DISCONNECTED,
        (_S.CONNECTING, _C.DISCONNECT): _S.DISCONNECTED,
        (_S.WAITING, _C.DISCONNECT): _S.DISCONNECTED,
        (_S.READY, _C.DISCONNECT): _S.DISCONNECTED,
    },
)


# ------------------------------------------------------------------------------------- a runtime and its session


class RuntimeState(StrEnum):
    """State of a runtime, which holds at most one session (reference: runtime, 3.3)."""

    CREATED = "created"
    READY = "ready"
    WAITING = "waiting"
    STREAMING = "streaming"
    ORPHANED = "orphaned"
    CLOSING = "closing"
    TERMINATED = "terminated"


class RuntimeEvent(StrEnum):
    INITIALIZATION_SUCCESS = "initialization_success"
    INITIALIZATION_FAIL = "initialization_fail"
    MODEL_LOST = "model_lost"
    START_SESSION = "start_session"
    CONNECTION_OPENED = "connection_opened"
    CONNECTION_CLOSED = "connection_closed"
    LAST_CONNECTION_CLOSED = "last_connection_closed"
    TIMEOUT = "timeout"
    STOP_SESSION = "stop_session"
    CLEANUP_COMPLETE = "cleanup_complete"
    EVICTION = "eviction"


_R, _E = RuntimeState, RuntimeEvent

RUNTIME: Lifecycle[RuntimeState, RuntimeEvent] = Lifecycle(
    name="runtime",
    initial=_R.CREATED,
    moves={
        (_R.CREATED, _E.INITIALIZATION_SUCCESS): _R.READY,
        (_R.CREATED, _E.INITIALIZATION_FAIL): _R.TERMINATED,
        (_R.READY, _E.MODEL_LOST): _R.CREATED,
        (_R.READY, _E.START_SESSION): _R.WAITING,
        (_R.WAITING, _E.CONNECTION_OPENED): _R.STREAMING,
        (_R.ORPHANED, _E.CONNECTION_OPENED): _R.STREAMING,
        (_R.STREAMING, _E.CONNECTION_OPENED): _R.STREAMING,
        (_R.STREAMING, _E.CONNECTION_CLOSED): _R.STREAMING,
        (_R.STREAMING, _E.LAST_CONNECTION_CLOSED): _R.ORPHANED,
        (_R.WAITING, _E.TIMEOUT): _R.CLOSING,
        (_R.ORPHANED, _E.TIMEOUT): _R.CLOSING,
        (_R.WAITING, _E.STOP_SESSION): _R.CLOSING,
        (_R.STREAMING, _E.STOP_SESSION): _R.CLOSING,
        (_R.ORPHANED, _E.STOP_SESSION): _R.CLOSING,
        (_R.CLOSING, _E.CLEANUP_COMPLETE): _R.READY,
        (_R.CREATED, _E.EVICTION): _R.TERMINATED,
        (_R.READY, _E.EVICTION): _R.TERMINATED,
        (_R.WAITING, _E.EVICTION): _R.TERMINATED,
        (_R.STREAMING, _E.EVICTION): _R.TERMINATED,
        (_R.ORPHANED, _E.EVICTION): _R.TERMINATED,
        (_R.CLOSING, _E.EVICTION): _R.TERMINATED,
    },
)

SESSION_RUNNING = frozenset({_R.WAITING, _R.STREAMING, _R.ORPHANED})
"""States in which there is a session that clients may reach."""

SESSION_UNATTENDED = frozenset({_R.WAITING, _R.ORPHANED})
"""States in which there is a session without a client, which times out."""


# ------------------------------------------------------------------------------------- a session of a coordinator


class SessionState(StrEnum):
    """State of a hosted session (reference: client and REST, 1.9)."""

    CREATED = "CREATED"
    WAITING = "WAITING"
    SUSPENDED = "SUSPENDED"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    CLOSED = "CLOSED"


class SessionEvent(StrEnum):
    QUEUED = "queued"
    CLIENT_LEFT = "client_left"
    CLIENT_BACK = "client_back"
    PLACED = "placed"
    STARTED = "started"
    NOT_STARTED = "not_started"
    WORKER_LOST = "worker_lost"
    RESTART = "restart"
    END = "end"


_H, _V = SessionState, SessionEvent

SESSION: Lifecycle[SessionState, SessionEvent] = Lifecycle(
    name="session",
    initial=_H.CREATED,
    moves={
        (_H.CREATED, _V.QUEUED): _H.WAITING,
        # A queued client that is not heard of keeps its place for a while, but is not given a worker.
        (_H.WAITING, _V.CLIENT_LEFT): _H.SUSPENDED,
        (_H.SUSPENDED, _V.CLIENT_BACK): _H.WAITING,
        (_H.WAITING, _V.PLACED): _H.PENDING,
        (_H.INACTIVE, _V.PLACED): _H.PENDING,
        (_H.PENDING, _V.STARTED): _H.ACTIVE,
        (_H.PENDING, _V.NOT_STARTED): _H.WAITING,
        (_H.PENDING, _V.WORKER_LOST): _H.INACTIVE,
        (_H.ACTIVE, _V.WORKER_LOST): _H.INACTIVE,
        (_H.ACTIVE, _V.RESTART): _H.INACTIVE,
        (_H.CREATED, _V.END): _H.CLOSED,
        (_H.WAITING, _V.END): _H.CLOSED,
        (_H.SUSPENDED, _V.END): _H.CLOSED,
        (_H.PENDING, _V.END): _H.CLOSED,
        (_H.ACTIVE, _V.END): _H.CLOSED,
        (_H.INACTIVE, _V.END): _H.CLOSED,
    },
)

SESSION_QUEUED = frozenset({_H.WAITING, _H.SUSPENDED, _H.INACTIVE})
"""States in which a session is in the queue. One that has lost its worker goes before all that had none."""

SESSION_PLACED = frozenset({_H.PENDING, _H.ACTIVE})
"""States in which a session holds a worker."""

SESSION_OPEN = SESSION_QUEUED | SESSION_PLACED
"""States that count against the quota of a key."""


# ------------------------------------------------------------------------------------------ a worker of a coordinator


class WorkerState(StrEnum):
    """State of a worker: one process that runs one model, for at most one session at a time."""

    STARTING = "STARTING"
    IDLE = "IDLE"
    BUSY = "BUSY"
    LOST = "LOST"
    STOPPED = "STOPPED"


class WorkerEvent(StrEnum):
    LOADED = "loaded"
    RESERVED = "reserved"
    RELEASED = "released"
    LEASE_EXPIRED = "lease_expired"
    FAILED = "failed"
    STOP = "stop"


_W, _K = WorkerState, WorkerEvent

WORKER: Lifecycle[WorkerState, WorkerEvent] = Lifecycle(
    name="worker",
    initial=_W.STARTING,
    moves={
        (_W.STARTING, _K.LOADED): _W.IDLE,
        (_W.IDLE, _K.RESERVED): _W.BUSY,
        (_W.BUSY, _K.RELEASED): _W.IDLE,
        (_W.STARTING, _K.LEASE_EXPIRED): _W.LOST,
        (_W.IDLE, _K.LEASE_EXPIRED): _W.LOST,
        (_W.BUSY, _K.LEASE_EXPIRED): _W.LOST,
        (_W.STARTING, _K.FAILED): _W.LOST,
        (_W.IDLE, _K.FAILED): _W.LOST,
        (_W.BUSY, _K.FAILED): _W.LOST,
        (_W.STARTING, _K.STOP): _W.STOPPED,
        (_W.IDLE, _K.STOP): _W.STOPPED,
        (_W.BUSY, _K.STOP): _W.STOPPED,
    },
)

WORKER_ALIVE = frozenset({_W.STARTING, _W.IDLE, _W.BUSY})
"""States in which a worker takes up a slot of its pool."""
