"""How fast a caller may be: a token bucket for each key (the generic cell rate algorithm). Pure; times in seconds."""

from __future__ import annotations

import math
from collections import OrderedDict


class RateLimiter:
    """Allows each key ``burst`` requests at once and ``rate_per_s`` after that, in any interval: burst + rate * t at most.

    A key costs one number, and is forgotten when it has its whole burst again. There are never more than ``capacity`` of them:
    where more are active at once, the one that was allowed something longest ago gets its whole burst back early. ``now`` may be
    any steady clock.
    """

    def __init__(self, rate_per_s: float, burst: int, capacity: int = 100_000) -> None:
        if rate_per_s <= 0 or burst < 1 or capacity < 1:
            raise ValueError("a rate limiter needs a rate above 0, and a burst and a capacity of at least 1")
        self._period = 1.0 / rate_per_s
        self._slack = (burst - 1) * self._period
        self._capacity = capacity
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """How many keys it remembers."""
        return len(self._whole_at)

    def check(self, key: str, now: float) -> float:
        """Counts a request of ``key``. 0.0: it is allowed. Else the seconds after which one would be; it does not count then."""
        whole_at = max(now, self._whole_at.get(key, now))
        wait = whole_at - self._slack - now
        # Whoever waited as long as told must not be sent away for a rounding error of the clock.
        if wait > 4 * math.ulp(now):
            return wait
        self._whole_at[key] = whole_at + self._period
        self._whole_at.move_to_end(key)
        self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Drops keys from the one allowed longest ago on, while they are whole again or too many."""
        while self._whole_at:
            key, whole_at = next(iter(self._whole_at.items()))
            if whole_at > now and len(self._whole_at) <= self._capacity:
                return
            del self._whole_at[key]
