"""Which processes there are."""

import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 60.0


def wait_until(seen: Callable[[], object]) -> None:
    """Looks again until it is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not seen():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for has ended all the same."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
