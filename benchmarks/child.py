"""Child processes that always end: each has a deadline, a log, and a stop that asks first and then insists."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

GRACE_S = 8.0
"""Seconds between SIGTERM and SIGKILL."""


class LegFailed(Exception):
    """A leg could not be measured; the text says why."""


@dataclass(frozen=True)
class Command:
    """What to start, and how long it may live."""

    name: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    deadline_s: float


class Child:
    """One running process, leader of a group of its own. Leaving the ``with`` block ends the whole group."""

    def __init__(self, command: Command, log: Path) -> None:
        self.name = command.name
        self.log = log
        self._deadline_s = command.deadline_s
        self._overran = False
        log.parent.mkdir(parents=True, exist_ok=True)
        self._process = _started(command, log)
        self._alarm = threading.Timer(command.deadline_s, self._expire)
        self._alarm.daemon = True
        self._alarm.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        """Wait for the end, at most until the deadline; the exit status. Raises LegFailed past the deadline."""
        status = self._process.wait()
        if self._overran:
            raise LegFailed(f"{self.name} passed its deadline of {self._deadline_s:.0f} s")
        return status

    def stop(self) -> None:
        """SIGTERM to the process, SIGKILL to what is left of its group."""
        self._alarm.cancel()
        if self.running:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def last_words(self) -> str:
        """The last line of the log that says something."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "its log is empty"

    def _expire(self) -> None:
        self._overran = True
        self.stop()


def _started(command: Command, log: Path) -> subprocess.Popen[bytes]:
    try:
        with log.open("wb") as output:
            return subprocess.Popen(
                list(command.argv),
                cwd=command.cwd,
                env=dict(command.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise LegFailed(f"{command.name} does not start: {error}") from error


def run_to_end(command: Command, log: Path) -> None:
    """Run one command; raises LegFailed when it does not end well or in time."""
    with Child(command, log) as child:
        status = child.wait()
        if status != 0:
            raise LegFailed(f"{command.name} ended with status {status}: {child.last_words()} (log: {log})")


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
