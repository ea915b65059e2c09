"""A Ray cluster that does not take the coordinator: it is told why, soon, and what to do."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.reactor_coordinator.pools.ray_nodes import RayNode

from reactor_coordinator.config import RayPoolSpec
from reactor_coordinator.pools.port import PoolError
from reactor_coordinator.pools.ray import RayPool
from reactor_testing.pool_conformance import refused

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

TOKEN = "0123456789abcdef" * 4
OLDER = """
import sys
from ray._raylet import GcsClient
GcsClient(address=sys.argv[1]).internal_kv_put(b"CLUSTER_METADATA", sys.argv[2].encode(), True, b"cluster")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which somebody has called ``ray.init()`` once."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text(TOKEN)
    return home


@pytest.fixture(scope="module")
def guarded(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster of one node that was started there."""
    port = free_port()
    state = Path("/tmp") / f"or-ray-{port}"
    told = ("--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=1", "--include-dashboard=false")
    # The ports of its workers are random otherwise, and may be the one above.
    ports = ("--min-worker-port=0", "--max-worker-port=0")
    head = RayNode(tmp_path_factory.mktemp("guarded"), *told, *ports, f"--temp-dir={state}", environ={"HOME": str(home)})
    try:
        head.wait_until_up()
        yield f"127.0.0.1:{port}"
    finally:
        head.kill()
        shutil.rmtree(state, ignore_errors=True)


def pool_at(address: str, folder: Path, environ: Mapping[str, str]) -> RayPool:
    return RayPool(RayPoolSpec(kind="ray", address=address), folder, environ)


async def test_a_token_that_is_missing_or_another_is_named_with_the_cure(
    guarded: str, home: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "other_token").write_text(TOKEN[::-1])
    other = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(tmp_path / "other_token")}
    for told in ({}, other):
        pool = pool_at(guarded, tmp_path, {**environ, "HOME": str(home), **told})
        text = await refused(asyncio.wait_for(pool.open(), 20), PoolError)
        assert f"the Ray cluster at {guarded} cannot be used: it asks for a token" in text
        assert "RAY_AUTH_MODE=token" in text
        assert "~/.ray/auth_token" in text
        assert "ray start --head" not in text
        await pool.close()


async def test_with_the_token_it_is_joined_and_another_version_is_told_as_it_is(
    guarded: str, home: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    mine = {**environ, "HOME": str(home), "RAY_AUTH_MODE": "token"}
    pool = pool_at(guarded, tmp_path, mine)
    await pool.open()
    assert await pool.room(0, 1) == 1
    await pool.close()
    older = json.dumps({"ray_version": "2.41.0", "python_version": "3.12.9", "ray_init_cluster": False})
    writing = [sys.executable, "-c", OLDER, guarded, older]
    await asyncio.to_thread(subprocess.run, writing, env=mine, timeout=60, check=True)
    pool = pool_at(guarded, tmp_path, mine)
    text = await refused(pool.open(), PoolError)
    assert "The cluster was started with: Ray: 2.41.0 Python: 3.12.9" in text
    assert text.endswith("have the same versions on every machine")
    await pool.close()
