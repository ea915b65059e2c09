"""What is particular to workers on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from tests.reactor_coordinator.pools.conftest import ARGUMENTS, MakeArena

from reactor_coordinator.pools.local import LocalPool
from reactor_coordinator.pools.port import WORKER_ARGUMENTS, Adopted, PoolError, PoolFullError
from reactor_protocol.errors import InvalidArgumentError
from reactor_testing.pool_conformance import LIMIT_S, Arena, refused, seen_dead, until

pytestmark = pytest.mark.network

COORDINATOR = """
import asyncio, json, os, sys
from pathlib import Path
from reactor_coordinator.pools.local import LocalPool
from reactor_coordinator.pools.port import Launch

async def main():
    asked = json.loads(sys.stdin.readline())
    pool = LocalPool(Path(asked["state"]), 1, 1, os.environ)
    await pool.open()
    launch = Launch(asked["worker_id"], "stand-in", Path(asked["path"]), asked["env"], arguments=tuple(asked["arguments"]))
    print((await pool.start(launch)).pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""

MODEL = """
import asyncio
from reactor_runtime import Output, ReactorModel, Video

class Out(Output):
    main: Video

class Plain(ReactorModel):
    output = Out
    async def run(self) -> None:
        await asyncio.Event().wait()
"""


# ------------------------------------------------------------------------------------------------ slots and GPUs


@pytest.mark.parametrize(
    ("slots", "visible", "room"), [(None, "", 3), (None, "0,1", 2), (5, "0,1", 5), (5, "", 5), (None, "-1", 3)]
)
async def test_slots(make_arena: MakeArena, tmp_path: Path, slots: int | None, visible: str, room: int) -> None:
    arena = make_arena(lambda: LocalPool(tmp_path / "state", slots, 3, {"CUDA_VISIBLE_DEVICES": visible}))
    async with arena.open() as pool:
        assert await pool.room(0, 64) == room


async def test_gpus_that_the_driver_lists(make_arena: MakeArena, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\n[ "$1" = -L ] && echo "GPU 0: X (UUID: GPU-a)" && echo "GPU 1: X (UUID: GPU-b)"\n')
    program.chmod(0o755)
    arena = make_arena(lambda: LocalPool(tmp_path / "state", None, 9, {"PATH": f"{tmp_path}:/bin:/usr/bin"}))
    arena.gpus = 1
    async with arena.open() as pool:
        assert await pool.room(1, 1) == 2
        _, report = await arena.running(pool)
        assert report["env"]["CUDA_VISIBLE_DEVICES"] == "GPU-a"


async def test_a_driver_that_fails_lists_nothing(make_arena: MakeArena, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "GPU 0: X (UUID: GPU-a)"; exit 9\n')
    program.chmod(0o755)
    arena = make_arena(lambda: LocalPool(tmp_path / "state", None, 4, {"PATH": f"{tmp_path}:/bin"}))
    async with arena.open() as pool:
        assert await pool.room(0, 1) == 4


@pytest.fixture
def gpu_arena(make_arena: MakeArena, tmp_path: Path, environ: dict[str, str]) -> Arena:
    """Room for nine workers on two GPUs."""
    return make_arena(lambda: LocalPool(tmp_path / "state", 9, 1, {**environ, "CUDA_VISIBLE_DEVICES": "0,1"}))


async def test_fractions_share_a_gpu_and_whole_ones_do_not(gpu_arena: Arena) -> None:
    async with gpu_arena.open() as pool:
        seen = []
        for gpus in (0.5, 0.5, 1, 0):
            gpu_arena.gpus = gpus
            seen.append((await gpu_arena.running(pool))[1]["env"]["CUDA_VISIBLE_DEVICES"])
        assert seen == ["0", "0", "1", "0,1"]
        assert [await pool.room(gpus, 1) for gpus in (0.5, 1, 0)] == [0, 0, 5]
        gpu_arena.gpus = 0.1
        await refused(pool.start(gpu_arena.launch()), PoolFullError)
        gpu_arena.gpus = 1.5
        await refused(pool.start(gpu_arena.launch()), InvalidArgumentError)


async def test_gpus_are_still_held_after_adoption(gpu_arena: Arena) -> None:
    gpu_arena.gpus = 1
    async with gpu_arena.open() as first:
        started, _ = await gpu_arena.running(first)
        await gpu_arena.close(first)
        async with gpu_arena.open() as second:
            await second.adopt([Adopted(started.worker_id, started.node, 1, 1)])
            assert await second.room(1, 1) == 1
            assert (await gpu_arena.running(second))[1]["env"]["CUDA_VISIBLE_DEVICES"] == "1"


# ------------------------------------------------------------------------------------------------------- adoption


async def test_workers_outlive_a_coordinator_that_is_killed(local_arena: Arena, tmp_path: Path) -> None:
    launch = local_arena.launch()
    asked = {
        "state": str(tmp_path / "state"),
        "worker_id": launch.worker_id,
        "path": str(launch.path),
        "env": dict(launch.env),
        "arguments": ARGUMENTS,
    }
    coordinator = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COORDINATOR, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert coordinator.stdin is not None
    assert coordinator.stdout is not None
    coordinator.stdin.write((json.dumps(asked) + "\n").encode())
    async with asyncio.timeout(LIMIT_S):
        pid = int(await coordinator.stdout.readline())
    os.killpg(coordinator.pid, signal.SIGKILL)
    await coordinator.communicate()
    assert (await local_arena.desk.reported(launch.worker_id, times=2))["pid"] == pid
    async with local_arena.open() as pool:
        await pool.adopt([Adopted(launch.worker_id)])
        assert await pool.dead() == {}
        assert await pool.room(0, 1) == 1
        os.kill(pid, signal.SIGKILL)
        assert await seen_dead(pool, launch.worker_id) == "ended; only the coordinator that started it could know how"


async def test_a_process_that_has_the_number_of_a_worker_is_not_taken_for_it(local_arena: Arena, tmp_path: Path) -> None:
    identity = tmp_path / "state" / "workers" / "w1.json"
    async with local_arena.open() as pool:
        rubbish: tuple[object, ...] = (
            {"pid": os.getpid(), "birth": "another", "devices": {}},
            {"pid": os.getpid()},
            [],
            "rubbish",
        )
        for known in rubbish:
            identity.write_text(json.dumps(known))
            await pool.adopt([Adopted("w1")])
            assert await pool.dead() == {"w1": "was gone when the coordinator came back"}
            await pool.stop("w1", 0)
            assert not identity.exists()


async def test_workers_of_another_machine_are_left_to_it(local_arena: Arena) -> None:
    async with local_arena.open() as pool:
        await pool.adopt([Adopted("w1", "elsewhere")])
        assert await pool.dead() == {}
        assert await pool.room(0, 1) == 2


async def test_a_worker_that_was_not_adopted_can_be_stopped(local_arena: Arena) -> None:
    async with local_arena.open() as first:
        started, _ = await local_arena.running(first)
        await local_arena.close(first)
        async with local_arena.open() as second:
            await second.stop(started.worker_id, 5)
            with pytest.raises(ProcessLookupError):
                os.kill(started.pid, 0)


# ------------------------------------------------------------------------------------------------------ state folder


async def test_a_worker_does_not_fill_the_disk(local_arena: Arena, tmp_path: Path) -> None:
    async def is_bounded() -> bool:
        return sum(file.stat().st_size for file in (tmp_path / "state" / "workers").glob("*.log")) <= 4 * 1024 * 1024

    async with local_arena.open() as pool:
        started, _ = await local_arena.running(pool, "chatty")
        await until(is_bounded)
        assert (await pool.logs(started.worker_id, 1)) == "the stand-in worker runs"
        assert "006143......" in await pool.logs(started.worker_id, 5)


async def test_a_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    pool = LocalPool(tmp_path / "state", 1, 1, {})
    assert "the state of workers cannot be kept in" in await refused(pool.open(), PoolError)


def _processes_of(worker_id: str) -> list[str]:
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if worker_id.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


async def test_a_worker_that_cannot_be_remembered_does_not_run(local_arena: Arena, tmp_path: Path) -> None:
    async def nothing_runs() -> bool:
        return not _processes_of(launch.worker_id)

    async with local_arena.open() as pool:
        launch = local_arena.launch()
        (tmp_path / "state" / "workers" / f"{launch.worker_id}.json").mkdir()
        assert "cannot be kept in" in await refused(pool.start(launch), PoolError)
        assert await pool.room(0, 1) == 2
        await until(nothing_runs, 1)
        (tmp_path / "state" / "workers" / f"{launch.worker_id}.json").rmdir()


# ---------------------------------------------------------------------------------------------------- a real worker


async def test_a_real_runtime_reports(local_arena: Arena) -> None:
    (local_arena.folder / "reactor.yaml").write_text("model: {name: plain}\nruntime: {import: 'plain:Plain'}\n")
    (local_arena.folder / "plain.py").write_text(dedent(MODEL))
    # A module of the model's folder that has the name of one of ours, or of the standard library, hides none.
    (local_arena.folder / "yaml.py").write_text("raise RuntimeError('hidden')")
    local_arena.arguments = WORKER_ARGUMENTS
    async with local_arena.open() as pool:
        launch = local_arena.launch()
        started = await pool.start(launch)
        report = await local_arena.desk.reported(launch.worker_id)
        assert report["pid"] == started.pid
        assert report["port"] > 0
        async with asyncio.timeout(40):
            await pool.stop(launch.worker_id, 10)
        assert await pool.dead() == {}
        assert "shutting down" in await pool.logs(launch.worker_id)


async def test_a_model_that_is_not_there_says_so_in_its_log(local_arena: Arena) -> None:
    local_arena.arguments = WORKER_ARGUMENTS
    async with local_arena.open() as pool:
        launch = local_arena.launch()
        await pool.start(launch)
        assert await seen_dead(pool, launch.worker_id, LIMIT_S) == "exited with status 1"
        assert "there is no reactor.yaml in" in await pool.logs(launch.worker_id)
