"""Restarts: whether a model that has crashed is loaded again, and when. Pure; seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEALTHY_S: Final = 10.0
"""A model that has run for so long since it was loaded begins anew: its crashes are not in a row any more."""

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class LoadAgain:
    """Load the model again in ``wait`` seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It has crashed too often: ``crashes`` in a row."""

    crashes: int


class Restarts:
    """The crashes of one model. ``limit`` of them in a row are one too many; 0 means that it is never loaded again."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._crashes = 0
        self._barren: str | None = None
        self._loaded_at: float | None = None

    def loaded(self, now: float) -> None:
        """The model runs."""
        self._loaded_at = now

    def crashed(self, now: float, barren: str | None = None) -> LoadAgain | GiveUp:
        """The model has crashed, or could not be loaded. It is loaded again at once, the next times after 0.5, 1, 2 ... 30 s.

        ``barren`` is why, where it had not shown a frame yet: the same reason twice in a row is no accident.
        """
        if self._loaded_at is not None and now - self._loaded_at >= HEALTHY_S:
            self._crashes, self._barren = 0, None
        self._loaded_at = None
        self._crashes += 1
        again = barren is not None and barren == self._barren
        self._barren = barren
        if again or self._crashes >= max(1, self._limit):
            return GiveUp(self._crashes)
        return LoadAgain(0.0 if self._crashes == 1 else min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (self._crashes - 2)))
