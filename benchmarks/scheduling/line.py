"""The fair order kept up to date session by session: what ``fair_order`` says, without sorting the whole queue at every tick.

Every lane (a key within a priority) has its first session in a heap, under the number of sessions of its key that run. An entry
whose number has grown since is put right when it comes up; one whose number has shrunk is entered anew at once. Each step costs
the logarithm of the number of lanes. Everybody in it is present: a client that leaves is taken out.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterator

from reactor_coordinator.queue import Waiting

_Lane = tuple[int, str]
_Entry = tuple[int, int, float, str, str]


class FairLine:
    """The queue of one model, and how many sessions of each key run on it."""

    def __init__(self) -> None:
        self.running: Counter[str] = Counter()
        self._there: dict[str, Waiting] = {}
        self._resumed: list[tuple[float, str]] = []
        self._lanes: dict[_Lane, deque[Waiting]] = {}
        self._lanes_of: dict[str, set[int]] = {}
        self._heap: list[_Entry] = []
        self._entered: dict[_Lane, _Entry] = {}

    def __len__(self) -> int:
        return len(self._there)

    def __iter__(self) -> Iterator[Waiting]:
        """Everybody, in no particular order."""
        return iter(self._there.values())

    def add(self, one: Waiting) -> None:
        """Joins the queue; within a lane nobody joins who was queued before the last one."""
        self._there[one.session_id] = one
        if one.resumed:
            heapq.heappush(self._resumed, (one.queued_at, one.session_id))
            return
        lane = (-one.priority, one.key_id)
        if lane in self._lanes:
            self._lanes[lane].append(one)
        else:
            self._lanes[lane] = deque([one])
            self._lanes_of.setdefault(one.key_id, set()).add(lane[0])
            self._enter(lane)

    def discard(self, session_id: str) -> None:
        """Leaves the queue."""
        self._there.pop(session_id, None)

    def released(self, key_id: str) -> None:
        """A session of this key runs no longer."""
        self.running[key_id] -= 1
        for rank in list(self._lanes_of.get(key_id, ())):
            self._enter((rank, key_id))

    def take(self, count: int) -> list[Waiting]:
        """Takes out the first ``count``, in the fair order, and counts them as running."""
        taken: list[Waiting] = []
        while self._resumed and len(taken) < count:
            one = self._there.pop(heapq.heappop(self._resumed)[1], None)
            if one is not None:
                self.running[one.key_id] += 1
                taken.append(one)
        while self._heap and len(taken) < count:
            one = self._next()
            if one is not None:
                taken.append(one)
        return taken

    def _next(self) -> Waiting | None:
        """Whoever the uppermost entry stands for, if it still stands as it is."""
        entry = heapq.heappop(self._heap)
        lane = (entry[0], entry[4])
        if self._entered.get(lane) is not entry:
            return None
        one = self._there.get(entry[3])
        if one is None or self.running[lane[1]] != entry[1]:
            self._enter(lane)
            return None
        del self._there[entry[3]]
        self.running[lane[1]] += 1
        self._enter(lane)
        return one

    def _enter(self, lane: _Lane) -> None:
        """Enters the lane under its first session, in place of any earlier entry."""
        line = self._lanes[lane]
        while line and line[0].session_id not in self._there:
            line.popleft()
        if not line:
            del self._lanes[lane]
            self._entered.pop(lane, None)
            self._lanes_of[lane[1]].discard(lane[0])
            return
        first = line[0]
        entry = (lane[0], self.running[lane[1]], first.queued_at, first.session_id, lane[1])
        self._entered[lane] = entry
        heapq.heappush(self._heap, entry)
