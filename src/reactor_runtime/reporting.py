"""What a worker reports to its coordinators, when, and what an answer, or none, means. It decides; somebody else does.

Every method takes ``now`` in seconds of one clock that does not jump.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from reactor_protocol.resources import Capabilities, WorkerOrders, WorkerReport
from reactor_runtime.session import SessionTable

COALESCE_S: Final = 0.02
"""Changes that follow one another within this time are one report."""

ANSWER_LIMIT_S: Final = 2.0
"""A coordinator that has not answered by then is as good as none."""

FIRST_RETRY_S: Final = 0.1
MIN_INTERVAL_S: Final = 0.05
MAX_INTERVAL_S: Final = 60.0
MAX_FAILURE_CHARS: Final = 2048

_GONE = frozenset({401, 404, 410})
_MAX_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class StopSession:
    """End this session, if it is the running one."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Exit:
    """End it all, for this reason."""

    reason: str


Order: TypeAlias = StopSession | Exit


def report_of(table: SessionTable, port: int, pid: int, capabilities: Capabilities | None) -> WorkerReport:
    """What a worker says of itself."""
    return WorkerReport(
        port=port,
        pid=pid,
        state=str(table.state),
        session_id=table.session_id,
        connections=len(table.clients),
        ended=table.ended,
        failure=table.failure[:MAX_FAILURE_CHARS] if table.failure else None,
        capabilities=capabilities,
    )


class Reporting:
    """When a worker reports next, and to which of its coordinators.

    ``patience_s`` is for how long it goes on without an answer while it has no session; 0 or less is for ever.
    """

    def __init__(self, coordinators: Sequence[str], patience_s: float, now: float) -> None:
        self._coordinators = tuple(coordinators)
        self._patience_s = patience_s
        self._turn = 0
        self._failures = 0
        self._heard_at = now
        self._interval_s = WorkerOrders().interval_s
        self._due = now
        self._sent: WorkerReport | None = None
        self._told: WorkerReport | None = None

    @property
    def coordinator(self) -> str:
        """The base URL of the one that is reported to next."""
        return self._coordinators[self._turn]

    def is_told(self, report: WorkerReport) -> bool:
        """Whether a coordinator has answered to exactly this."""
        return report == self._told

    def note(self, report: WorkerReport, now: float) -> None:
        """Looks whether there is news; news does not hurry a coordinator that does not answer."""
        if self._failures == 0 and not self.is_told(report):
            self._due = min(self._due, now + COALESCE_S)

    def next_deadline(self) -> float:
        """When the next report is due."""
        return self._due

    def begin(self, report: WorkerReport) -> str:
        """This report is on its way. Returns the base URL to send it to."""
        self._sent = report
        return self.coordinator

    def answered(self, orders: WorkerOrders, now: float) -> list[Order]:
        """A coordinator has taken the report that was begun."""
        self._told = self._sent
        self._failures = 0
        self._heard_at = now
        if math.isfinite(orders.interval_s):
            self._interval_s = min(max(orders.interval_s, MIN_INTERVAL_S), MAX_INTERVAL_S)
        self._due = now + self._interval_s
        if orders.exit:
            return [Exit("the coordinator told it to")]
        wanted = orders.stop_session
        running = self._sent.session_id if self._sent is not None else None
        return [StopSession(wanted)] if wanted is not None and wanted == running else []

    def failed(self, status: int | None, now: float) -> list[Order]:
        """There was no answer to the report that was begun (``status`` None), or it was a failure."""
        if status in _GONE:
            return [Exit(f"no coordinator knows this worker (HTTP {status})")]
        self._failures += 1
        self._turn = (self._turn + 1) % len(self._coordinators)
        rounds, within = divmod(self._failures, len(self._coordinators))
        # All of them are tried in a row; only then is it time to wait.
        pause = 0.0 if within else FIRST_RETRY_S * 2 ** min(rounds - 1, _MAX_DOUBLINGS)
        self._due = now + min(pause, self._interval_s)
        silent_s = now - self._heard_at
        has_session = self._sent is not None and self._sent.session_id is not None
        if not has_session and 0 < self._patience_s <= silent_s:
            return [Exit(f"no coordinator has answered for {silent_s:.0f} s")]
        return []
