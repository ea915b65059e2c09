"""MediaClock: where on the timeline of a recording each picture and sound belongs. Pure; times are in seconds of media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_PERIOD_S: Final = 5.0
"""A picture of a model that is slower than that is not shown for longer: it would be dead air."""
_MAX_PICTURE_LEAD_S: Final = 0.08
_MAX_SOUND_LEAD_S: Final = 1.0
"""By how much one kind may be ahead before the other is moved up to it. Some models hand over a sentence with one picture."""
_MAX_FPS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the media of one bundle belong. ``picture`` is None where there is none, or one too many to be recorded."""

    picture: float | None = None
    sound: float | None = None


class MediaClock:
    """Counts the time that the model has made, which is not that of the wall: where it stalls, nothing is recorded.

    A picture lasts for one period of the model's frame rate, a sound for as long as its samples say. A model that makes both
    at once has them at the same time, however fast it is.
    """

    def __init__(self) -> None:
        self._picture_end = 0.0
        self._sound_end = 0.0
        self._next_picture = 0.0

    @property
    def now(self) -> float:
        """The end of what was placed."""
        return max(self._picture_end, self._sound_end)

    def place(self, period: float | None, sound_s: float | None) -> Placed:
        """Places a bundle: a picture that lasts for ``period``, a sound that lasts for ``sound_s``, or both."""
        picture = sound = None
        start = self._picture_end
        if self._sound_end - start > _MAX_SOUND_LEAD_S:
            start = self._sound_end
        # What comes together stays together, unless the lengths have come to differ by too much.
        start_sound = start if start - self._sound_end > _MAX_PICTURE_LEAD_S else self._sound_end
        if period is not None:
            picture = self._admit(start)
            self._picture_end = start + min(period, MAX_PERIOD_S)
        if sound_s is not None:
            sound = start_sound
            self._sound_end = start_sound + sound_s
        return Placed(picture, sound)

    def _admit(self, start: float) -> float | None:
        """A model that is faster than a recording needs has some of its pictures left out."""
        if start < self._next_picture - 0.2 / _MAX_FPS:
            return None
        self._next_picture = max(self._next_picture, start - 0.5 / _MAX_FPS) + 1.0 / _MAX_FPS
        return start
