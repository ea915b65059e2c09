"""When a client that acts once for each frame it sees is about to act. Pure: time is an argument, in seconds.

Such a client (a Gymnasium environment) sends a command, waits for the first frame that shows it, thinks, and sends the next.
Where thinking and the way there and back take nearly a frame's time, the next frame is begun a moment too early, and the command
is shown a whole frame late: half the rate. So the model waits that moment.
"""

from __future__ import annotations

from collections import deque
from typing import Final

PATIENCE: Final = 1.5
"""For how many periods after a frame its answer is waited for. A client that takes longer is not waited for at all."""
_REMEMBERED: Final = 8


class ActionWait:
    """The frames that were made, and the frame that the client waits for."""

    def __init__(self) -> None:
        self._made: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)
        self._awaited: int | None = None
        self._delay: float | None = None

    def made(self, number: int, at: float) -> None:
        """A frame has left."""
        self._made.append((number, at))

    def acted(self, arrived: float, frame: int) -> None:
        """A command arrived that ``frame`` is the first to show: the client had seen the one that it waited for before."""
        seen = next((at for number, at in self._made if self._awaited is not None and number >= self._awaited), None)
        self._delay = None if seen is None else arrived - seen
        self._awaited = frame

    def until(self, period: float) -> float | None:
        """Until when the next frame waits for an action; None where none is due soon."""
        if self._awaited is None or self._delay is None or not self._made or self._delay > PATIENCE * period:
            return None
        newest, at = self._made[-1]
        # What the client waits for is still to be made, or it has been shown long ago and not answered.
        return at + PATIENCE * period if newest == self._awaited else None

    def clear(self) -> None:
        """Another session: nothing is known of its clients."""
        self._made.clear()
        self._awaited = self._delay = None
