"""CPU time, memory, threads and descriptors of a process and all that it started, from /proc (Linux)."""

import os
from pathlib import Path

PROC = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """User and system time of the process tree under `pid`, all threads, in seconds."""
    ticks = 0
    for member in tree(pid):
        stat = _stat_fields(member)
        if stat:
            ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Resident memory of the process tree under `pid`, in MiB; pages that several processes share are counted once (Pss)."""
    return sum(_resident_kib(member) for member in tree(pid)) / 1024


def threads(pid: int) -> int:
    """Threads of the process tree under `pid`."""
    return sum(int(stat[17]) for member in tree(pid) if (stat := _stat_fields(member)))


def descriptors(pid: int) -> int:
    """Open file descriptors of the process tree under `pid`."""
    return sum(_count(PROC / str(member) / "fd") for member in tree(pid))


def children(pid: int) -> list[int]:
    """The living children of `pid` itself, oldest first."""
    found = [member for member in tree(pid) if (stat := _stat_fields(member)) and int(stat[1]) == pid and stat[0] != "Z"]
    return sorted(found, key=lambda member: int((_stat_fields(member) or ["0"] * 20)[19]))


def tree(pid: int) -> list[int]:
    """`pid` and its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            stat = _stat_fields(int(entry.name))
            if stat:
                children.setdefault(int(stat[1]), []).append(int(entry.name))
    found = [pid]
    for member in found:
        found.extend(children.get(member, []))
    return found


def _count(folder: Path) -> int:
    try:
        return sum(1 for _ in folder.iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command's name: state, parent, ...; None when the process is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in brackets and may itself hold spaces and brackets.
    return text.rpartition(")")[2].split()


def _resident_kib(pid: int) -> int:
    try:
        told = (PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:")), 0)
