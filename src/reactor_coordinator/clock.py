"""SteadyClock: epoch seconds that do not jump when somebody sets the machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable


class SteadyClock:
    """The time at its making, and what the monotonic clock has counted since. Called, it gives epoch seconds.

    Leases, queues and tokens of a running coordinator are measured by it: a clock that is set an hour forward ends no session.
    """

    def __init__(self, epoch: float | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset = (time.time() if epoch is None else epoch) - monotonic()

    def __call__(self) -> float:
        return self._offset + self._monotonic()
