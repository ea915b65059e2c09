"""Outlook: what is known of how fast the queues move, for the waits that clients are told."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from reactor_coordinator.board import Snapshot
from reactor_coordinator.queue import Earlier, Estimate, Place
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store.database import Database

EVERY_S: Final = 10.0
_RECENT_S: Final = 1800.0
_KEPT_S: Final = 300.0
_SAMPLE_S: Final = 30.0
_LEAST_S: Final = 60.0


class Outlook:
    """Estimates by model from the sessions that have ended, and where everybody stood some minutes ago."""

    def __init__(self, database: Database) -> None:
        self.estimates: dict[str, Estimate] = {}
        self._database = database
        self._samples: deque[tuple[float, Mapping[str, Place]]] = deque()

    def earlier(self, now: float) -> Earlier | None:
        """Where everybody stood, up to five minutes ago; None while there is too little to go by."""
        if not self._samples or now - self._samples[0][0] < _LEAST_S:
            return None
        then, places = self._samples[0]
        return Earlier(places, now - then)

    def note(self, snapshot: Snapshot) -> None:
        """Remembers the places of a snapshot now and then."""
        if self._samples and snapshot.now - self._samples[-1][0] < _SAMPLE_S:
            return
        self._samples.append((snapshot.now, snapshot.places))
        while snapshot.now - self._samples[0][0] > _KEPT_S:
            self._samples.popleft()

    async def update(self, snapshot: Snapshot, up_s: float) -> None:
        """Looks up how long sessions have lasted, and how many have ended, in the last half hour."""
        lengths = await self._database.read(session_rows.mean_length, snapshot.now - _RECENT_S)
        serving = Counter(worker.model for worker in snapshot.workers.values())
        window = min(_RECENT_S, max(1.0, up_s))
        self.estimates.clear()
        for model in {*serving, *lengths}:
            mean, ended = lengths.get(model, (None, 0))
            self.estimates[model] = Estimate(serving[model], mean, ended, window)
