"""The machine that the figures come from."""

import fcntl
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from benchmarks.environment import ROOT

PACKAGES = ("openreactor", "wrtc", "aiortc", "numpy", "av")


def facts() -> dict[str, object]:
    """Processor, memory in GiB, system, Python, versions of what carries the frames, and the commit."""
    return {
        "processor": _first_value(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(_kib(_first_value(Path("/proc/meminfo"), "MemTotal")) / 1024 / 1024, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
        "commit": _commit(),
    }


def busy_cores(seconds: float = 1.0) -> float:
    """How many cores are at work on average for a while: before the benchmark starts, that is somebody else's work."""
    busy, elapsed = _busy_seconds(), time.monotonic()
    time.sleep(seconds)
    return (_busy_seconds() - busy) / (time.monotonic() - elapsed)


@contextmanager
def one_at_a_time(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds a lock in `folder`: two benchmarks at once measure each other. `waiting` is called if there is a wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _busy_seconds() -> float:
    """CPU seconds of the whole machine since it started, without idling and waiting for disks."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def _first_value(file: Path, key: str) -> str | None:
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)


def _kib(text: str | None) -> int:
    return int(text.split()[0]) if text else 0


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Short name of the commit, with ``+`` behind it when files differ from it; None outside a repository."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
