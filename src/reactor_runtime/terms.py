"""What one connection is held to."""

from __future__ import annotations

from dataclasses import dataclass, field

from reactor_protocol.channel import ChannelTimes
from reactor_protocol.names import MAX_CHUNKED_BYTES, MAX_STEPPED_BYTES
from reactor_runtime.floods import FloodLimits


@dataclass(frozen=True, slots=True)
class Terms:
    """What a connection is held to. ``grace`` is for how many seconds a client may be out of reach (reference: runtime, 11.1).

    In a ``stepped`` session its messages carry whole pictures.
    """

    times: ChannelTimes = field(default_factory=ChannelTimes)
    floods: FloodLimits = field(default_factory=FloodLimits)
    grace: float = 10.0
    stepped: bool = False

    @property
    def max_message_bytes(self) -> int:
        """Limit of a message in fragments."""
        return MAX_STEPPED_BYTES if self.stepped else MAX_CHUNKED_BYTES

    @property
    def limits(self) -> FloodLimits:
        """How much may be sent."""
        return self.floods.for_pictures() if self.stepped else self.floods
