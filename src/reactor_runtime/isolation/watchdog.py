"""Watchdog: whether a model's loop still turns. Pure; seconds of the monotonic clock."""

from __future__ import annotations

from typing import Final

_OWN_PAUSE: Final = 3.0


class Watchdog:
    """A step or handler that blocks the model's loop for more than ``deadline`` seconds is overdue; 0 or less: never."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.every = max(0.05, min(1.0, deadline / 4))
        self._asked_at: float | None = None
        self._forgiven = 0.0

    def overdue(self, pulse: float, now: float) -> bool:
        """Whether a pulse, the time at which the loop last turned, is too old. Ask every :attr:`every` seconds.

        A watchdog that could not ask for some time, because both processes were stopped, begins anew.
        """
        if self._asked_at is not None and now - self._asked_at > _OWN_PAUSE * self.every:
            self._forgiven = now
        self._asked_at = now
        return 0 < self._deadline < now - max(pulse, self._forgiven) and pulse > 0
