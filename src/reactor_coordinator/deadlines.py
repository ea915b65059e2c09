"""What time alone makes happen: sessions warned, suspended or ended, workers whose lease has run out. Pure; epoch seconds.

While no coordinator is up, nobody can be heard of: no silence counts from before ``up_since``, when the coordinators came up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from reactor_coordinator.config import Limits
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_protocol.lifecycles import SESSION_OPEN, SESSION_QUEUED, WORKER_ALIVE, SessionState, WorkerState

LOAD_S = 600.0
"""For how long a worker may be STARTING where its model does not say."""


class Ending(StrEnum):
    """Why time ended a session; its clients are told it as the reason."""

    EXPIRED = "expired"
    UNCLAIMED = "unclaimed"
    NOT_RESUMED = "not_resumed"
    WORKER_FAILED = "worker_failed"


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell the clients of a session that it will end in ``remaining_s`` seconds, and set ``warned_at``."""

    session_id: str
    remaining_s: float


@dataclass(frozen=True, slots=True)
class End:
    """End a session."""

    session_id: str
    reason: Ending


@dataclass(frozen=True, slots=True)
class Suspend:
    """A waiting client is not heard of: it keeps its place, but is given no worker (CLIENT_LEFT)."""

    session_id: str


Action: TypeAlias = Warn | End | Suspend


@dataclass(frozen=True, slots=True)
class Leases:
    """When silence means that a worker is lost.

    A lease counts as no shorter than ``lease_s`` from ``up_since`` on. ``load_seconds`` is by model: how long a worker may be
    STARTING.
    """

    lease_s: float = 0.0
    up_since: float = 0.0
    load_seconds: Mapping[str, float] = field(default_factory=dict)


def due(sessions: Iterable[SessionRecord], limits: Limits, now: float, up_since: float = 0.0) -> list[Action]:
    """What is to be done ``now``: one action a session at most, its end before anything else.

    - ``expires_at`` is reached: it ends. ``expiry_warning_seconds`` before that, while ACTIVE: its clients are warned, once.
    - WAITING, and not seen for ``unseen_seconds``: suspended. SUSPENDED for ``claim_seconds`` more: it ends.
    - INACTIVE, and not seen for ``resume_seconds`` since it lost its worker (``queued_at``): nobody is there to go on, it ends.
    - In the queue, and ``restarts`` (workers that it lost, or that did not start it) are more than the limit: it ends.
    """
    actions: list[Action] = []
    for session in sessions:
        end = _end(session, limits, up_since)
        if end is not None and end[0] <= now:
            actions.append(End(session.id, end[1]))
            continue
        notice_at = _notice_at(session, limits, up_since)
        if notice_at is None or notice_at > now:
            continue
        if session.state is SessionState.WAITING:
            actions.append(Suspend(session.id))
        elif session.expires_at is not None:
            actions.append(Warn(session.id, session.expires_at - now))
    return actions


def lost(workers: Iterable[WorkerRecord], now: float, leases: Leases) -> list[str]:
    """Ids of the living workers that are not heard of any more.

    A STARTING one may be silent, since loading can hold up its reports, but has to be IDLE before its model's load time is over.
    """
    return [worker.id for worker in workers if worker.state in WORKER_ALIVE and _lost_at(worker, leases) <= now]


def _end(session: SessionRecord, limits: Limits, up_since: float) -> tuple[float, Ending] | None:
    """When and why a session ends, unless something happens before."""
    if session.state not in SESSION_OPEN:
        return None
    if session.state in SESSION_QUEUED and session.restarts > limits.restarts:
        # It is over at once: in a look that began before the last loss was written down it must not be placed again.
        return -math.inf, Ending.WORKER_FAILED
    seen_at = max(session.seen_at, up_since)
    ends: list[tuple[float, Ending]] = []
    if session.expires_at is not None:
        ends.append((session.expires_at, Ending.EXPIRED))
    if session.state is SessionState.SUSPENDED:
        ends.append((seen_at + limits.unseen_seconds + limits.claim_seconds, Ending.UNCLAIMED))
    elif session.state is SessionState.INACTIVE:
        ends.append((max(seen_at, session.queued_at) + limits.resume_seconds, Ending.NOT_RESUMED))
    return min(ends, default=None)


def _notice_at(session: SessionRecord, limits: Limits, up_since: float) -> float | None:
    """When a waiting session is to be suspended, or an active one warned."""
    if session.state is SessionState.WAITING:
        # One that has come back to the queue, because its worker did not start it, had no reason to ask before.
        return max(session.seen_at, up_since, session.queued_at) + limits.unseen_seconds
    if session.state is SessionState.ACTIVE and session.expires_at is not None and session.warned_at is None:
        return session.expires_at - limits.expiry_warning_seconds
    return None


def _lost_at(worker: WorkerRecord, leases: Leases) -> float:
    if worker.state is WorkerState.STARTING:
        return worker.started_at + leases.load_seconds.get(worker.model, LOAD_S)
    return max(worker.lease_until, leases.up_since + leases.lease_s)
