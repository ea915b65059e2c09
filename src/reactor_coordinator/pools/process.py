"""WorkerProcess: one process on this machine and all that it has started, told from others by more than its number."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Self

from reactor_coordinator.pools.port import PoolError

_LOOK_S: Final = 0.02
_KILL_S: Final = 10.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this one has started: only a parent learns how they ended, whichever object watches them by then."""


def birth_of(pid: int) -> str | None:
    """When a living process began, in a form to compare: a number that was given away again has another birth. None: no such.

    Linux counts from the boot of the machine, so the boot is part of it. On Windows only processes that this one has started
    are known.
    """
    if not hasattr(os, "killpg"):
        child = _children.get(pid)
        return f"child {pid}" if child is not None and child.poll() is None else None
    if not sys.platform.startswith("linux"):
        return _birth_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may hold anything.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"


@functools.cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _birth_by_ps(pid: int) -> str | None:
    listing = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, began = listing.stdout.strip().partition(" ")
    return began.strip() if began and not state.startswith("Z") else None


class WorkerProcess:
    """A process in a session of its own: it outlives its parent, and no signal of a terminal reaches it."""

    def __init__(self, pid: int, birth: str | None) -> None:
        self.pid = pid
        self.birth = birth
        self._ended: str | None = None

    @classmethod
    def start(cls, argv: Sequence[str], folder: Path, env: Mapping[str, str], log: BinaryIO) -> Self:
        """Starts it; all that it writes goes to ``log``. Raises :class:`OSError`."""
        child = subprocess.Popen(
            argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        _children[child.pid] = child
        return cls(child.pid, birth_of(child.pid))

    @classmethod
    def found(cls, pid: int, birth: str | None) -> Self | None:
        """The process that was started as ``pid`` at that time, if it still runs."""
        return cls(pid, birth) if birth is not None and birth_of(pid) == birth else None

    def ended(self) -> str | None:
        """None while it runs, then how it ended. With its end, what it has started is killed."""
        if self._ended is None:
            self._ended = self._look()
            if self._ended is not None:
                self._kill_group()
        return self._ended

    def _look(self) -> str | None:
        child = _children.get(self.pid)
        if child is None:
            return None if self._is_there() else "ended; only the coordinator that started it could know how"
        status = child.poll()
        if status is None:
            return None
        del _children[self.pid]
        return _in_words(status)

    def _is_there(self) -> bool:
        # Windows has no signal 0: any number given to os.kill ends the process.
        if sys.platform.startswith("linux") or not hasattr(os, "killpg"):
            return birth_of(self.pid) == self.birth
        # This is asked several times a second, and to run ps for it would cost more than the worker.
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    async def stop(self, grace_s: float) -> None:
        """Asks it to end, and kills it with all that it has started where it does not within ``grace_s`` seconds.

        Raises :class:`PoolError` if even that does not end it.
        """
        if self.ended() is not None:
            return
        if birth_of(self.pid) == self.birth:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        if await self._ends_within(grace_s):
            return
        self.kill()
        if not await self._ends_within(_KILL_S):
            raise PoolError(f"process {self.pid} does not end although it was killed: its machine or a driver hangs")

    def kill(self) -> None:
        """Kills it, if it still runs, with all that it has started."""
        if self.ended() is None and birth_of(self.pid) == self.birth:
            _kill_group_of(self.pid)

    async def wait(self) -> str:
        """Waits for its end, and says how it ended."""
        await self._ends_within(math.inf)
        return self.ended() or ""

    async def _ends_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.ended() is None:
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    def _kill_group(self) -> None:
        # The number of a group is not given away while the group has members; somebody else's process would have a birth.
        if birth_of(self.pid) is None:
            _kill_group_of(self.pid)


def _kill_group_of(pid: int) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    elif (child := _children.get(pid)) is not None:
        # Windows has no groups of processes in this sense: what the worker has started ends by itself, or not.
        child.kill()


def _in_words(status: int) -> str:
    if status >= 0:
        return f"exited with status {status}"
    name = next((number.name for number in signal.Signals if number == -status), f"signal {-status}")
    return f"was killed by {name}"
