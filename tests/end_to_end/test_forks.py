"""A process that has used the engine, and its forks: they are told at once that they cannot, whatever they ask of it."""

import subprocess
import sys

import pytest
from tests.interop.servers import Server

pytestmark = pytest.mark.network

MODEL = "digits"
TOLD = "this process is a fork of one that has used the WebRTC engine"
CURE = 'AsyncVectorEnv(..., context="spawn")'

CLIENT = """
import asyncio, os, sys
from reactor_sdk import Reactor
async def use(client):
    await client.connect()
    await client.disconnect()
kept = Reactor("digits", local=True)
asyncio.run(use(kept))
if os.fork() == 0:
    for made in (kept, Reactor("digits", local=True)):
        try:
            asyncio.run(use(made))
        except RuntimeError as error:
            print(type(error).__name__, error, flush=True)
    os._exit(0)
os.wait()
"""

VECTOR = """
from functools import partial
from gymnasium.vector import AsyncVectorEnv
from reactor_sdk.gym import ReactorEnv
AsyncVectorEnv([partial(ReactorEnv, "digits", local=True, action_command="show")], context="fork")
"""


def ended(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


def test_a_client_in_a_fork_is_told_to_spawn_where_its_connect_would_hang() -> None:
    done = ended(CLIENT)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line in lines:
        assert line.startswith(f"InvalidStateError {TOLD}")
        assert "spawn or forkserver" in line


def test_gymnasiums_vector_that_forks_says_the_same(server: Server) -> None:
    done = ended(VECTOR)
    assert done.returncode != 0
    assert TOLD in done.stderr
    assert CURE in done.stderr
