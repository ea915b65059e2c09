"""The events of a day: arrivals, departures, deaths of workers; and a decision at every tick at which something has changed.

The decisions are those of ``reactor_coordinator.scheduler.decide``. At each tick it is shown the heads of the queues alone, as
many as there are free workers; every ten minutes it is shown everything, and has to come to the same heads.
"""

import heapq
import math
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from benchmarks.scheduling.line import FairLine
from benchmarks.scheduling.tally import NEVER, Look, Tally, empty_tally
from benchmarks.scheduling.world import DAY_S, FOREVER, World
from reactor_coordinator.queue import Earlier, Estimate, Place, Waiting
from reactor_coordinator.scheduler import Board, decide

LOOK_S = 600.0
EARLIER_S = 300.0
WINDOW_S = 300.0
_LEARNING = 0.01


class Kind(IntEnum):
    RELEASED = 0
    DIED = 1
    LOADED = 2
    LEFT = 3


_Event = tuple[float, Kind, int, str]


@dataclass
class Site:
    """One model: its queue, its free workers (the last one became free last) and how fast it has moved lately."""

    name: str
    workers: int
    idle: list[str]
    line: FairLine = field(default_factory=FairLine)
    releases: "deque[float]" = field(default_factory=deque)
    session_s: float | None = None

    def learn(self, now: float, lasted: float) -> None:
        """A session of this length has ended."""
        self.releases.append(now)
        self.session_s = lasted if self.session_s is None else self.session_s + _LEARNING * (lasted - self.session_s)

    def estimate(self, now: float) -> Estimate:
        while self.releases and self.releases[0] < now - WINDOW_S:
            self.releases.popleft()
        return Estimate(self.workers, self.session_s, len(self.releases), min(now, WINDOW_S))


