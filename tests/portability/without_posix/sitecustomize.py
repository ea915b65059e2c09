"""Loaded by a child's interpreter before anything else: what Windows has not, is gone."""

import os
import signal
import sys
from asyncio import unix_events

ABSENT = {
    os: (
        "fork",
        "forkpty",
        "killpg",
        "getpgid",
        "setsid",
        "setpriority",
        "getuid",
        "geteuid",
        "memfd_create",
        "getloadavg",
    ),
    signal: ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGALRM", "SIGCHLD", "setitimer", "pthread_kill"),
}
"""SIGKILL stays: the standard library of this system ends its own children with it."""

for module, names in ABSENT.items():
    for name in names:
        delattr(module, name)
for name in ("fcntl", "resource", "termios", "pwd", "grp", "pty"):
    sys.modules[name] = None  # type: ignore[assignment]


def _no_signals(*_: object) -> None:
    raise NotImplementedError


unix_events._UnixSelectorEventLoop.add_signal_handler = _no_signals  # type: ignore[method-assign,assignment]
