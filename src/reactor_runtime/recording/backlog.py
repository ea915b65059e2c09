"""Backlog: what waits for the encoder. It holds nobody back: what does not fit is left out, and counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from reactor_runtime.recording.writer import Cut, Item, Picture, Sound

_MAX_PICTURES: Final = 8
_MAX_PICTURE_BYTES: Final = 96 * 1024 * 1024
_MAX_SOUNDS: Final = 512
_MAX_ITEMS: Final = 1024


class Backlog:
    """First come, first served. Put by one thread, taken by another."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._ready = threading.Condition()
        self._pictures = 0
        self._picture_bytes = 0
        self._sounds = 0

    def put(self, item: Item) -> bool:
        """Takes an item, or says False where there is no room for it."""
        with self._ready:
            if not self._fits(item):
                return False
            self._count(item, 1)
            self._items.append(item)
            self._ready.notify()
            return True

    def get(self) -> Item:
        """The next item; waits for one."""
        with self._ready:
            while not self._items:
                self._ready.wait()
            item = self._items.popleft()
            self._count(item, -1)
            return item

    def _fits(self, item: Item) -> bool:
        match item:
            case Picture(frame):
                # One always fits, however large it is.
                room = self._pictures == 0 or self._picture_bytes + frame.data.nbytes <= _MAX_PICTURE_BYTES
                return room and self._pictures < _MAX_PICTURES
            case Sound():
                return self._sounds < _MAX_SOUNDS
            case Cut():
                return len(self._items) < _MAX_ITEMS
        return True

    def _count(self, item: Item, sign: int) -> None:
        match item:
            case Picture(frame):
                self._pictures += sign
                self._picture_bytes += sign * frame.data.nbytes
            case Sound():
                self._sounds += sign
