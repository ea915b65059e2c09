"""Who may have a session: decided for a batch of requests at once, inside one transaction. Pure; epoch seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reactor_coordinator.config import Limits
from reactor_coordinator.queue import UNKNOWN, Estimate
from reactor_coordinator.records import Key
from reactor_protocol.errors import (
    ApiError,
    AuthenticationError,
    CapacityError,
    CreditsExhaustedError,
    QuotaExceededError,
    RateLimitedError,
)

WINDOW_S = 60.0
"""``sessions_per_minute`` counts over so many seconds."""

SOONEST_RETRY_S, LATEST_RETRY_S, UNKNOWN_RETRY_S = 1.0, 60.0, 5.0
"""Bounds of the advice when to ask again for a worker, and the advice where nothing is known."""

TOKEN_SESSIONS = "token_sessions"
OPEN_SESSIONS = "open_sessions"
SESSIONS_PER_MINUTE = "sessions_per_minute"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a session. ``queue`` false: only if it need not wait.

    ``token_max_sessions`` is how many sessions its token may create in all.
    """

    session_id: str
    key_id: str
    token_id: str
    model: str
    queue: bool = True
    token_max_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class House:
    """What there is already. What is zero may be left out of a mapping.

    ``open_by_key`` counts open sessions, ``created_by_token`` all that a token ever created; ``recent_by_key`` holds when a key
    created sessions within the last minute, earliest first. ``queued`` (everybody in the queue) and ``idle`` (free workers) are
    by model.
    """

    limits: Limits
    now: float
    keys: Mapping[str, Key]
    open_by_key: Mapping[str, int] = field(default_factory=dict)
    created_by_token: Mapping[str, int] = field(default_factory=dict)
    recent_by_key: Mapping[str, Sequence[float]] = field(default_factory=dict)
    queued: Mapping[str, int] = field(default_factory=dict)
    idle: Mapping[str, int] = field(default_factory=dict)
    estimates: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The session may be created, in WAITING."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The session may not be created. ``quota_type`` names the limit that was met, where it is one of the key or the token."""

    session_id: str
    error: ApiError
    quota_type: str | None = None


Verdict: TypeAlias = Admitted | Refused


def admit(requests: Sequence[Asked], house: House) -> list[Verdict]:
    """A verdict for each request, in order. What an earlier one of the batch takes is gone for a later one.

    Refusals, the first that applies: AuthenticationError, CreditsExhaustedError, QuotaExceededError (``token_sessions``, then
    ``open_sessions``), RateLimitedError (``sessions_per_minute``), CapacityError (the queue is full, or nobody is free and
    ``queue`` is false). The last two carry ``retry_after``.
    """
    desk = _Desk(house)
    verdicts: list[Verdict] = []
    for asked in requests:
        refused = desk.refuses_key(asked) or desk.refuses_quota(asked) or desk.refuses_pace(asked) or desk.refuses_wait(asked)
        if refused is None:
            desk.count(asked)
        verdicts.append(refused or Admitted(asked.session_id))
    return verdicts


class _Desk:
    """The house as it is while a batch is admitted."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._open = defaultdict(int, house.open_by_key)
        self._created = defaultdict(int, house.created_by_token)
        self._queued = defaultdict(int, house.queued)
        self._recent: dict[str, list[float]] = {}

    def count(self, asked: Asked) -> None:
        """The session is created, and waits until it is placed."""
        self._open[asked.key_id] += 1
        self._created[asked.token_id] += 1
        self._queued[asked.model] += 1
        self._recent_of(asked.key_id).append(self._house.now)

    def refuses_key(self, asked: Asked) -> Refused | None:
        key = self._house.keys.get(asked.key_id)
        if key is None or not key.usable(self._house.now):
            text = "the API key of this request is unknown, revoked or expired: use one that is valid"
            return Refused(asked.session_id, AuthenticationError(text))
        if key.credit_s is not None and key.credit_s <= 0:
            text = f"the API key {key.name} has no credit left: ask the operator of this server for more"
            return Refused(asked.session_id, CreditsExhaustedError(text))
        return None

    def refuses_quota(self, asked: Asked) -> Refused | None:
        most = asked.token_max_sessions
        if most is not None and self._created[asked.token_id] >= most:
            text = f"this token has created {most} of {most} sessions ({TOKEN_SESSIONS}): get a new token"
            return Refused(asked.session_id, QuotaExceededError(text), TOKEN_SESSIONS)
        most = _own(self._house.keys[asked.key_id].max_sessions, self._house.limits.sessions_per_key)
        open_now = self._open[asked.key_id]
        if most is not None and open_now >= most:
            text = f"{open_now} of {most} sessions of this API key are open ({OPEN_SESSIONS}): end one of them first"
            return Refused(asked.session_id, QuotaExceededError(text), OPEN_SESSIONS)
        return None

    def refuses_pace(self, asked: Asked) -> Refused | None:
        most = _own(self._house.keys[asked.key_id].sessions_per_minute, self._house.limits.sessions_per_minute)
        recent = self._recent_of(asked.key_id)
        if most is None or len(recent) < most:
            return None
        wait = recent[len(recent) - most] + WINDOW_S - self._house.now if most > 0 else WINDOW_S
        text = f"this API key may create {most} sessions a minute ({SESSIONS_PER_MINUTE}): try again in {wait:.0f} s"
        return Refused(asked.session_id, RateLimitedError(text, retry_after=wait), SESSIONS_PER_MINUTE)

    def refuses_wait(self, asked: Asked) -> Refused | None:
        queued = self._queued[asked.model]
        if self._house.idle.get(asked.model, 0) > queued:
            return None
        if not asked.queue:
            wait = self._retry(asked.model, queued + 1)
            text = f"no worker for {asked.model} is free: try again in {wait:.0f} s, or let the request wait in the queue"
        elif queued >= self._house.limits.queue_length:
            wait = self._retry(asked.model, 1)
            text = f"the queue for {asked.model} is full ({queued} sessions wait): try again in {wait:.0f} s"
        else:
            return None
        return Refused(asked.session_id, CapacityError(text, retry_after=wait))

    def _recent_of(self, key_id: str) -> list[float]:
        """When a key created sessions within the window, earliest first."""
        recent = self._recent.get(key_id)
        if recent is None:
            since = self._house.now - WINDOW_S
            recent = self._recent[key_id] = [at for at in self._house.recent_by_key.get(key_id, ()) if at > since]
        return recent

    def _retry(self, model: str, position: int) -> float:
        wait = self._house.estimates.get(model, UNKNOWN).wait_s(position)
        return UNKNOWN_RETRY_S if wait is None else min(LATEST_RETRY_S, max(SOONEST_RETRY_S, wait))


def _own(value: int | None, general: int | None) -> int | None:
    """A key's own limit, else the one for all keys."""
    return general if value is None else value
