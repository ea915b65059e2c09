"""The journal of a runtime: what has happened, in order, as ``/events`` tells it (reference: runtime, 3.4 and 9.1).

Of each kind of event the newest are kept, so that no kind crowds another out: however many commands there are, the moves of the
session stay. A reader has no queue of its own: it remembers where it is, and one that is too slow is told what it has missed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reactor_protocol.lifecycles import RuntimeState
from reactor_protocol.messages import JsonObject


class JournalName(StrEnum):
    """Which part of the journal: what happens to the session, or what is measured and done in it."""

    LIFECYCLE = "lifecycle"
    MEASUREMENTS = "measurements"


_LIFECYCLE: Final = (
    "initializing",
    "initialization_success",
    "initialization_fail",
    "model_lost",
    "start_session",
    "connection_answered",
    "connection_opened",
    "connection_closed",
    "timeout",
    "stop_session",
    "cleanup_complete",
    "eviction",
    "chunk_ready",
    "clip_ready",
    "error",
)
_MEASUREMENTS: Final = ("command", "metric", "step_completed", "step_result_ready")

EVENTS: Final = {
    **dict.fromkeys(_LIFECYCLE, JournalName.LIFECYCLE),
    **dict.fromkeys(_MEASUREMENTS, JournalName.MEASUREMENTS),
}
"""The part that each event belongs to."""

KEPT: Final = 1024
KEPT_MEASURED: Final = 256
"""Of measurements, which are large and soon stale."""
MAX_DETAIL_BYTES: Final = 32 * 1024
"""A detail above this is left out, and says so."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, as it goes over the wire."""

    seq: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What a reader gets: parts of the stream up to ``seq``. Of the ids in ``missed`` (first, last) some are no longer kept."""

    parts: tuple[bytes, ...]
    seq: int
    missed: tuple[int, int] | None


class Journal:
    """What has happened since the process began. Everything is done on one loop."""

    def __init__(self) -> None:
        self._rings: dict[str, deque[Entry]] = {event: deque(maxlen=_room(event)) for event in EVENTS}
        self._gone: dict[str, int] = dict.fromkeys(EVENTS, 0)
        self._readers: dict[int, Callable[[], None]] = {}
        self._tickets = 0
        self.last = 0
        self.closed = False

    # ------------------------------------------------------------------------------------------------------ writing

    def note(self, event: str, before: RuntimeState, after: RuntimeState, detail: JsonObject, at_ms: int) -> None:
        """Writes an event down. ``detail`` is JSON that anybody may read; ``at_ms`` is Unix time."""
        ring = self._rings[event]
        self.last += 1
        if len(ring) == ring.maxlen:
            self._gone[event] = ring[0].seq
        ring.append(Entry(self.last, _encoded(self.last, event, before, after, detail, at_ms)))
        self._wake()

    def close(self) -> None:
        """Nothing more will happen: readers come to an end."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        for wake in self._readers.values():
            wake()

    # ------------------------------------------------------------------------------------------------------ reading

    @property
    def readers(self) -> int:
        """How many read."""
        return len(self._readers)

    def attach(self, wake: Callable[[], None]) -> int:
        """Has ``wake`` called after each change, until :meth:`detach` is given the number that this returns."""
        self._tickets += 1
        self._readers[self._tickets] = wake
        return self._tickets

    def detach(self, ticket: int) -> None:
        """The reader has gone."""
        self._readers.pop(ticket, None)

    def after(self, seq: int, journal: JournalName | None, limit: int) -> Batch:
        """At most ``limit`` events that came after ``seq``, of one part of the journal or of both."""
        found: list[Entry] = []
        gone = 0
        for event in events_of(journal):
            gone = max(gone, self._gone[event])
            for entry in reversed(self._rings[event]):
                if entry.seq <= seq:
                    break
                found.append(entry)
        found.sort(key=lambda entry: entry.seq)
        part = found[:limit]
        upto = part[-1].seq if len(part) < len(found) else self.last
        missed = (seq + 1, gone) if gone > seq else None
        return Batch(tuple(entry.text for entry in part), max(upto, gone) if missed and not part else upto, missed)

    def beginning(self, since: int | None) -> int:
        """Where a reader begins that has seen everything up to ``since``; without one, now.

        One who has seen more than there was knows another process: it gets all that is kept of this one.
        """
        if since is None:
            return self.last
        return since if since <= self.last else 0


def events_of(journal: JournalName | None) -> Iterable[str]:
    """The events of a part of the journal, or all of them."""
    return EVENTS if journal is None else [event for event, part in EVENTS.items() if part is journal]


def _room(event: str) -> int:
    return KEPT_MEASURED if EVENTS[event] is JournalName.MEASUREMENTS else KEPT


def _encoded(seq: int, event: str, before: RuntimeState, after: RuntimeState, detail: JsonObject, at_ms: int) -> bytes:
    envelope = {"type": "transition", "event": event, "from": str(before), "to": str(after), "ts": at_ms, "detail": detail}
    text = json.dumps(envelope, separators=(",", ":"))
    if len(text) > MAX_DETAIL_BYTES:
        text = json.dumps(envelope | {"detail": {"omitted_bytes": len(text)}}, separators=(",", ":"))
    return f"id: {seq}\ndata: {text}\n\n".encode()
