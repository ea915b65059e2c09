"""Playlists, and the names of what they list (RFC 8216). Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from reactor_runtime.recording.timeline import Covered, Piece

INIT_NAME: Final = "init.mp4"
PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
INIT_TYPE: Final = "video/mp4"
CHUNK_TYPE: Final = "video/iso.segment"
TAG: Final = "#EXT-X-REACTOR-RECORDING"
"""A tag of our own, which players pass over: whether the recording is complete, how long it is, and what it lacks."""

_CHUNK = re.compile(r"chunk_([0-9]{5,9})(?:_([0-9]{1,6})_([0-9]{1,6}))?\.m4s", re.ASCII)


@dataclass(frozen=True, slots=True)
class ChunkName:
    """A chunk, or the fragments ``first`` to ``last`` of it."""

    chunk: int
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        part = "" if self.first is None else f"_{self.first}_{self.last}"
        return f"chunk_{self.chunk:05d}{part}.m4s"

    @classmethod
    def parse(cls, name: str) -> ChunkName | None:
        """The chunk of a file name, or None for any other name."""
        found = _CHUNK.fullmatch(name)
        if found is None:
            return None
        chunk, first, last = (None if part is None else int(part) for part in found.groups())
        assert chunk is not None
        parsed = cls(chunk, first, last)
        return parsed if str(parsed) == name and (first is None or last is None or first <= last) else None

    @classmethod
    def of(cls, piece: Piece) -> ChunkName:
        """The name by which a piece is fetched."""
        return cls(piece.chunk) if piece.whole else cls(piece.chunk, piece.first, piece.last)


@dataclass(frozen=True, slots=True)
class Condition:
    """The state of a recording: whether it is complete, its end in seconds of media, and how many pictures it lacks."""

    final: bool
    end: float
    dropped: int


def playlist(recording_id: str, covered: Covered, condition: Condition) -> str:
    """The playlist of a part of a recording, complete in itself."""
    longest = max(piece.duration for piece in covered.pieces)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, math.floor(longest + 0.5))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f"{TAG}:FINAL={'YES' if condition.final else 'NO'},DURATION={condition.end:.3f},DROPPED-FRAMES={condition.dropped}",
        f'#EXT-X-MAP:URI="{chunk_path(recording_id, INIT_NAME)}"',
    ]
    for piece in covered.pieces:
        lines.append(f"#EXTINF:{piece.duration:.3f},")
        lines.append(chunk_path(recording_id, str(ChunkName.of(piece))))
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def chunk_path(recording_id: str, name: str) -> str:
    """Where a file of a recording is fetched."""
    return f"/clips/chunks/{recording_id}/{name}"


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a ``Range`` header, or None for all bytes: also where it has several ranges, or makes no sense.

    Raises ValueError for a range that lies outside (RFC 9110, 14.2).
    """
    found = re.fullmatch(r"bytes=([0-9]{0,15})-([0-9]{0,15})", (header or "").strip(), re.ASCII)
    if found is None or not any(found.groups()):
        return None
    low, high = found.groups()
    if not low:
        first, last = max(0, size - int(high)), size - 1
    else:
        first, last = int(low), min(int(high) if high else size - 1, size - 1)
        if high and int(high) < int(low):
            return None
    if first > last or first >= size:
        raise ValueError(f"bytes */{size}")
    return first, last
