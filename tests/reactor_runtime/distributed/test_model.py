"""A model with ranks: they live and die with its process."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.reactor_runtime.distributed.processes import alive, wait_until
from tests.reactor_runtime.isolation.test_isolated_host import House, housed

pytestmark = pytest.mark.network

SHARDED = Path(__file__).parent / "models/sharded"


async def ranks_of(house: House) -> list[int]:
    told = await house.send("tell_ranks")
    assert told is not None
    pids = told["pids"]
    assert len(set(pids) | {house.host.pid, os.getpid()}) == 4
    return [int(pid) for pid in pids]


async def test_ranks_make_the_pictures_and_a_crash_of_one_is_a_crash_of_the_model() -> None:
    async with housed(SHARDED) as house:
        await house.host.load()
        await house.begin()
        await house.until(lambda: house.owner.frames and house.owner.level() == 40)
        await house.send("add", number=2)
        await house.until(lambda: house.owner.level() == 42)
        first = await ranks_of(house)

        os.kill(first[1], signal.SIGKILL)
        await house.until(lambda: house.owner.restored)
        (why,) = house.owner.lost
        assert why.startswith("the model stopped: WorkerCrashed: ")
        assert "the process of rank 1 was ended by SIGKILL" in why
        wait_until(lambda: not any(map(alive, first)))
        await house.until(lambda: house.owner.level() == 40)

        second = await ranks_of(house)
        model = house.host.pid
        assert model is not None
        os.kill(model, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, second)))
        await house.until(lambda: len(house.owner.restored) == 2)
        third = await ranks_of(house)
    wait_until(lambda: not any(map(alive, third)))


async def test_a_rank_that_ends_while_nobody_is_there_has_the_model_loaded_anew() -> None:
    async with housed(SHARDED) as house:
        await house.host.load()
        first = await ranks_of(house)
        os.kill(first[0], signal.SIGKILL)
        await house.until(lambda: house.owner.restored)
        (why,) = house.owner.lost
        assert why.startswith("the model stopped: WorkerCrashed: between two calls: the process of rank 0 was ended by SIGKILL")


def test_ranks_end_with_their_starter_even_in_native_code(tmp_path: Path) -> None:
    script = """
        from tests.reactor_runtime.distributed.workers import Obedient
        from reactor_runtime.distributed import DistributedRunner

        if __name__ == "__main__":
            runner = DistributedRunner(Obedient, world_size=2, load_kwargs={"pids": %r}, init_process_group=False)
            runner.start()
            print(runner.generate(["start a process", 0]), flush=True)
            runner.generate(["hang in native code", 1])
    """
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(script % str(tmp_path)))
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True, env=env) as starter:
        assert starter.stdout is not None
        helper = int(starter.stdout.readline())
        ranks = [int((tmp_path / f"{rank}.pid").read_text()) for rank in range(2)]
        assert all(map(alive, [*ranks, helper]))
        starter.kill()
    wait_until(lambda: not any(map(alive, [*ranks, helper])))
