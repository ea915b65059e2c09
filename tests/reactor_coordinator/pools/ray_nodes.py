"""A Ray cluster of two nodes on this machine, each a group of processes that can be killed as a machine would go down."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

from reactor_testing.pool_conformance import UNTOLD, lives

START_LIMIT_S = 90.0
STORE_BYTES = 80_000_000


class RayNode:
    """One node: ``ray start --block`` and all that it starts."""

    def __init__(self, folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
        self._log = folder / f"node-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("ray")),
                    "start",
                    "--block",
                    f"--object-store-memory={STORE_BYTES}",
                    "--disable-usage-stats",
                    *arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    UNTOLD: "do not tell",
                    "TMPDIR": str(folder),
                    "RAY_DISABLE_IMPORT_WARNING": "1",
                    **(environ or {}),
                },
            )

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while "Ray runtime started" not in self._written():
            assert time.monotonic() < deadline, f"the Ray node did not start:\n{self._written()}"
            assert self._process.poll() is None, f"the Ray node ended:\n{self._written()}"
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue

    def _written(self) -> str:
        return self._log.read_text(errors="replace")

    def processes(self) -> list[int]:
        """All that it has started, and those that they have."""
        return _below(self._process.pid)

    def kill(self) -> None:
        """Ends all of it at once, as a power cut does: what it runs is in sessions of its own, but below it."""
        if self._process.poll() is not None:
            return
        for pid in (*self.processes(), self._process.pid):
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


def _below(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    children = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += [int(word) for word in task.read_text().split()]
    return [below for child in children for below in (child, *_below(child))]


def _program(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


class TwoNodes:
    """A head without room for workers, and nodes for one or more workers each, which can be added and killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        # Unix sockets of Ray have long names; a folder of pytest in front of them makes them too long.
        self._state = Path("/tmp") / f"or-ray-{self._port}"
        self.address = ""
        self.nodes: list[RayNode] = []

    def start_head(self) -> None:
        head = RayNode(
            self._folder,
            "--head",
            "--node-ip-address=127.0.0.1",
            f"--port={self._port}",
            "--num-cpus=1",
            "--include-dashboard=false",
            f"--temp-dir={self._state}",
        )
        self.nodes.append(head)
        head.wait_until_up()
        self.address = f"127.0.0.1:{self._port}"

    def add_node(self) -> RayNode:
        node = RayNode(self._folder, f"--address={self.address}", "--node-ip-address=127.0.0.1", "--num-cpus=1")
        self.nodes.append(node)
        node.wait_until_up()
        return node

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """While the block lasts no node starts anything."""
        raylets = [pid for node in self.nodes for pid in node.processes() if _program(pid) == "raylet"]
        for pid in raylets:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in raylets:
                os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        for node in reversed(self.nodes):
            node.kill()
        shutil.rmtree(self._state, ignore_errors=True)
