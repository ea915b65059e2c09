"""Board: what this coordinator saw last of the whole house, and who is watching which session."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from reactor_coordinator.queue import Place
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.views import describe
from reactor_protocol.lifecycles import SESSION_QUEUED, SessionState

POSITION_PAUSE_S: Final = 1.0
"""A watcher is told of a new position at most this often; of a new state at once."""
KEEP_ALIVE_S: Final = 10.0
AT_ONCE: Final = 100
"""So many sessions' watchers are told of their positions at one look."""
_LONGEST_ROUND_S: Final = 0.2
_KEEP_ALIVE: Final = b": keep-alive\n\n"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The house at one moment: every open session, every worker that is alive, and everybody's place in the queues."""

    now: float = 0.0
    sessions: Mapping[str, SessionRecord] = field(default_factory=dict)
    workers: Mapping[str, WorkerRecord] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)


class _Standing(NamedTuple):
    """What a watcher has been told, as far as another event would be news."""

    state: tuple[SessionState, str | None, float | None, bool]
    place: tuple[int, int] | None


class Watch:
    """One client that waits for news of a session, until it is placed or, if ``whole``, over.

    The newest news replaces what it has not fetched yet.
    """

    def __init__(self, session_id: str, *, whole: bool = False) -> None:
        self.session_id = session_id
        self.whole = whole
        self.told: _Standing | None = None
        self.told_at = 0.0
        self.over = False
        self._news = asyncio.Event()
        self._text = b""

    def tell(self, text: bytes) -> None:
        """Something to send."""
        self._text = text
        self._news.set()

    def end(self) -> None:
        """Nothing more will come, or nobody is there to read it."""
        self.over = True
        self._news.set()

    async def next(self) -> bytes | None:
        """What to send next; None when it is over and all has been sent."""
        await self._news.wait()
        self._news.clear()
        text, self._text = self._text, b""
        if text:
            if self.over:
                self._news.set()
            return text
        return None if self.over else b""


