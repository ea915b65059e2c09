"""A tethered program dies with the process that has started it."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from reactor_coordinator.pools import tether
from reactor_testing.pool_conformance import gone, lives

pytestmark = [pytest.mark.network, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the tie is Linux's")]

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, sys.argv[1], sys.argv[2] or str(__import__("os").getpid()), sys.executable, "-c",
                          "import time; print(1, flush=True); time.sleep(60)"], start_new_session=True, stdout=subprocess.PIPE)
print(child.stdout.read(1).decode() and child.pid, flush=True)
child.wait()
"""


async def _parent(named: str) -> tuple[asyncio.subprocess.Process, str]:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, tether.__file__, named, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(40):
        return parent, (await parent.stdout.readline()).decode().strip()


async def test_it_dies_with_its_parent() -> None:
    parent, child = await _parent("")
    assert lives(int(child))
    parent.kill()
    await parent.communicate()
    await gone(int(child))


async def test_it_does_not_begin_where_its_parent_has_gone() -> None:
    parent, child = await _parent(str(os.getpid()))
    _, errors = await parent.communicate()
    assert child == ""
    assert "the actor of this worker has gone before it began" in errors.decode()
