"""The session of a runtime: its state, its clients and its timeouts. It decides; somebody else does.

Every method takes ``now`` in seconds and returns what has to be done. There is at most one session at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import uuid4

from reactor_protocol.errors import ConflictError
from reactor_protocol.lifecycles import RUNTIME, SESSION_RUNNING, SESSION_UNATTENDED, RuntimeEvent, RuntimeState
from reactor_protocol.resources import EndedSession

MAX_ENDED_CHARS = 512
STOPPED = "Session ended: it was stopped."
"""What clients are told where whoever stops a session gives no reason."""


class EndReason(StrEnum):
    """Why a session ended (reference: runtime, 3.3)."""

    STOPPED = "stopped"
    TIMED_OUT = "timed_out"
    EVICTED = "evicted"
    MODERATED = "moderated"
    ERROR = "error"
    START_REFUSED = "start_refused"


@dataclass(frozen=True, slots=True)
class BeginSession:
    """Prepare the model for a session."""


@dataclass(frozen=True, slots=True)
class EndSession:
    """Tell the clients why, close their connections, forget the session's files, then report that cleanup is complete."""

    reason: EndReason
    notice: str | None


@dataclass(frozen=True, slots=True)
class AdmitClient:
    """A client can be reached for the first time: tell the model."""

    connection_id: int


@dataclass(frozen=True, slots=True)
class ReleaseClient:
    """A client has gone: tell the model."""

    connection_id: int


@dataclass(frozen=True, slots=True)
class Move:
    """What has happened to the runtime, for whoever looks on. ``notice`` is what clients are told, or why the model failed."""

    event: RuntimeEvent
    before: RuntimeState
    after: RuntimeState
    connection_id: int | None = None
    reason: EndReason | None = None
    notice: str | None = None


Action: TypeAlias = BeginSession | EndSession | AdmitClient | ReleaseClient


def _nothing(_move: Move) -> None:
    """Nobody looks on."""


