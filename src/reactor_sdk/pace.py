"""How fast a published track may go. Pure: times are arguments, in seconds."""

from __future__ import annotations

from typing import Final

AHEAD_S: Final = 0.1
"""How far a track may run ahead of its own dates. What a live source gives comes no earlier, and is never held."""
UNDATED_S: Final = 1 / 60
"""Between two pictures that say nothing of when they are to be shown, at least."""
_LEAST_S: Final = 1 / 120
_MOST_S: Final = 1.0
"""Dates that are further apart, or go back, are a new beginning: a file that is played again."""


class Pace:
    """Holds a track to its own dates, and one without dates to a sane rate. One that is slower is never hurried."""

    def __init__(self) -> None:
        self._date: float | None = None
        self._step: float | None = None
        self._due: float | None = None

    def after_picture(self, date: float | None, now: float) -> float:
        """How long to wait before a picture is sent, which its source dates so."""
        before, self._date = self._date, date
        if date is None:
            step = UNDATED_S
        else:
            apart = date - before if before is not None else 0.0
            if 0.0 < apart <= _MOST_S:
                self._step = max(apart, _LEAST_S)
            step = self._step or UNDATED_S
        return self._wait(step, now)

    def after_sound(self, duration: float, now: float) -> float:
        """How long to wait before a stretch of sound is sent."""
        return self._wait(duration, now)

    def _wait(self, step: float, now: float) -> float:
        due = now if self._due is None else max(self._due, now)
        self._due = due + step
        return max(0.0, due - now - AHEAD_S)