class Day:
    """A world on its way through the day. ``fair`` false: first come, first served within a priority, whatever the key."""

    def __init__(self, world: World, *, fair: bool = True) -> None:
        self.world = world
        self.fair = fair
        self.tally: Tally = empty_tally(world.scale.sessions, world.scale.models)
        self.sites = [
            Site(f"m{model}", count, [f"m{model}-{number}" for number in range(count)])
            for model, count in enumerate(world.workers)
        ]
        self._earlier: tuple[float, dict[str, Place]] | None = None
        self._events: list[_Event] = []
        self._lost_at: dict[int, float] = {}
        self._left_s = world.lasts[:]
        self._chance = random.Random(world.scale.seed)

    def run(self) -> Tally:
        """The whole day."""
        look_at = LOOK_S
        expected: dict[str, str] = {}
        for now, new in self._ticks():
            touched = self._happen(now)
            for number in new:
                touched.add(self.world.model[number])
                self._join(number, self.world.arrives[number])
            self.tally.decisions.append(0.0)
            if self._earlier is None and now >= look_at - EARLIER_S:
                self._earlier = now, decide(self._board()).places
            looking = now >= look_at
            if looking:
                look_at += LOOK_S
                expected = self._look(now)
            for model in sorted(touched):
                self._place(model, now, expected if looking else None)
            self._expect_to_leave(new)
            self.tally.most_waiting = max(self.tally.most_waiting, sum(len(site.line) for site in self.sites))
        return self.tally

    def _ticks(self) -> Iterator[tuple[float, range]]:
        """The end of each tick in which something happens, with the sessions that arrive in it."""
        tick_s, arrives, first = self.world.scale.tick_s, self.world.arrives, 0
        while True:
            at = arrives[first] if first < len(arrives) else FOREVER
            if self._events:
                at = min(at, self._events[0][0])
            now = math.ceil(at / tick_s) * tick_s if at < DAY_S else FOREVER
            if now > DAY_S:
                return
            last = first
            while last < len(arrives) and arrives[last] <= now:
                last += 1
            yield now, range(first, last)
            first = last

    def _happen(self, now: float) -> set[int]:
        """Everything that was due; the models that have another free worker for it."""
        touched: set[int] = set()
        while self._events and self._events[0][0] <= now:
            at, kind, number, worker = heapq.heappop(self._events)
            if kind is Kind.LEFT:
                if self.tally.waited[number] == NEVER:
                    self.tally.left += 1
                    self.sites[self.world.model[number]].line.discard(_id(number))
            elif kind is Kind.LOADED:
                self.sites[number].idle.append(worker)
                touched.add(number)
            else:
                touched.add(self._end(at, kind, number, worker))
        return touched

    def _end(self, at: float, kind: Kind, number: int, worker: str) -> int:
        """A session no longer holds its worker, because either has come to its end."""
        model = self.world.model[number]
        site = self.sites[model]
        site.line.released(self._key(number))
        if kind is Kind.RELEASED:
            site.idle.append(worker)
            site.learn(at, self.world.lasts[number])
        else:
            self.tally.died += 1
            self._lost_at[number] = at
            self._join(number, at, resumed=True)
            heapq.heappush(self._events, (at + self.world.habits.load_s, Kind.LOADED, model, worker))
        return model

    def _join(self, number: int, at: float, *, resumed: bool = False) -> None:
        key = self.world.key[number]
        one = Waiting(_id(number), self._key(number), self.world.priority[key], at, resumed)
        self.sites[self.world.model[number]].line.add(one)

    def _place(self, model: int, now: float, expected: dict[str, str] | None) -> None:
        """Free workers go to the heads of the queue, by a decision of the scheduler; as ``expected``, where that is known."""
        site = self.sites[model]
        count = min(len(site.idle), len(site.line))
        if not count:
            return
        with self.tally.deciding():
            heads = site.line.take(count)
        running = {each.key_id: site.line.running[each.key_id] for each in heads}
        for each in heads:
            running[each.key_id] -= 1
        board = Board({site.name: heads}, {site.name: running}, {site.name: site.idle[: -count - 1 : -1]})
        with self.tally.deciding():
            decision = decide(board)
        if len(decision.placements) != count:
            raise AssertionError(f"{count} workers are free, and {len(decision.placements)} sessions were placed")
        if expected is not None and any(expected.get(each.session_id) != each.worker_id for each in decision.placements):
            raise AssertionError(f"at {now:.0f} s the heads of {site.name} are not those of the whole queue")
        del site.idle[-count:]
        for placement in decision.placements:
            self._start(int(placement.session_id), placement.worker_id, now)
        if expected is not None:
            self._note_lead(site, heads)

    def _start(self, number: int, worker: str, now: float) -> None:
        """The session runs until it ends or its worker dies, whichever comes first."""
        tally, lasts = self.tally, self._left_s[number]
        if tally.waited[number] == NEVER:
            tally.waited[number] = now - self.world.arrives[number]
        else:
            tally.resumed.append(now - self._lost_at[number])
        lives = self._chance.expovariate(1.0 / self.world.habits.worker_life_s)
        ends = min(lasts, lives)
        self._left_s[number] = lasts - ends
        tally.busy_s[self.world.model[number]] += max(0.0, min(ends, DAY_S - now))
        heapq.heappush(self._events, (now + ends, Kind.RELEASED if lasts <= lives else Kind.DIED, number, worker))

    def _expect_to_leave(self, new: range) -> None:
        """Those who were not served at once leave when their patience is over."""
        for number in new:
            if self.tally.waited[number] == NEVER and self.world.leaves[number] < FOREVER:
                at = self.world.arrives[number] + self.world.leaves[number]
                heapq.heappush(self._events, (at, Kind.LEFT, number, ""))

    def _look(self, now: float) -> dict[str, str]:
        """The decision over everything, as a coordinator with a snapshot makes it: the worker of each session placed."""
        board = self._board()
        estimates = {site.name: site.estimate(now) for site in self.sites}
        earlier = None if self._earlier is None else Earlier(self._earlier[1], now - self._earlier[0])
        self._earlier = None
        started = time.perf_counter()
        decision = decide(board, estimates, earlier)
        seconds = time.perf_counter() - started
        promised = {
            int(session): place.estimated_wait_s
            for session, place in decision.places.items()
            if place.estimated_wait_s is not None
        }
        busy = sum(site.workers - len(site.idle) for site in self.sites)
        self.tally.looks.append(Look(now, len(decision.places) + len(decision.placements), busy, seconds, promised))
        return {each.session_id: each.worker_id for each in decision.placements}

    def _board(self) -> Board:
        """The whole snapshot."""
        return Board(
            {site.name: list(site.line) for site in self.sites},
            {site.name: site.line.running for site in self.sites},
            {site.name: site.idle[::-1] for site in self.sites},
        )

    def _note_lead(self, site: Site, heads: list[Waiting]) -> None:
        """By how many running sessions a key that was served is ahead of one of its priority that waits."""
        least: dict[int, int] = {}
        for each in site.line:
            if not each.resumed:
                running = site.line.running[each.key_id]
                least[each.priority] = min(running, least.get(each.priority, running))
        for each in heads:
            if not each.resumed and each.priority in least:
                lead = site.line.running[each.key_id] - least[each.priority]
                self.tally.longest_lead = max(self.tally.longest_lead, lead)

    def _key(self, number: int) -> str:
        return f"k{self.world.key[number]}" if self.fair else ""


def _id(number: int) -> str:
    """The id of a session; as text it sorts like the number."""
    return f"{number:08d}"