class SessionTable:
    """The state of a runtime and its one session.

    ``ended`` is the session before it, until another one begins; one that was taken away from here may go on, and is not in it.
    ``on_move`` is told of every change of the state, and of those that lead back to it.
    """

    def __init__(self, orphan_timeout: float, on_move: Callable[[Move], None] = _nothing) -> None:
        self._on_move = on_move
        self._orphan_timeout = orphan_timeout
        self._unattended_since: float | None = None
        self.state = RUNTIME.initial
        self.session_id: str | None = None
        self.clients: set[int] = set()
        self.failure: str | None = None
        self.ended: EndedSession | None = None
        self._ending: EndSession | None = None

    @property
    def running(self) -> bool:
        """Whether there is a session that clients may reach."""
        return self.state in SESSION_RUNNING

    def loaded(self) -> list[Action]:
        """The model is ready."""
        self._move(RuntimeEvent.INITIALIZATION_SUCCESS, 0.0)
        return []

    def model_lost(self) -> list[Action]:
        """The model is being loaded again. A session goes on meanwhile; without one, none can be begun."""
        self._move(RuntimeEvent.MODEL_LOST, 0.0)
        return []

    def load_failed(self, message: str) -> list[Action]:
        """The model will never be ready."""
        self.failure = message
        self._move(RuntimeEvent.INITIALIZATION_FAIL, 0.0, notice=message)
        return []

    def start(self, now: float, session_id: str | None = None) -> list[Action]:
        """Begins a session, with a new id where none is given.

        Raises :class:`ConflictError` in a wrong state, and for the session that was the last to end here: an order to begin it
        that comes now was given before its end was known.
        """
        if session_id is not None and self.ended is not None and self.ended.session_id == session_id:
            raise ConflictError("that session has ended here, and is not begun anew")
        if not self._move(RuntimeEvent.START_SESSION, now):
            raise ConflictError(f"a session cannot be started while the runtime is {self.state}")
        self.session_id = session_id or str(uuid4())
        self.ended = None
        return [BeginSession()]

    def stop(self, reason: EndReason, notice: str | None, now: float) -> list[Action]:
        """Ends the session. Raises :class:`ConflictError` when there is none."""
        if not self._move(RuntimeEvent.STOP_SESSION, now, reason=reason, notice=notice):
            raise ConflictError(f"there is no session to stop: the runtime is {self.state}")
        return self._end(reason, notice)

    def opened(self, connection_id: int, now: float) -> list[Action]:
        """A connection has come up. A client that connects anew under its old id has never left."""
        if not self._move(RuntimeEvent.CONNECTION_OPENED, now, connection_id):
            return []
        if connection_id in self.clients:
            return []
        self.clients.add(connection_id)
        return [AdmitClient(connection_id)]

    def closed(self, connection_id: int, now: float) -> list[Action]:
        """A connection has gone. The model is not told while the session ends, since all connections go with it."""
        if connection_id not in self.clients or not self.running:
            return []
        self.clients.discard(connection_id)
        last = not self.clients
        self._move(RuntimeEvent.LAST_CONNECTION_CLOSED if last else RuntimeEvent.CONNECTION_CLOSED, now, connection_id)
        return [ReleaseClient(connection_id)]

    def cleaned_up(self) -> list[Action]:
        """All that :class:`EndSession` asked for is done."""
        self._move(RuntimeEvent.CLEANUP_COMPLETE, 0.0, reason=self._ending.reason if self._ending is not None else None)
        self._forget_session()
        return []

    def evicted(self, now: float) -> list[Action]:
        """The process is about to end: whatever there was is over, and the runtime serves no more."""
        self._move(RuntimeEvent.EVICTION, now, reason=EndReason.EVICTED)
        self._forget_session()
        return []

    def model_failed(self, message: str, now: float) -> list[Action]:
        """The model has crashed: the session, if any, ends with that reason, and the runtime serves no more."""
        self.failure = message
        was_running = self.running
        self._move(RuntimeEvent.EVICTION, now, reason=EndReason.ERROR, notice=message)
        return self._end(EndReason.ERROR, f"Session ended: {message}") if was_running else []

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timeout` has to be called next."""
        if self._unattended_since is None or self._orphan_timeout <= 0:
            return None
        return self._unattended_since + self._orphan_timeout

    def handle_timeout(self, now: float) -> list[Action]:
        """Ends a session that has been without a client for too long."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline or not self._move(RuntimeEvent.TIMEOUT, now, reason=EndReason.TIMED_OUT):
            return []
        return self._end(EndReason.TIMED_OUT, "Session ended: no client was connected.")

    def _end(self, reason: EndReason, notice: str | None) -> list[Action]:
        self._ending = EndSession(reason, notice)
        return [self._ending]

    def _forget_session(self) -> None:
        ending, self._ending = self._ending, None
        if self.session_id is not None and ending is not None and ending.reason is not EndReason.EVICTED:
            why = ending.notice or str(ending.reason)
            self.ended = EndedSession(session_id=self.session_id, reason=why[:MAX_ENDED_CHARS])
        self.session_id = None
        self.clients.clear()

    def _move(
        self,
        event: RuntimeEvent,
        now: float,
        connection_id: int | None = None,
        *,
        reason: EndReason | None = None,
        notice: str | None = None,
    ) -> bool:
        before, after = self.state, RUNTIME.after(self.state, event)
        if after is None:
            return False
        unattended = after in SESSION_UNATTENDED
        if not unattended:
            self._unattended_since = None
        elif self.state is not after:
            self._unattended_since = now
        self.state = after
        self._on_move(Move(event, before, after, connection_id, reason, notice))
        return True


HEALTH_WORDS = {RuntimeState.CREATED: "loading", RuntimeState.READY: "available", RuntimeState.TERMINATED: "terminated"}


def health_word(state: RuntimeState) -> str:
    """The word of ``/health`` for a state (reference: runtime, 3.3)."""
    return HEALTH_WORDS.get(state, "serving")
