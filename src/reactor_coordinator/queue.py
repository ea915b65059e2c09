"""Who is next, and where everybody stands: the queue of one model, as an order over a snapshot. Pure; times are epoch seconds.

The order: sessions that have lost their worker first; then by priority; within a priority the next worker goes to the key that
has the fewest sessions running and already ahead; within a key first come, first served.

A client that went away (``present`` false) keeps its place but is given no worker, and the sessions of its key that are present
do not wait behind it: their turns are counted without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from reactor_coordinator.records import SessionRecord
from reactor_protocol.lifecycles import SessionState
from reactor_protocol.resources import QueuePlace

_PRIOR = 5.0
"""So many moves that were seen weigh as much as what is to be expected without them."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session in the queue of its model. A higher ``priority`` is served first.

    ``queued_at`` is when it last came to the queue. ``resumed``: it had a worker and lost it. ``present`` is false while its
    client is not heard of.
    """

    session_id: str
    key_id: str
    priority: int
    queued_at: float
    resumed: bool = False
    present: bool = True


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known about how fast a model's queue moves.

    ``workers`` serve the model now; ``session_s`` is the mean length of its recent sessions, in seconds; ``releases`` workers
    became free within the last ``window_s`` seconds.
    """

    workers: int = 0
    session_s: float | None = None
    releases: int = 0
    window_s: float = 0.0

    @property
    def rate(self) -> float | None:
        """Workers that become free per second; None when nothing is known.

        With few releases seen, what the workers and the length of their sessions say weighs more; with many, what was seen.
        """
        seen, over = float(self.releases), max(0.0, self.window_s)
        if self.session_s is not None and self.session_s > 0 and self.workers > 0:
            seen, over = seen + _PRIOR, over + _PRIOR * self.session_s / self.workers
        return seen / over if seen > 0 and over > 0 else None

    def wait_s(self, position: int) -> float | None:
        """Seconds until the session at ``position`` (from 1) is served; None when nothing is known."""
        rate = self.rate
        return None if rate is None else position / rate


UNKNOWN = Estimate()


class Place(NamedTuple):
    """Where a session stands: ``position`` from 1 among ``waiting``. A light :class:`QueuePlace`: there is one for everybody."""

    position: int
    waiting: int
    estimated_wait_s: float | None = None

    def body(self) -> QueuePlace:
        """The same as it goes to a client: the wait in tenths of a second, absent when unknown."""
        if self.estimated_wait_s is None:
            return QueuePlace(position=self.position, waiting=self.waiting)
        return QueuePlace(position=self.position, waiting=self.waiting, estimated_wait_s=round(self.estimated_wait_s, 1))


@dataclass(frozen=True, slots=True)
class Earlier:
    """Where everybody stood ``seconds`` ago: five minutes make good estimates, one minute fair ones."""

    places: Mapping[str, Place]
    seconds: float


def waiting_of(session: SessionRecord) -> Waiting:
    """A session of the queue (WAITING, SUSPENDED or INACTIVE) as the order sees it.

    One that was ACTIVE before counts as resumed in every one of these states.
    """
    return Waiting(
        session_id=session.id,
        key_id=session.key_id,
        priority=session.priority,
        queued_at=session.queued_at,
        resumed=session.state is SessionState.INACTIVE or session.active_at is not None,
        present=session.state is not SessionState.SUSPENDED,
    )


def fair_order(waiting: Iterable[Waiting], running: Mapping[str, int]) -> list[Waiting]:
    """The queue of one model, next one first. ``running`` counts the sessions that hold a worker, by key.

    The result does not depend on the order of ``waiting``. Session ids are unique.
    """
    resumed: list[Waiting] = []
    bands: defaultdict[int, list[Waiting]] = defaultdict(list)
    for each in waiting:
        (resumed if each.resumed else bands[each.priority]).append(each)
    resumed.sort(key=_ARRIVAL)
    turns = _Turns(running)
    turns.shares(resumed)
    order = resumed
    for priority in sorted(bands, reverse=True):
        band = bands[priority]
        band.sort(key=_ARRIVAL)
        shares = turns.shares(band)
        # The sort is stable, and the band is in order of arrival already: that settles ties.
        order += [band[number] for number in sorted(range(len(band)), key=shares.__getitem__)]
    return order


def places(order: Sequence[Waiting], estimate: Estimate = UNKNOWN, earlier: Earlier | None = None) -> dict[str, Place]:
    """Where everybody in ``order`` stands, by session id. Those who are away count as waiting and keep their position.

    The wait is the position over the speed with which it falls: the rate of the ``estimate`` at first, and more and more what the
    session has seen itself since ``earlier``. One whose key has many running is overtaken, and moves more slowly than the queue.
    """
    rate, total = estimate.rate, len(order)
    if earlier is not None:
        before, over = earlier.places, earlier.seconds
        return {
            each.session_id: _moving(number, total, rate, before.get(each.session_id), over)
            for number, each in enumerate(order, 1)
        }
    if rate is None:
        return {each.session_id: Place(number, total) for number, each in enumerate(order, 1)}
    return {each.session_id: Place(number, total, number / rate) for number, each in enumerate(order, 1)}


def _moving(position: int, waiting: int, rate: float | None, before: Place | None, over: float) -> Place:
    """The place of a session that stood at ``before`` so many seconds ago, if it stood anywhere."""
    moved = 0 if before is None else max(0, before.position - position)
    if rate is None:
        return Place(position, waiting, position * over / moved if moved else None)
    if before is None:
        return Place(position, waiting, position / rate)
    return Place(position, waiting, position * (over + _PRIOR / rate) / (moved + _PRIOR))


_ARRIVAL = attrgetter("queued_at", "session_id")


class _Turns:
    """How many sessions of each key run or are ahead, while an order is being made."""

    def __init__(self, running: Mapping[str, int]) -> None:
        self._served = defaultdict(int, running)
        self._all = defaultdict(int, running)

    def shares(self, line: Iterable[Waiting]) -> list[int]:
        """For each session of ``line``, in order of arrival, how many of its key come before it."""
        served, everybody, shares = self._served, self._all, []
        for each in line:
            key = each.key_id
            if each.present:
                shares.append(served[key])
                served[key] += 1
            else:
                shares.append(everybody[key])
            everybody[key] += 1
        return shares
