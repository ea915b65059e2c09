"""The runtime that the demo shows, as a child process that never outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_START_S: Final = 30.0
_END_S: Final = 5.0
_ADDRESS: Final = re.compile(r"serves on (http://\S+)")


class RuntimeFailed(Exception):
    """The runtime did not start; the message holds what it said."""


@asynccontextmanager
async def serving(model: Path, port: int = 0) -> AsyncIterator[str]:
    """Runs ``reactor run`` on a port of this machine (0: any free one), and gives its address. Raises :class:`RuntimeFailed`."""
    command = Path(sys.executable).with_name("reactor")
    process = await asyncio.create_subprocess_exec(
        *(command, "run", model, "--host", "127.0.0.1", "--port", str(port)),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        # In a session of its own: Ctrl-C ends the demo, and the demo ends the runtime after its own goodbye.
        start_new_session=True,
    )
    said: deque[str] = deque(maxlen=40)
    reading: asyncio.Task[None] | None = None
    try:
        try:
            async with asyncio.timeout(_START_S):
                address = await _address(process, said)
        except TimeoutError:
            raise RuntimeFailed(f"the runtime has not started within {_START_S:g} s:\n{''.join(said)}") from None
        reading = asyncio.create_task(_drain(process, said))
        yield address
    finally:
        await _end(process)
        if reading is not None:
            await reading


async def _address(process: asyncio.subprocess.Process, said: deque[str]) -> str:
    assert process.stderr is not None
    while line := (await process.stderr.readline()).decode(errors="replace"):
        said.append(line)
        if found := _ADDRESS.search(line):
            return found[1]
    raise RuntimeFailed(f"the runtime ended before it served anything:\n{''.join(said)}")


async def _drain(process: asyncio.subprocess.Process, said: deque[str]) -> None:
    """Reads what the runtime says, so that it never waits for a full pipe."""
    assert process.stderr is not None
    while line := await process.stderr.readline():
        said.append(line.decode(errors="replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
