"""Who may have a place among the connections of a runtime, and who has to give one up. Pure: ``now`` is in seconds."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from reactor_protocol.errors import RateLimitedError, ServerError
from reactor_protocol.names import FIRST_CONNECTION_ID, LAST_CONNECTION_ID
from reactor_protocol.resources import Candidate
from reactor_runtime.floods import Bucket

MAX_CANDIDATES: Final = 256
"""Of one offer, those that come before it included (reference: runtime, 4.1)."""
IDS_PER_CONNECTION: Final = 4
UNUSED_S: Final = 10.0
"""For how long an id that nobody uses, or an offer that nobody follows up, keeps its place when others want it."""

_OFFERS_PER_S: Final = 20.0
_RETRY_S: Final = 5.0
_DRAWS: Final = 100


class Places:
    """Ids that are registered, offers that are not followed up, and candidates that wait for their offer."""

    def __init__(self, limit: int, now: float) -> None:
        self._limit = limit
        self._registered: dict[int, float] = {}
        self._offered: dict[int, float] = {}
        self._early: dict[int, list[Candidate]] = {}
        self._counts: dict[int, int] = {}
        self._offers = Bucket(_OFFERS_PER_S, 2.0 * limit, now)

    def __contains__(self, connection_id: int) -> bool:
        return connection_id in self._registered

    def register(self, taken: Callable[[int], bool], now: float) -> int:
        """A new id. Raises :class:`ServerError` (503, with ``retry_after``) when too many are registered.

        An offer needs no registered id, so that those which nobody uses can be forgotten.
        """
        if len(self._registered) >= IDS_PER_CONNECTION * self._limit:
            self._forget_unused(taken, now)
        if len(self._registered) < IDS_PER_CONNECTION * self._limit:
            for _ in range(_DRAWS):
                number = FIRST_CONNECTION_ID + secrets.randbelow(LAST_CONNECTION_ID - FIRST_CONNECTION_ID + 1)
                if number not in self._registered and not taken(number):
                    self._registered[number] = now
                    return number
        raise ServerError("too many connections are registered", status=503, retry_after=_RETRY_S)

    def _forget_unused(self, taken: Callable[[int], bool], now: float) -> None:
        for number, since in list(self._registered.items()):
            if now - since >= UNUSED_S and not taken(number):
                self.forget(number)

    def check_pace(self, now: float) -> None:
        """Counts an offer. Raises :class:`RateLimitedError` where they come faster than 20 a second, after a burst."""
        if not self._offers.take(now):
            raise RateLimitedError(f"this runtime takes {_OFFERS_PER_S:g} offers a second", retry_after=1)

    def make_room(self, present: Mapping[int, bool], now: float) -> int | None:
        """Who gives way for one connection more: None where there is room.

        ``present`` are the connections, and whether each is open. The oldest offer that nobody has followed up gives way. Raises
        :class:`ServerError` (503, with ``retry_after``) where there is none.
        """
        if len(present) < self._limit:
            return None
        idle = [(self._offered.get(number, now), number) for number, is_open in present.items() if not is_open]
        since, number = min(idle, default=(now, 0))
        if now - since < UNUSED_S:
            raise ServerError(f"this runtime takes at most {self._limit} connections", status=503, retry_after=_RETRY_S)
        return number

    def offered(self, connection_id: int, now: float) -> None:
        """An offer is being taken: candidates are counted anew, but for those that have come before it."""
        self._offered[connection_id] = now
        self._counts[connection_id] = len(self._early.get(connection_id, ()))

    def answered(self, connection_id: int, now: float) -> None:
        """The offer has an answer: its id is known."""
        self._registered.setdefault(connection_id, now)

    def count(self, connection_id: int, candidates: list[Candidate]) -> None:
        """Counts candidates. Raises :class:`RateLimitedError` at too many."""
        count = self._counts.get(connection_id, 0) + len(candidates)
        if count > MAX_CANDIDATES:
            raise RateLimitedError(f"a connection takes at most {MAX_CANDIDATES} candidates")
        self._counts[connection_id] = count

    def keep(self, connection_id: int, candidates: list[Candidate]) -> None:
        """Keeps candidates, which :meth:`count` has counted, for the offer that is to come."""
        self._early.setdefault(connection_id, []).extend(candidates)

    def kept(self, connection_id: int) -> list[Candidate]:
        """The candidates that came before the offer; they are kept no longer."""
        return self._early.pop(connection_id, [])

    def forget(self, connection_id: int) -> None:
        """The connection is gone."""
        for table in (self._registered, self._offered, self._early, self._counts):
            table.pop(connection_id, None)

    def clear(self) -> None:
        """All connections are gone."""
        for table in (self._registered, self._offered, self._early, self._counts):
            table.clear()
