"""Whether the sources of a model have changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

MAX_FILES: Final = 5000
EVERY_S: Final = 0.5

_SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages"})

Stamps: TypeAlias = Mapping[str, tuple[int, int]]
"""When each file was changed (ns), and its size, by its path below the folder."""


def stamps(folder: Path) -> Stamps:
    """The Python files of a folder, but for hidden folders, environments and installed packages; at most 5,000 of them."""
    found: dict[str, tuple[int, int]] = {}
    for parent, folders, files in os.walk(folder):
        kept = [each for each in folders if not each.startswith(".") and each not in _SKIPPED]
        folders[:] = sorted(each for each in kept if not (Path(parent) / each / "pyvenv.cfg").exists())
        for name in sorted(files):
            if name.endswith(".py"):
                path = Path(parent) / name
                try:
                    status = path.stat()
                except OSError:
                    continue  # it has just been removed
                found[str(path.relative_to(folder))] = (status.st_mtime_ns, status.st_size)
                if len(found) >= MAX_FILES:
                    return found
    return found


def changes(before: Stamps, now: Stamps) -> list[str]:
    """The files that are new, gone or other than before."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


async def watch_sources(folder: Path, changed: Callable[[list[str]], Awaitable[None]], every_s: float = EVERY_S) -> None:
    """Calls ``changed`` with the names of changed files, once they have been left alone for a moment. Runs until cancelled."""
    known = await asyncio.to_thread(stamps, folder)
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(stamps, folder)
        names = changes(known, now)
        if not names:
            continue
        while (later := await _after(folder, every_s / 2)) != now:
            now = later
        names, known = changes(known, now), now
        if names:
            await changed(names)


async def _after(folder: Path, seconds: float) -> Stamps:
    await asyncio.sleep(seconds)
    return await asyncio.to_thread(stamps, folder)
