"""What workers write: one file each, with a bound, in a folder with a bound."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Final

MAX_BYTES: Final = 4 * 1024 * 1024
KEPT_FILES: Final = 64
_TAIL_BYTES: Final = 64 * 1024


class WorkerLog:
    """The log of one worker. It is cut when it has grown above its bound; its last part then stays beside it."""

    def __init__(self, folder: Path, worker_id: str, max_bytes: int = MAX_BYTES) -> None:
        self._file = folder / f"{worker_id}.log"
        self._before = folder / f"{worker_id}.log.old"
        self._max_bytes = max_bytes

    def writer(self) -> BinaryIO:
        """A new, empty log. It is written at its end, wherever that is: after a cut the process goes on from the beginning."""
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "wb", buffering=0)

    def trim(self) -> None:
        """Cuts it if it has grown too large. What is written in this very moment may be lost."""
        try:
            if self._file.stat().st_size <= self._max_bytes:
                return
        except FileNotFoundError:
            return
        self._before.write_bytes(_end_of(self._file, self._max_bytes // 2))
        os.truncate(self._file, 0)

    def tail(self, lines: int) -> str:
        """Its last lines."""
        end = b"".join(_end_of(file, _TAIL_BYTES) for file in (self._before, self._file))
        return "\n".join(end.decode(errors="replace").splitlines()[-lines:]) if lines > 0 else ""


def prune(folder: Path, living: Collection[str], keep: int = KEPT_FILES) -> None:
    """Removes the logs of workers that are gone, but for the latest ``keep`` files."""
    files = [file for file in folder.glob("*.log*") if file.name.partition(".")[0] not in living]
    for file in sorted(files, key=_changed_at, reverse=True)[keep:]:
        file.unlink(missing_ok=True)


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _end_of(file: Path, size: int) -> bytes:
    try:
        with file.open("rb") as reader:
            reader.seek(max(0, os.fstat(reader.fileno()).st_size - size))
            return reader.read(size)
    except FileNotFoundError:
        return b""
