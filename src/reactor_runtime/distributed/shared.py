"""Objects on their way between processes: pickled, with the bytes of their arrays in shared memory.

Protocol 5 of pickle hands out the buffers of contiguous arrays. They are copied once into a shared file and once out of it; what
travels over the line is where they are. The file has no name: nothing is left behind, however the processes end.
"""

from __future__ import annotations

import mmap
import os
import pickle
from multiprocessing import reduction
from typing import Any, Final, TypeAlias

from reactor_runtime.distributed.errors import SharedSlotAllocationFailed
from reactor_runtime.isolation.arena import shared_file

Place: TypeAlias = tuple[tuple[int, int], ...]
"""Offset and length of the pickle, then of each of its buffers."""

_SMALLEST: Final = 1 << 20
_ALIGNMENT: Final = 64


class SharedFile:
    """Memory that one process writes and others read. It grows, and is passed to a process that is being started."""

    def __init__(self, descriptor: int | None = None) -> None:
        self.descriptor = shared_file(0) if descriptor is None else descriptor
        self._memory: mmap.mmap | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _passed_on, (reduction.DupFd(self.descriptor),)

    @property
    def size(self) -> int:
        """Bytes that this process has mapped."""
        return len(self._memory) if self._memory is not None else 0

    def write(self, value: Any) -> Place:
        """Writes a value over the last one. Raises :class:`SharedSlotAllocationFailed`, and what pickle raises."""
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        parts = [memoryview(body), *(buffer.raw() for buffer in buffers)]
        place, end = [], 0
        for part in parts:
            place.append((end, part.nbytes))
            end += -(-part.nbytes // _ALIGNMENT) * _ALIGNMENT
        memory = self._with_room(end)
        for (offset, length), part in zip(place, parts, strict=True):
            memory[offset : offset + length] = part
        return tuple(place)

    def read(self, place: Place) -> Any:
        """The value that was written; its arrays are this process's own, and may be written to."""
        memory = self._mapped(max(offset + length for offset, length in place))
        body, *buffers = (bytearray(memory[offset : offset + length]) for offset, length in place)
        return pickle.loads(body, buffers=buffers)

    def close(self) -> None:
        """Lets go; the memory is free when every process has."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _with_room(self, needed: int) -> mmap.mmap:
        if needed > self.size:
            _grow(self.descriptor, max(needed, 2 * self.size, _SMALLEST))
        return self._mapped(needed)

    def _mapped(self, needed: int) -> mmap.mmap:
        if self._memory is None or needed > len(self._memory):
            if self._memory is not None:
                self._memory.close()
            self._memory = mmap.mmap(self.descriptor, os.fstat(self.descriptor).st_size)
        return self._memory


def _grow(descriptor: int, size: int) -> None:
    """Has the memory there before it is written to: a page that cannot be had would end the process."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.ftruncate(descriptor, size)
    except OSError as error:
        raise SharedSlotAllocationFailed(
            f"{size / 2**20:.1f} MiB of shared memory between a model and its ranks cannot be had: {error.strerror}; "
            "give the machine or the container more memory, or send less at a time"
        ) from error


def _passed_on(descriptor: Any) -> SharedFile:
    return SharedFile(descriptor.detach())
