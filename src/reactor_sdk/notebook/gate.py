"""When the next picture may go to a page. Pure."""

from __future__ import annotations


class FrameGate:
    """Lets a picture through when the page has drawn the one before, and at most ``fps`` times a second.

    ``now`` is in seconds of any steady clock. A page that is not there, hidden, or slow holds the pictures back; none queue.
    """

    def __init__(self, fps: float) -> None:
        self._period = 1.0 / fps
        self._next = float("-inf")
        self._number = 0
        self._ready = False

    def opened(self) -> None:
        """A page has begun: nothing is on its way to it."""
        self._ready = True

    def drawn(self, number: int) -> None:
        """The page has drawn the picture of that number; what it says of others does not count."""
        self._ready = self._ready or number == self._number

    def sent(self, now: float) -> int:
        """A picture leaves now; the number to send with it."""
        self._number += 1
        self._ready = False
        # A picture that leaves a little late does not make the next one late too.
        steady = self._next + self._period
        self._next = steady if steady > now else now + self._period
        return self._number

    def wait(self, now: float) -> float | None:
        """Seconds until the next picture may leave; None while the page has not drawn the last."""
        return max(0.0, self._next - now) if self._ready else None
