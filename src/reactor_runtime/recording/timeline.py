"""What a recording holds, and what of it answers a request. Pure: media time is in seconds from the start of the session.

A recording is a row of *fragments*, each of which begins with a picture that can be decoded by itself and lasts for a second at
most. Fragments are grouped into *chunks* of ``chunk_seconds``, one file each; a clip that begins or ends inside a chunk takes the
fragments of it that it needs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, TypeAlias

FRAGMENT_S: Final = 1.0
"""How exactly a clip can be cut at its beginning."""

_SLACK_S: Final = 0.002
"""Markers travel with three decimals."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One stretch of a recording: ``size`` bytes from ``offset`` of the file of ``chunk``, the ``index``-th in it.

    ``start`` and ``end`` are in seconds of media.
    """

    chunk: int
    index: int
    offset: int
    size: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Piece:
    """Fragments of one chunk in a row, ``first`` to ``last``; ``whole`` where that is all of a chunk that is complete."""

    chunk: int
    first: int
    last: int
    offset: int
    size: int
    duration: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Covered:
    """A request can be answered: these pieces, from ``start`` to ``end`` in seconds of media."""

    pieces: tuple[Piece, ...]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Pending:
    """Not yet: the recording goes on, and will come to it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is nothing, and there never will be; ``reason`` says why."""

    reason: str


Coverage: TypeAlias = Covered | Pending | Gone


@dataclass(slots=True)
class Timeline:
    """The fragments of one recording that are on disk, in order. ``final`` is set when no more follow."""

    fragments: deque[Fragment] = field(default_factory=deque)
    size: int = 0
    final: bool = False

    @property
    def start(self) -> float:
        """Where the oldest fragment that is kept begins."""
        return self.fragments[0].start if self.fragments else 0.0

    @property
    def end(self) -> float:
        """Where the newest fragment ends."""
        return self.fragments[-1].end if self.fragments else 0.0

    def add(self, fragment: Fragment) -> int | None:
        """Takes the next fragment; the number of the chunk that it completes, if any."""
        before = self.fragments[-1].chunk if self.fragments else fragment.chunk
        self.fragments.append(fragment)
        self.size += fragment.size
        return before if before != fragment.chunk else None

    def trim(self, limit: int) -> list[int]:
        """Drops the oldest chunks until at most ``limit`` bytes are left, but for the newest one; the chunks to delete."""
        dropped: list[int] = []
        while self.size > limit and self.fragments[0].chunk != self.fragments[-1].chunk:
            oldest = self.fragments[0].chunk
            while self.fragments[0].chunk == oldest:
                self.size -= self.fragments.popleft().size
            dropped.append(oldest)
        return dropped

    def cover(self, start: float, end: float) -> Coverage:
        """What answers a request for ``start`` to ``end``: from the fragment that holds the one to that which holds the other."""
        if not self.fragments:
            return Gone("nothing was recorded") if self.final else Pending()
        if self.final and start >= self.end - _SLACK_S:
            return Gone(f"the recording ends at {self.end:.3f} s")
        if end <= self.start:
            return Gone(f"the recording is kept from {self.start:.3f} s on")
        if end > self.end + _SLACK_S and not self.final:
            return Pending()
        row = list(self.fragments)
        first = max(0, bisect_right(row, start + _SLACK_S, key=_start) - 1)
        last = bisect_right(row, end - _SLACK_S, key=_start)
        taken = row[first : max(last, first + 1)]
        return Covered(tuple(self._pieces(taken)), taken[0].start, taken[-1].end)

    def piece(self, chunk: int, first: int | None = None, last: int | None = None) -> Piece | None:
        """Fragments of a chunk, or all of one that is complete; None where they are not there."""
        row = [fragment for fragment in self.fragments if fragment.chunk == chunk]
        if first is not None and last is not None:
            row = [fragment for fragment in row if first <= fragment.index <= last]
            if len(row) != last - first + 1:
                return None
        elif not row or not self._is_complete(chunk):
            return None
        return next(self._pieces(row), None)

    def _pieces(self, row: list[Fragment]) -> Iterator[Piece]:
        for chunk, members in groupby(row, key=_chunk):
            part = list(members)
            yield Piece(
                chunk=chunk,
                first=part[0].index,
                last=part[-1].index,
                offset=part[0].offset,
                size=sum(fragment.size for fragment in part),
                duration=part[-1].end - part[0].start,
                whole=self._is_whole(part),
            )

    def _is_whole(self, part: list[Fragment]) -> bool:
        """Whether these are all fragments of a chunk that gets no more. Chunks are dropped as a whole: one begins at index 0."""
        if part[0].index != 0 or not self._is_complete(part[0].chunk):
            return False
        after = bisect_right(self.fragments, part[-1].start, key=_start)
        return after == len(self.fragments) or self.fragments[after].chunk != part[0].chunk

    def _is_complete(self, chunk: int) -> bool:
        return self.final or self.fragments[-1].chunk != chunk


def _start(fragment: Fragment) -> float:
    return fragment.start


def _chunk(fragment: Fragment) -> int:
    return fragment.chunk
