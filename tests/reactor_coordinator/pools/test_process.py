"""Processes of workers: told from others, and ended with all that they have started."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from reactor_coordinator.pools.process import WorkerProcess, birth_of
from reactor_coordinator.pools.worker_log import WorkerLog
from reactor_testing.pool_conformance import gone

pytestmark = pytest.mark.network

SLEEP = "import time; time.sleep(60)"


def start(folder: Path, code: str = SLEEP) -> WorkerProcess:
    with WorkerLog(folder, "w").writer() as log:
        return WorkerProcess.start((sys.executable, "-I", "-S", "-c", code), folder, {}, log)


async def test_a_process_is_found_by_its_birth_alone(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert birth_of(process.pid) == process.birth
    assert WorkerProcess.found(process.pid, process.birth) is not None
    assert WorkerProcess.found(process.pid, f"{process.birth}0") is None
    assert WorkerProcess.found(process.pid, None) is None
    process.kill()
    assert await process.wait() == "was killed by SIGKILL"
    assert birth_of(process.pid) is None
    assert WorkerProcess.found(process.pid, process.birth) is None


async def test_the_birth_that_ps_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    process = start(tmp_path)
    assert process.birth is not None
    assert birth_of(process.pid) == process.birth
    process.kill()
    assert await process.wait() == "was killed by SIGKILL"
    assert birth_of(process.pid) is None


async def test_nobody_else_is_killed_under_a_number_that_was_given_away(tmp_path: Path) -> None:
    somebody = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE, start_new_session=True)
    mistaken = WorkerProcess(os.getpid(), "another birth")
    assert mistaken.ended() is not None
    await mistaken.stop(0)
    mistaken.kill()
    reused = WorkerProcess(somebody.pid, "another birth")
    try:
        await reused.stop(0)
        reused.kill()
        assert somebody.stdin is not None
        assert somebody.stdout is not None
        somebody.stdin.write(b"are you there?\n")
        async with asyncio.timeout(40):
            assert await somebody.stdout.readline() == b"are you there?\n"
    finally:
        somebody.kill()
        await somebody.communicate()


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("raise SystemExit(0)", "exited with status 0"),
        ("raise SystemExit(3)", "exited with status 3"),
        ("import os; os.kill(os.getpid(), 15)", "was killed by SIGTERM"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)", f"was killed by signal {signal.SIGRTMIN + 3}"),
    ],
)
async def test_how_a_process_ended(tmp_path: Path, code: str, ended: str) -> None:
    process = start(tmp_path, code)
    assert await process.wait() == ended
    assert process.ended() == ended


async def test_what_a_dead_process_has_started_is_killed(tmp_path: Path) -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True)"
    process = start(tmp_path, code)
    assert await process.wait() == "exited with status 0"
    await gone(int(WorkerLog(tmp_path, "w").tail(1)))


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with WorkerLog(tmp_path, "w").writer() as log, pytest.raises(FileNotFoundError):
        WorkerProcess.start(("/nowhere/python",), tmp_path, {}, log)