class Board:
    """Newest snapshot, and the watchers whom it is shown to."""

    def __init__(self, cluster: str) -> None:
        self.snapshot = Snapshot()
        self._cluster = cluster
        self._watches: dict[str, set[Watch]] = {}
        self._heard: set[str] = set()
        self._shown = asyncio.Event()
        self._went_at = 0.0
        self.returned = False
        """Whether somebody has come back who was taken for gone."""

    # ------------------------------------------------------------------------------------------------------ watching

    def watch(self, session_id: str, *, whole: bool = False) -> Watch:
        """A new watcher of a session, until it is placed or, if ``whole``, over."""
        watch = Watch(session_id, whole=whole)
        self._watches.setdefault(session_id, set()).add(watch)
        self.heard(session_id)
        return watch

    def watchers(self, session_id: str) -> int:
        """How many watch a session."""
        return len(self._watches.get(session_id, ()))

    def unwatch(self, watch: Watch) -> None:
        """A watcher has gone."""
        watches = self._watches.get(watch.session_id)
        if watches is not None:
            watches.discard(watch)
            if not watches:
                del self._watches[watch.session_id]

    @property
    def watched(self) -> Iterable[str]:
        """The sessions that somebody watches."""
        return self._watches.keys()

    def heard(self, session_id: str) -> None:
        """A client has asked about its session: it is there."""
        self._heard.add(session_id)
        session = self.snapshot.sessions.get(session_id)
        self.returned = self.returned or (session is not None and session.state is SessionState.SUSPENDED)

    def present(self) -> set[str]:
        """The sessions whose clients were there since the last call."""
        heard, self._heard, self.returned = self._heard, set(), False
        return heard | self._watches.keys()

    # ------------------------------------------------------------------------------------------------------- showing

    def show(self, snapshot: Snapshot) -> list[str]:
        """Takes a new snapshot and tells the watchers what is new. Returns watched sessions that are not in it: they are over.

        States are told at once, and the positions of :data:`AT_ONCE` sessions; :meth:`go_round` tells the others.
        """
        before, self.snapshot = self.snapshot, snapshot
        shown, self._shown = self._shown, asyncio.Event()
        shown.set()
        left, gone = AT_ONCE, []
        for session_id, watches in self._watches.items():
            session = snapshot.sessions.get(session_id)
            if session is None:
                gone.append(session_id)
                continue
            changed = session.worker_id is not None or session is not before.sessions.get(session_id)
            if left > 0:
                left -= self._tell(session, watches, snapshot.now, POSITION_PAUSE_S)
            elif changed:
                self._tell(session, watches, snapshot.now, math.inf)
        return gone

    @property
    def crowded(self) -> bool:
        """Whether there are more watchers than are told at one look."""
        return len(self._watches) > AT_ONCE

    def go_round(self, now: float) -> None:
        """Tells some watchers of their new positions, as many as are due since the last call: each once in a while.

        Thousands at one moment would hold up everything else.
        """
        since, self._went_at = min(_LONGEST_ROUND_S, max(0.0, now - self._went_at)), now
        count = math.ceil(len(self._watches) * since / POSITION_PAUSE_S) if POSITION_PAUSE_S > 0 else len(self._watches)
        for session_id in list(itertools.islice(self._watches, count)):
            watches = self._watches[session_id] = self._watches.pop(session_id)
            session = self.snapshot.sessions.get(session_id)
            if session is not None:
                self._tell(session, watches, now, POSITION_PAUSE_S / 2)

    async def shown(self) -> None:
        """Returns when the next snapshot is there."""
        await self._shown.wait()

    def greet(self, watch: Watch, session: SessionRecord, worker: WorkerRecord | None) -> bytes:
        """The first event of a stream: the session as it has just been read."""
        known, place = self.around(session)
        watch.told, watch.told_at = _standing(session, worker or known, place), self.snapshot.now
        return event_text(describe(session, worker or known, place, self._cluster))

    def tell(self, session: SessionRecord) -> None:
        """Tells the watchers of one session how it stands now."""
        self._tell(session, self._watches.get(session.id, set()), self.snapshot.now, POSITION_PAUSE_S)

    def _tell(self, session: SessionRecord, watches: set[Watch], now: float, pause_s: float) -> bool:
        """Tells the watchers of a session what is new to them; of another place only after a pause. Returns whether any."""
        worker, place = self.around(session)
        standing = _standing(session, worker, place)
        leaving = place is None and session.state in SESSION_QUEUED
        text, any_told = b"", False
        for watch in list(watches):
            if watch.told == standing:
                if now - watch.told_at >= KEEP_ALIVE_S:
                    watch.told_at = now
                    watch.tell(_KEEP_ALIVE)
                continue
            early = watch.told is not None and watch.told.place is not None and now - watch.told_at < pause_s
            if watch.told is not None and (leaving or (watch.told.state == standing.state and early)):
                # One that is being given a worker has no place any more: the next look tells of that, not of a place lost.
                continue
            any_told = True
            text = text or event_text(describe(session, worker, place, self._cluster))
            watch.told, watch.told_at = standing, now
            watch.tell(text)
            if is_final(session, worker, whole=watch.whole):
                watch.end()
        return any_told

    def around(self, session: SessionRecord) -> tuple[WorkerRecord | None, Place | None]:
        """A session's worker, and its place in the queue, as far as they are known."""
        worker = self.snapshot.workers.get(session.worker_id) if session.worker_id is not None else None
        place = self.snapshot.places.get(session.id) if session.state in SESSION_QUEUED else None
        return worker, place

    def waiting_by_model(self) -> dict[str, int]:
        """How long each model's queue is."""
        waiting: dict[str, int] = {}
        for session in self.snapshot.sessions.values():
            if session.state in SESSION_QUEUED:
                waiting[session.model] = waiting.get(session.model, 0) + 1
        return waiting

    def body(self, session: SessionRecord, worker: WorkerRecord | None = None) -> dict[str, Any]:
        """A session as a client sees it; ``worker`` is its worker, where that has just been read."""
        known, place = self.around(session)
        return describe(session, worker or known, place, self._cluster)


def _standing(session: SessionRecord, worker: WorkerRecord | None, place: Place | None) -> _Standing:
    described = worker is not None and worker.capabilities is not None
    state = (session.state, session.worker_id, session.expires_at, described)
    return _Standing(state, None if place is None else (place.position, place.waiting))


def is_final(session: SessionRecord, worker: WorkerRecord | None, *, whole: bool = False) -> bool:
    """Whether somebody who waits for a session needs to know no more; with ``whole``, whether it is over."""
    if session.state is SessionState.CLOSED or whole:
        return session.state is SessionState.CLOSED
    return session.state is SessionState.ACTIVE and worker is not None and worker.capabilities is not None


def event_text(body: Mapping[str, Any]) -> bytes:
    """One event of a stream (the WHATWG's server-sent events)."""
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"
