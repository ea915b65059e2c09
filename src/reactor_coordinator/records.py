"""What the coordinator keeps: keys, sessions, workers, uploads. Times are epoch seconds of the coordinator's clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reactor_protocol.lifecycles import SessionState, WorkerState


class Role(StrEnum):
    """What a key may do: a client has sessions of its own, an admin sees and ends everybody's."""

    CLIENT = "client"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """An API key. The key itself is not kept: ``digest`` is its hash and ``prefix`` what people tell it by.

    A higher ``priority`` is served first. ``max_sessions`` counts open sessions, ``sessions_per_minute`` new ones; ``credit_s``
    is how many seconds of sessions are left. None means no limit.
    """

    id: str
    name: str
    prefix: str
    digest: str = field(repr=False)
    role: Role = Role.CLIENT
    priority: int = 0
    max_sessions: int | None = None
    sessions_per_minute: int | None = None
    credit_s: float | None = None
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None

    def usable(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session. ``worker_id`` is set while it holds a worker; ``max_duration_s`` counts from its first ACTIVE."""

    id: str
    key_id: str
    token_id: str
    model: str
    state: SessionState
    priority: int
    created_at: float
    queued_at: float
    seen_at: float
    max_duration_s: float | None = None
    active_at: float | None = None
    expires_at: float | None = None
    warned_at: float | None = None
    ended_at: float | None = None
    reason: str | None = None
    worker_id: str | None = None
    restarts: int = 0
    placements: int = 0


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker. Its secret is derived from its id, and not kept."""

    id: str
    pool: str
    model: str
    state: WorkerState
    host: str
    started_at: float
    lease_until: float
    port: int | None = None
    pid: int | None = None
    node: str | None = None
    session_id: str | None = None
    draining: bool = False
    failure: str | None = None
    idle_since: float | None = None
    capabilities: dict[str, Any] | None = None

    @property
    def url(self) -> str | None:
        """Where it answers, once it has reported."""
        if self.port is None:
            return None
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """A file of a session. ``complete_at`` is set when its bytes have arrived whole."""

    id: str
    session_id: str
    name: str
    mime_type: str
    size: int
    created_at: float
    expires_at: float
    complete_at: float | None = None
