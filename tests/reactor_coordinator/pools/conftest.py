"""Arenas for the conformance suite, and the one Ray cluster of the run."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.reactor_coordinator.pools.ray_nodes import TwoNodes

from reactor_coordinator.config import RayPoolSpec
from reactor_coordinator.pools.local import LocalPool
from reactor_coordinator.pools.port import Pool
from reactor_coordinator.pools.ray import RayPool
from reactor_testing.pool_conformance import UNTOLD, Arena, Desk

STAND_IN = Path(__file__).with_name("stand_in_worker.py")
ARGUMENTS = (str(STAND_IN),)

MakeArena: TypeAlias = Callable[[Callable[[], Pool]], Arena]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with Desk() as desk:
        yield desk


@pytest.fixture
def environ() -> dict[str, str]:
    """The environment of a coordinator: with a secret of its own."""
    return {**os.environ, UNTOLD: "do not tell"}


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


@pytest.fixture
def make_arena(desk: Desk, model_folder: Path) -> MakeArena:
    return lambda make: Arena(make, desk, model_folder, ARGUMENTS)


@pytest.fixture
def local_arena(make_arena: MakeArena, tmp_path: Path, environ: dict[str, str]) -> Arena:
    """Two workers on this machine."""
    return make_arena(lambda: LocalPool(tmp_path / "state", 2, 1, environ))


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    """A cluster of two nodes with one CPU each."""
    cluster = TwoNodes(tmp_path_factory.mktemp("ray"))
    try:
        cluster.start_head()
        cluster.add_node()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def ray_arena(make_arena: MakeArena, ray_cluster: TwoNodes, tmp_path: Path, environ: dict[str, str]) -> Arena:
    """Two workers on the cluster, one on each node. The namespace is the test's own."""
    spec = RayPoolSpec(kind="ray", address=ray_cluster.address, namespace=f"test-{uuid.uuid4().hex}")
    return make_arena(lambda: RayPool(spec, tmp_path / "state", environ))
