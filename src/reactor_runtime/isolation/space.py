"""Space: which parts of a stretch of memory are free. Pure."""

from __future__ import annotations

from bisect import bisect_left


class Space:
    """First fit, so that what is touched stays low. Sizes and offsets are in bytes."""

    def __init__(self, size: int, begin: int = 0) -> None:
        self._starts = [begin]
        self._ends = [size]
        self._used: dict[int, int] = {}
        self._begin = begin
        self.in_use = 0

    @property
    def top(self) -> int:
        """Where what is used ends."""
        return max(self._used.values(), default=self._begin)

    def take(self, length: int) -> int | None:
        """The offset of a free part of that length, or None where there is none."""
        for index, (start, end) in enumerate(zip(self._starts, self._ends, strict=True)):
            if end - start >= length:
                if end - start == length:
                    del self._starts[index], self._ends[index]
                else:
                    self._starts[index] = start + length
                self._used[start] = start + length
                self.in_use += length
                return start
        return None

    def give_back(self, offset: int) -> None:
        """Frees a part that was taken. Raises KeyError for any other offset."""
        end = self._used.pop(offset)
        self.in_use -= end - offset
        index = bisect_left(self._starts, offset)
        if index < len(self._starts) and self._starts[index] == end:
            end = self._ends[index]
            del self._starts[index], self._ends[index]
        if index > 0 and self._ends[index - 1] == offset:
            self._ends[index - 1] = end
        else:
            self._starts.insert(index, offset)
            self._ends.insert(index, end)
