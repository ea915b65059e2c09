"""A runtime of our own to measure: started with a model, and ended whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import aiohttp

from reactor_protocol.errors import ModelFailedError, NetworkError, ReactorException

START_S: Final = 60.0
LOAD_S: Final = 600.0
_GRACE_S: Final = 8.0
_LOOK_S: Final = 0.1
_MAX_TOLD: Final = 500
_NOT_PASSED_ON: Final = ("HOST", "PORT", "REACTOR_WORKER_ID", "REACTOR_WORKER_SECRET", "REACTOR_WORKER_COORDINATORS")


@dataclass(frozen=True, slots=True)
class Running:
    """Where a runtime is; ``pid`` where it is ours."""

    url: str
    pid: int | None = None


@contextlib.asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Running]:
    """A runtime with the model of a folder, on a free port of this machine.

    Raises :class:`ModelFailedError` with its last words where it does not start.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "reactor_cli", "run", str(folder), "--host", "127.0.0.1", "--port", "0", "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=environ,
        )
        try:
            yield Running(await _address(process, log), process.pid)
        finally:
            await _end(process)


async def _address(process: asyncio.subprocess.Process, log: IO[bytes]) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise ModelFailedError(f"the runtime does not start within {START_S:g} s: {_last_words(log)}") from error
    if not line:
        raise ModelFailedError(f"the runtime does not start: {_last_words(log)}")
    url: str = json.loads(line)["url"]
    return url


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return "it says nothing"
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(lines[-1])["error"]["message"])[:_MAX_TOLD]
    return lines[-1][:_MAX_TOLD]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asks a process to end, then insists."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_GRACE_S):
            await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def loaded(url: str) -> None:
    """Returns once the model of a runtime is loaded. Raises :class:`ModelFailedError`, and :class:`NetworkError`."""
    try:
        async with asyncio.timeout(LOAD_S), aiohttp.ClientSession() as http:
            while True:
                async with http.get(f"{url}/health") as reply:
                    body = await reply.json(content_type=None)
                if not isinstance(body, dict) or "state" not in body:
                    raise NetworkError(f"{url} is no runtime: `reactor doctor {url}` says what it is")
                if body.get("status") == "unhealthy":
                    raise ModelFailedError(str(body.get("detail") or "the model cannot serve")[:_MAX_TOLD])
                if body["state"] != "loading":
                    return
                await asyncio.sleep(_LOOK_S)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if isinstance(error, ReactorException):
            raise
        raise NetworkError(f"nobody answers at {url}: start the model (`reactor run`), or see `reactor doctor {url}`") from error
