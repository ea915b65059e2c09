"""aiortc's ``MediaPlayer(..., loop=True)``, kept from filling the memory.

Its thread reads a file one second ahead of the clock, and from the second pass on as fast as it can: it compares dates that begin
anew with the time since the first pass began. Whoever plays it at its own rate leaves it a queue that grows without end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from typing import Any, Final

from aiortc.mediastreams import MediaStreamTrack

logger = logging.getLogger(__name__)

AHEAD_FRAMES: Final = {"video": 32, "audio": 64}
"""How many frames may wait to be played: about a second, as in the first pass."""
_LOOK_S: Final = 0.1
_UNREAD_LOOKS: Final = 20


class BoundedQueue(asyncio.Queue[Any]):
    """The queue of a player's track, whose ``put`` is called on the player's thread: it holds the thread back.

    Of a track that nobody reads the newest frames are kept, so that it does not hold its sibling up.
    """

    def __init__(self, track: MediaStreamTrack) -> None:
        super().__init__()
        self._track = track
        self._room = threading.Semaphore(AHEAD_FRAMES[track.kind])
        self._unread = True

    def _get(self) -> Any:
        self._room.release()
        self._unread = False
        return super()._get()

    def put(self, item: Any) -> Coroutine[Any, Any, None]:
        """What puts the item in, to be run on the loop. Returns when there is room for it."""
        for _ in range(_UNREAD_LOOKS):
            if self._room.acquire(blocking=not self._unread, timeout=None if self._unread else _LOOK_S):
                return super().put(item)
            if self._unread or self._track.readyState != "live":
                break
        self._unread = True
        return self._replace(item)

    async def _replace(self, item: Any) -> None:
        if not self.empty():
            self.get_nowait()
            self._unread = True
        if self._room.acquire(blocking=False):
            self.put_nowait(item)


def hold_back(track: MediaStreamTrack) -> None:
    """Bounds what a looping player of aiortc reads ahead for ``track``; does nothing to any other track."""
    player = getattr(track, "_player", None)
    if player is None or not getattr(player, "_loop_playback", False):
        return
    if getattr(player, "_MediaPlayer__thread", None) is not None:
        return  # somebody reads it already, and waits at the queue that is there
    for each in (player.audio, player.video):
        if each is not None and type(getattr(each, "_queue", None)) is asyncio.Queue:
            each._queue = BoundedQueue(each)
