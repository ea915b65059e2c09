"""How much one client may send: what passes at once, what waits its time, and what is refused. Pure: ``now`` is in seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

T = TypeVar("T")

NOTICE_INTERVAL_S: Final = 1.0
DEAR_PER_S: Final = 20.0
_DEAR_BURST: Final = 40.0
_VERBS_PER_S: Final = 50.0
_VERBS_BURST: Final = 100.0
_PICTURES: Final = 16


@dataclass(frozen=True, slots=True)
class FloodLimits:
    """What one connection may send. Rates are per second, and hold after a burst.

    ``messages`` and ``size`` (bytes) slow a client down: what is above them waits, up to ``waiting`` messages of
    ``waiting_bytes``, and the rest is refused. ``frames`` count raw frames, whatever is in them: a client above that rate sends
    faster than anybody could refuse, and is given up.
    """

    messages: float = 1_000.0
    messages_burst: float = 500.0
    size: float = 8 * 1024 * 1024.0
    size_burst: float = 8 * 1024 * 1024.0
    waiting: int = 1_024
    waiting_bytes: int = 4 * 1024 * 1024
    frames: float = 5_000.0
    frames_burst: float = 20_000.0

    def for_pictures(self) -> FloodLimits:
        """The same for a client whose messages carry whole pictures."""
        factor = _PICTURES
        return replace(
            self,
            size=self.size * factor,
            size_burst=self.size_burst * factor,
            waiting_bytes=self.waiting_bytes * factor,
        )


class Bucket:
    """A rate with a burst. Tokens may go below 0: what is larger than the burst passes once, and is paid for afterwards."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def delay(self, now: float) -> float:
        """In how many seconds something may pass; 0 is at once."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def spend(self, amount: float) -> None:
        """Something of that weight passes."""
        self._tokens -= amount

    def take(self, now: float) -> bool:
        """Whether one more passes at once; if so it is paid for."""
        if self.delay(now) > 0:
            return False
        self.spend(1)
        return True


class Floodgate(Generic[T]):
    """The messages of one client on their way in, each of some size (bytes), in order."""

    def __init__(self, limits: FloodLimits, now: float) -> None:
        self._limits = limits
        self._messages = Bucket(limits.messages, limits.messages_burst, now)
        self._bytes = Bucket(limits.size, limits.size_burst, now)
        self._frames = Bucket(limits.frames, limits.frames_burst, now)
        self._line: deque[tuple[T, int]] = deque()
        self._line_bytes = 0
        self._next = now

    def endures(self, now: float) -> bool:
        """Counts a raw frame. False where there are so many that the client cannot be served any more."""
        return self._frames.take(now)

    def arrive(self, item: T, size: int, now: float) -> bool:
        """Takes a message. False where it is refused; else :meth:`due` gives it, now or later."""
        full = len(self._line) >= self._limits.waiting or self._line_bytes + size > self._limits.waiting_bytes
        # One message alone always has a place, whatever its size: what there is of it is in memory already.
        if full and self._line:
            return False
        self._line.append((item, size))
        self._line_bytes += size
        return True

    def due(self, now: float) -> list[T]:
        """The messages that may pass now."""
        passed: list[T] = []
        while self._line:
            delay = max(self._messages.delay(now), self._bytes.delay(now))
            if delay > 0:
                self._next = now + delay
                break
            item, size = self._line.popleft()
            self._line_bytes -= size
            self._messages.spend(1)
            self._bytes.spend(size)
            passed.append(item)
        return passed

    def next_due(self) -> float | None:
        """When :meth:`due` has to be called next; None where nothing waits."""
        return self._next if self._line else None

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._line)


@dataclass(frozen=True, slots=True)
class FloodNotice:
    """What a client is told: how many of its messages wait, and how many were refused since it was told last."""

    waiting: int
    refused: int


class FloodWatch:
    """Remembers what a client has to be told, and tells it once a second at most."""

    def __init__(self, now: float) -> None:
        self._told_at = now - NOTICE_INTERVAL_S
        self._refused = 0
        self._slowed = False

    def slowed(self) -> None:
        """A message waits."""
        self._slowed = True

    def refused(self) -> None:
        """A message was refused."""
        self._refused += 1

    def next_notice(self) -> float | None:
        """When :meth:`notice` has something to tell; None while there is nothing."""
        return self._told_at + NOTICE_INTERVAL_S if self._slowed or self._refused else None

    def notice(self, waiting: int, now: float) -> FloodNotice | None:
        """What to tell now, if anything."""
        due = self.next_notice()
        if due is None or now < due:
            return None
        notice = FloodNotice(waiting, self._refused)
        self._told_at, self._refused, self._slowed = now, 0, False
        return notice


def dear_requests(now: float) -> Bucket:
    """For requests whose answer is large or takes work, such as the schema document or a clip."""
    return Bucket(DEAR_PER_S, _DEAR_BURST, now)


def track_verbs(now: float) -> Bucket:
    """For what changes tracks: the engine negotiates with itself each time."""
    return Bucket(_VERBS_PER_S, _VERBS_BURST, now)
