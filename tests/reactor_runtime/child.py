"""`reactor run` as a process of its own."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from tests.reactor_runtime.waiting import poll

_ADDRESS = re.compile(r"reactor serves on (http://\S+)")


class Child:
    """A runtime process: its address, what it writes, and its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def address(self) -> str:
        """The address that it prints."""
        assert self._process.stderr is not None
        while line := (await self._process.stderr.readline()).decode():
            self.lines.append(line)
            if match := _ADDRESS.search(line):
                return match[1]
        raise AssertionError(f"it printed no address:\n{''.join(self.lines)}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def end(self, seconds: float = 40.0) -> tuple[int, float]:
        """Its exit code, and how long that took. All that it wrote is in ``lines`` then."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            _, errors = await self._process.communicate()
        self.lines += errors.decode().splitlines(keepends=True)
        return self._process.returncode or 0, time.monotonic() - began

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


@contextlib.asynccontextmanager
async def running(folder: Path, *arguments: str, **environ: str) -> AsyncIterator[Child]:
    """A child that serves a model on a free port of this machine, until the end of the block."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOST", "PORT")}
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("reactor")),
        "run",
        str(folder),
        *(arguments or ("--host", "127.0.0.1", "--port", "0")),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, "COLUMNS": "200", "NO_COLOR": "1", **environ},
    )
    child = Child(process)
    try:
        yield child
    finally:
        child.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def served(child: Child, *, ready: bool = True, secret: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to a child, once its model is loaded; with the secret of a worker, if it is one."""
    async with asyncio.timeout(90):
        address = await child.address()
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with httpx.AsyncClient(base_url=address, timeout=40, headers=headers) as http:

        async def loaded() -> bool:
            return bool((await http.get("/health")).json()["state"] != "loading")

        if ready:
            await poll(loaded, 90)
        yield http
