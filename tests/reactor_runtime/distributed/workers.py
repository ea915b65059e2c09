"""Workers that the processes of ranks import."""

import ctypes
import os
import signal
import subprocess
import sys
from typing import Any

import numpy as np

from reactor_runtime.distributed import DistributedWorker


class Doubler(DistributedWorker):
    """Doubles what it is given, adds what it was loaded with, and counts its steps."""

    def load(self, *, offset: int = 0, fail_on: int | None = None, die_on: int | None = None) -> None:
        self.offset, self.steps = offset, 0
        if fail_on == self.rank:
            raise ValueError(f"no weights for rank {self.rank}")
        if die_on == self.rank:
            os._exit(7)

    def generate(self, input: Any, /) -> Any:
        self.steps += 1
        return {"doubled": input * 2 + self.offset, "steps": self.steps, "leader": self.is_leader}

    def reset(self) -> None:
        self.steps = 0


class Surroundings(DistributedWorker):
    """Tells what its process is like."""

    def load(self) -> None:
        names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
        self.seen = {name: os.environ.get(name) for name in names}

    def generate(self, input: Any, /) -> Any:
        return {**self.seen, "rank": self.rank, "world_size": self.world_size, "device": self.device, "pid": os.getpid()}

    def reset(self) -> None:
        """Nothing is kept."""


class Obedient:
    """Does what it is told; no DistributedWorker, which nobody asks for."""

    rank: int

    def load(self, pids: str = "") -> None:
        if pids:
            with open(os.path.join(pids, f"{self.rank}.pid"), "w") as file:
                file.write(str(os.getpid()))

    def generate(self, input: Any, /) -> Any:
        what, *ranks = input
        if self.rank in ranks:
            return self._do(what)
        return "fine"

    def _do(self, what: str) -> Any:
        match what:
            case "raise":
                raise ValueError(f"rank {self.rank} does not want to")
            case "raise its own":
                raise (KeyError if self.rank else ValueError)(f"rank {self.rank}")
            case "raise what does not pickle":
                raise Unportable("from", "a worker")
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(3)
            case "hang in native code":
                # With the interpreter's lock held: no Python code of this process runs any more.
                ctypes.PyDLL(None).sleep(3600)
            case "start a process":
                return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]).pid
            case "give frames":
                return np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
        raise AssertionError(what)

    def reset(self) -> None:
        """Nothing is kept."""


class Unportable(Exception):
    """Its arguments are more than its message."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


class WithoutReset:
    def load(self) -> None: ...

    def generate(self, input: Any, /) -> Any: ...
