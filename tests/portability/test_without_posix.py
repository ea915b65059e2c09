"""``reactor run`` and ``reactor coordinator`` start, serve and end where there is no more of an operating system than on Windows.

Windows itself is not there: an interpreter that has lost what Windows lacks stands for it (``without_posix/sitecustomize.py``).
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import httpx
import pytest
from tests.ports import free_port
from tests.reactor_runtime.runtime_support import MODELS
from tests.reactor_runtime.waiting import poll

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

HERE = Path(__file__).parent
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


async def started(folder: Path, *argv: str) -> tuple[asyncio.subprocess.Process, str]:
    """The command, and the address that it tells."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("reactor")),
        *argv,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(HERE / "without_posix"), "NO_COLOR": "1", "COLUMNS": "200"},
    )
    assert process.stdout is not None
    told = ""
    async with asyncio.timeout(60):
        while line := (await process.stdout.readline()).decode():
            told += line
            if found := _ADDRESS.search(line):
                return process, found[0]
    raise AssertionError(f"it told no address:\n{told}")


async def ended(process: asyncio.subprocess.Process, number: signal.Signals) -> int | None:
    process.send_signal(number)
    async with asyncio.timeout(40):
        await process.communicate()
    return process.returncode


async def test_the_runtime_serves_and_ends(tmp_path: Path) -> None:
    process, url = await started(tmp_path, "run", str(MODELS), "--inline", "--host", "127.0.0.1", "--port", "0")
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:

            async def loaded() -> bool:
                return bool((await http.get("/health")).json()["state"] == "available")

            await poll(loaded)
            assert (await http.post("/start_session")).status_code == 200
        assert await ended(process, signal.SIGTERM) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_the_coordinator_serves_and_ends(tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(f"models:\n  echo: {{path: {MODELS}}}\n")
    argv = ("coordinator", "--config", "cloud.yaml", "--host", "127.0.0.1", "--port", str(free_port()))
    process, url = await started(tmp_path, *argv)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            assert (await http.get("/health")).status_code == 200
        assert await ended(process, signal.SIGINT) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
