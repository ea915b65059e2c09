"""When each frame leaves, and when the model may go on. Pure: time is an argument, in seconds.

A frame that is made alone leaves at once and is never queued; the model is held back by time, so that it makes the next frame
just before it is due. A batch is played out evenly after the one before it, and the model goes on early enough to have the next
batch ready when this one ends; after the first, whose work nobody has seen, at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

_REMEMBERED = 9
_EARLY_S = 0.002

_AT_RATE = 0.98
"""Share of a period from which a model counts as being at its rate by itself. A model that follows a camera of the same nominal
rate must not be held back for the drift between two clocks: its latency would creep up to a whole period."""


@dataclass(frozen=True, slots=True)
class Made:
    """How a chunk came about: ``generate`` seconds of the model's work, ``convert`` seconds of conversion, handed over at ``at``.

    ``at`` is of the system's steady clock, which all processes of a machine share.
    """

    generate: float
    convert: float
    at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """When a chunk leaves: its first frame at ``start``, the others every ``period``; the model goes on at ``resume``.

    ``made`` is for whoever measures; None for what no model made.
    """

    start: float
    period: float
    resume: float
    made: Made | None = None


class Pacer:
    """The timetable of one model's output."""

    def __init__(self) -> None:
        self._due: float | None = None
        self._playing_until = 0.0
        self._resumed: float | None = None
        self._work: deque[float] = deque(maxlen=_REMEMBERED)

    def plan(self, frames: int, fps: float, now: float) -> Plan:
        """The plan for a chunk of ``frames`` at ``fps`` that is ready ``now``.

        A frame that is late by less than a period keeps the timetable, so that the rate is kept on average; one that is later
        starts it anew, and so does a batch, so that nothing is ever sent in a burst to catch up.
        """
        period = 1.0 / fps
        if self._resumed is not None:
            self._work.append(max(0.0, now - self._resumed))
        work = median(self._work) if self._work else 0.0
        start = max(now, self._playing_until)
        # The first frame is not held: only so does it show what paces the model. Holding one that is at its rate by itself would
        # make its work look shorter each time, until it is held in earnest.
        free = not self._work or (frames == 1 and work >= _AT_RATE * period)
        anew = self._due is None or frames > 1 or abs(start - self._due) > period or free
        due = start if anew or self._due is None else self._due
        self._due = due + frames * period
        self._playing_until = start + frames * period if frames > 1 else 0.0
        return Plan(start=start, period=period, resume=now if free else max(now, self._due - work))

    def resumed(self, now: float) -> None:
        """The model goes on: what passes until the next :meth:`plan` is the time that it needs for its work."""
        self._resumed = now

    def worked(self, now: float) -> float:
        """For how long the model has been at work on what is ready ``now``; 0 where nobody saw it begin."""
        return max(0.0, now - self._resumed) if self._resumed is not None else 0.0

    def is_early(self, now: float) -> bool:
        """Whether a frame that is ready ``now`` comes well before its time."""
        return self._due is not None and now < self._due - _EARLY_S

    def reset(self) -> None:
        """Forgets the timetable: the next chunk leaves at once."""
        self._due = None
        self._playing_until = 0.0
        self._resumed = None
