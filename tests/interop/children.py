"""Processes that the suite starts: each has a deadline, a log, and an end."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Self

STOP_SECONDS = 10.0


class Child:
    """One process with a group of its own, so that stopping it also stops what it started."""

    def __init__(
        self,
        argv: Sequence[object],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        seconds: float,
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = log.name
        self._ends_by = ends_by
        self._out, self._err = log.with_suffix(".out"), log.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [str(word) for word in argv],
                cwd=cwd,
                env=_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._deadline = Timer(seconds, self._signal, [signal.SIGKILL])
        self._deadline.daemon = True
        self._deadline.start()

    def wait(self) -> int:
        """Waits for the process to end by itself, which the deadline makes sure of."""
        return self._process.wait()

    def outlives(self, seconds: float) -> bool:
        """Waits a moment: whether the process is still there after it."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def output(self) -> str:
        return self._out.read_text(errors="replace")

    def log(self, lines: int = 60) -> str:
        written = [*self.output().splitlines(), *self._err.read_text(errors="replace").splitlines()]
        return "\n".join(written[-lines:])

    def stop(self) -> None:
        self._deadline.cancel()
        self._signal(self._ends_by)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Leaves out what would lead a process of another virtual environment back into this one."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}
