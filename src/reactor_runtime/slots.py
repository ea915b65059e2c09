"""Who publishes which input track: one client at a time, first come first served. Pure."""

from __future__ import annotations

from reactor_protocol.errors import PUBLISH_REFUSED
from reactor_protocol.messages import Refusal


class PublisherSlots:
    """The publisher of each input track."""

    def __init__(self) -> None:
        self._holders: dict[str, int] = {}

    def claim(self, track: str, connection_id: int) -> Refusal | None:
        """Takes a slot, or says why not. The holder may claim it again."""
        holder = self._holders.setdefault(track, connection_id)
        if holder == connection_id:
            return None
        return Refusal(PUBLISH_REFUSED, f"track already published: another client sends {track!r}; ask it to unpublish first")

    def release(self, track: str, connection_id: int) -> None:
        """Gives a slot back, if it is held by that connection."""
        if self._holders.get(track) == connection_id:
            del self._holders[track]

    def holds(self, track: str, connection_id: int) -> bool:
        """Whether that connection is the track's publisher."""
        return self._holders.get(track) == connection_id

    def release_all(self, connection_id: int) -> None:
        """A client has gone."""
        self._holders = {track: holder for track, holder in self._holders.items() if holder != connection_id}
