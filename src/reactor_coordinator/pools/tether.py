"""Runs a program that dies with the process which has started it: ``python tether.py PARENT_PID PROGRAM ARGUMENT...``.

For a worker whose actor is killed: Ray then gives its GPU to somebody else. The tie is Linux's, and holds the program alone, not
what that has started; elsewhere the program runs without. Only the standard library is used: it is run by path.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, program, *arguments = sys.argv[1:]
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # A parent that died before the call above sends no signal any more.
        if os.getppid() != int(parent):
            raise SystemExit("the actor of this worker has gone before it began")
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main()
