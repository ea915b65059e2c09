"""What is particular to workers on a Ray cluster: a node goes down, the driver goes down, the cluster is not there."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.reactor_coordinator.pools.ray_nodes import TwoNodes

from reactor_coordinator.config import RayPoolSpec
from reactor_coordinator.pools.port import Pool, PoolError, PoolFullError
from reactor_coordinator.pools.ray import RayPool
from reactor_testing.pool_conformance import Arena, gone, refused, room_is, seen_dead, until

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

NODE_LIMIT_S = 40.0


async def back(pool: Pool) -> None:
    """Waits until the cluster is joined again."""

    async def look() -> bool:
        try:
            await pool.room(0, 1)
        except PoolError:
            return False
        return True

    await until(look)


def driver_of(pool: Pool) -> int:
    assert isinstance(pool, RayPool)
    assert pool._link is not None
    return pool._link.pid


async def test_without_a_cluster_it_says_what_to_do(tmp_path: Path, environ: dict[str, str]) -> None:
    pool = RayPool(RayPoolSpec(kind="ray", address=f"127.0.0.1:{free_port()}"), tmp_path, environ)
    text = await refused(pool.open(), PoolError)
    assert "cannot be used: [Errno 111] Connection refused" in text
    assert "start one with `ray start --head`, or correct pool.address" in text
    await refused(pool.room(0, 1), PoolError)
    assert await pool.dead() == {}
    await pool.close()


async def test_the_bound_on_workers(ray_arena: Arena, ray_cluster: TwoNodes, tmp_path: Path, environ: dict[str, str]) -> None:
    spec = RayPoolSpec(kind="ray", address=ray_cluster.address, namespace="bounded", max_workers=1)
    ray_arena.make = lambda: RayPool(spec, tmp_path / "state", environ)
    async with ray_arena.open() as pool:
        await room_is(ray_arena, pool, 1)
        await ray_arena.running(pool)
        assert await pool.room(0, 1) == 0
        assert "raise pool.max_workers" in await refused(pool.start(ray_arena.launch()), PoolFullError)


async def test_no_node_has_a_gpu(ray_arena: Arena) -> None:
    async with ray_arena.open() as pool:
        assert await pool.room(1, 1) == 0
        ray_arena.gpus = 1
        text = await refused(pool.start(ray_arena.launch()), PoolFullError)
        assert text == "no node of the Ray cluster has room for 1 GPUs and 1 CPUs: stop a worker, or add a node"


async def test_a_driver_that_is_killed_is_replaced(ray_arena: Arena) -> None:
    """Workers do not notice; what has happened meanwhile is known afterwards."""
    async with ray_arena.open() as pool:
        staying, _ = await ray_arena.running(pool)
        dying, _ = await ray_arena.running(pool)
        first = driver_of(pool)
        os.kill(first, signal.SIGKILL)
        os.kill(dying.pid, signal.SIGKILL)
        await gone(first, dying.pid)
        await ray_arena.desk.reported(staying.worker_id, times=2)
        await back(pool)
        assert driver_of(pool) != first
        assert await seen_dead(pool, dying.worker_id) == "was killed by SIGKILL"
        assert set(await pool.dead()) == {dying.worker_id}
        await pool.stop(staying.worker_id, 5)
        await room_is(ray_arena, pool, 2)


async def test_a_worker_does_not_outlive_its_actor(ray_arena: Arena) -> None:
    """Its resources are given to others at once, so it must not go on using them."""
    async with ray_arena.open() as pool:
        started, report = await ray_arena.running(pool, "stubborn")
        actor = int(Path(f"/proc/{started.pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(actor, signal.SIGKILL)
        await gone(started.pid)
        assert (await seen_dead(pool, started.worker_id, NODE_LIMIT_S)).startswith("was lost with its actor: ")
        await room_is(ray_arena, pool, 2)
        os.kill(report["helper"], signal.SIGKILL)


async def test_a_start_that_is_not_heard_of_leaves_no_worker(ray_arena: Arena, ray_cluster: TwoNodes) -> None:
    """The driver dies when the cluster has been told of a worker but has not made it yet; what comes to be is removed."""
    async with ray_arena.open() as pool:
        with ray_cluster.held_up():
            starting = asyncio.ensure_future(refused(pool.start(ray_arena.launch()), PoolError))
            await room_is(ray_arena, pool, 1)
            os.kill(driver_of(pool), signal.SIGKILL)
            assert "was lost" in await starting
        await back(pool)
        await room_is(ray_arena, pool, 2)
        assert await pool.dead() == {}
        assert ray_arena.desk.reports == {}


async def test_a_node_that_is_killed(ray_arena: Arena, ray_cluster: TwoNodes) -> None:
    """Its worker is named, the other one goes on; a node that is added is used."""
    node = ray_cluster.nodes[-1]
    async with ray_arena.open() as pool:
        workers = [(await ray_arena.running(pool))[0] for _ in range(2)]
        lost, staying = sorted(workers, key=lambda worker: worker.pid not in node.processes())
        assert [worker.pid in node.processes() for worker in (lost, staying)] == [True, False]
        node.kill()
        text = await seen_dead(pool, lost.worker_id, NODE_LIMIT_S)
        assert text.startswith("was lost with its ")
        assert list(await pool.dead()) == [lost.worker_id]
        await ray_arena.desk.reported(staying.worker_id, times=2)
        await asyncio.to_thread(ray_cluster.add_node)
        await room_is(ray_arena, pool, 1)
        await ray_arena.running(pool)
