"""What is noted while the day goes by."""

import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

NEVER = -1.0


@dataclass
class Look:
    """One decision over the whole snapshot: how many waited, how many workers were busy or dead, and how many seconds it took.

    ``promised`` is what was said at ``now`` of the remaining wait, in seconds, by number of the session.
    """

    now: float
    waiting: int
    busy: int
    seconds: float
    promised: dict[int, float]


@dataclass
class Tally:
    """Times in seconds. ``waited`` has one entry a session, :data:`NEVER` for those who were not served."""

    waited: "array[float]"
    left: int = 0
    died: int = 0
    busy_s: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)
    longest_lead: int = 0
    most_waiting: int = 0
    looks: list[Look] = field(default_factory=list)

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Adds what happens inside to the decisions of the tick at hand."""
        started = time.perf_counter()
        yield
        self.decisions[-1] += time.perf_counter() - started


def empty_tally(sessions: int, models: int) -> Tally:
    """Nobody has been served yet."""
    return Tally(waited=array("d", [NEVER]) * sessions, busy_s=[0.0] * models)
