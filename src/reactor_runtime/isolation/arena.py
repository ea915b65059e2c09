"""Memory that two processes share: one of them lends parts of it, the other looks at them and gives them back.

It has no name, and the system takes it back when both have ended, however they end.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reactor_runtime.isolation.space import Space

ARENA_BYTES: Final = 4 << 30
"""Addresses, not memory: only what is written to takes any."""

_HEADER: Final = 4096
_PULSE: Final = struct.Struct("=d")
_GRAIN: Final = 4096
_TRIM_BYTES: Final = 64 << 20


def shared_file(size: int = ARENA_BYTES) -> int:
    """A file without a name, as a descriptor that children may inherit by number."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("openreactor")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class Arena:
    """The memory of a shared file. Its first word is a pulse: a time in seconds that one side sets and the other reads."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self.memory = mmap.mmap(descriptor, self.size)

    @property
    def pulse(self) -> float:
        """The time that was set last; 0.0 where none was."""
        return float(_PULSE.unpack_from(self.memory)[0])

    @pulse.setter
    def pulse(self, now: float) -> None:
        _PULSE.pack_into(self.memory, 0, now)

    def part(self, offset: int, length: int) -> NDArray[np.uint8]:
        """A part of the memory. Raises ValueError for one that is not in it."""
        if not (offset >= _HEADER and length >= 0 and offset + length <= self.size):
            raise ValueError(f"{length} bytes at {offset} are not in the shared memory")
        return np.frombuffer(self.memory, np.uint8, length, offset)


class Lender:
    """Gives parts of an arena to the other side. May be used from any thread."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._space = Space(arena.size, _HEADER)
        self._lock = threading.Lock()
        self._touched = _HEADER

    @property
    def in_use(self) -> int:
        """Bytes that have not come back."""
        return self._space.in_use

    def lend(self, data: NDArray[np.uint8]) -> int | None:
        """Copies bytes to where the other side can see them. Returns the offset, or None where there is no room."""
        with self._lock:
            offset = self._space.take(-(-data.size // _GRAIN) * _GRAIN)
            if offset is None:
                return None
            self._touched = max(self._touched, self._space.top)
        self._arena.part(offset, data.size)[:] = data
        return offset

    def take_back(self, offsets: Iterable[int]) -> None:
        """The other side needs them no more."""
        with self._lock:
            for offset in offsets:
                self._space.give_back(offset)
            top = self._space.top
            if self._touched - top > _TRIM_BYTES and hasattr(mmap, "MADV_REMOVE"):
                # One long batch must not keep its memory for ever.
                self._arena.memory.madvise(mmap.MADV_REMOVE, top, self._touched - top)
                self._touched = top


class Borrower:
    """Looks at what the other side has lent. ``give_back`` is told an offset, on any thread, once nobody looks at it any more."""

    def __init__(self, arena: Arena, give_back: Callable[[int], None]) -> None:
        self._arena = arena
        self._give_back = give_back

    def look(self, offset: int, length: int) -> NDArray[np.uint8]:
        """The bytes, shape (length,). They stay as they are while the array, or a view of it, is kept."""
        part = self._arena.part(offset, length)
        loan = weakref.finalize(part, self._give_back, offset)
        loan.atexit = False
        return part
