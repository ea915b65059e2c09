"""The runner over real processes, without torch. What takes a process group is in tests/training."""

import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.reactor_runtime.distributed.processes import alive, wait_until
from tests.reactor_runtime.distributed.workers import Doubler, Obedient, Surroundings, WithoutReset

from reactor_protocol.errors import InvalidArgumentError, InvalidStateError
from reactor_runtime.distributed import DistributedRunner, RankDesync, WorkerCrashed, WorkerTimeout
from reactor_runtime.distributed.losses import on_loss

pytestmark = pytest.mark.network

Start = Callable[..., DistributedRunner]


@pytest.fixture
def start() -> Iterator[Start]:
    runners: list[DistributedRunner] = []

    def started(worker: type, **options: Any) -> DistributedRunner:
        runner = DistributedRunner(worker, init_process_group=False, **{"world_size": 2, **options})
        runners.append(runner)
        runner.start()
        return runner

    yield started
    for runner in runners:
        runner.shutdown()


def test_ranks_work_in_step_and_rank_0_gives_the_result(start: Start) -> None:
    runner = start(Doubler, load_kwargs={"offset": 1})
    assert runner.world_size == 2
    assert runner.healthy
    assert runner.generate(20) == {"doubled": 41, "steps": 1, "leader": True}
    assert runner.generate(1) == {"doubled": 3, "steps": 2, "leader": True}
    runner.reset()
    assert runner.generate(1)["steps"] == 1
    runner.shutdown()
    assert not runner.healthy
    runner.shutdown()


def test_arrays_cross_in_shared_memory_and_belong_to_whoever_reads_them(start: Start) -> None:
    runner = start(Doubler)
    frames = np.arange(3 * 720 * 1280 * 3, dtype=np.uint32).reshape(3, 720, 1280, 3)
    first = runner.generate(frames)["doubled"]
    second = runner.generate(frames[:1])["doubled"]
    assert np.array_equal(first, frames * 2)
    assert np.array_equal(second, frames[:1] * 2)
    first[0, 0, 0] = 7
    assert runner.generate(np.asfortranarray(frames[0, :, :, 0]))["doubled"].shape == (720, 1280)


def test_a_rank_is_set_up_as_torchrun_sets_one_up(start: Start) -> None:
    seen = start(Surroundings).generate(None)
    port = seen.pop("MASTER_PORT")
    assert 1024 <= int(port) <= 65535
    assert seen.pop("pid") != os.getpid()
    device = seen.pop("device")
    assert device == "cpu" or device.startswith("cuda:")
    assert seen == {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "rank": 0,
        "world_size": 2,
    }


def test_what_all_ranks_raise_is_raised_and_they_go_on(start: Start) -> None:
    runner = start(Obedient)
    with pytest.raises(ValueError, match="rank 0 does not want to") as raised:
        runner.generate(["raise", 0, 1])
    assert str(raised.value) == "rank 0 does not want to"
    assert "on rank 0:" in raised.value.__notes__[0]
    assert runner.healthy
    assert runner.generate(["nothing"]) == "fine"
    with pytest.raises(RuntimeError, match="^Unportable: from a worker"):
        runner.generate(["raise what does not pickle", 0, 1])
    assert runner.generate(["give frames", 0]).shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (["raise", 1], "generate: rank 1 raised ValueError, and rank 0 did not: the ranks are out of step, and have been ended"),
        (
            ["raise its own", 0, 1],
            "generate: rank 0 raised ValueError, rank 1 raised KeyError: the ranks are out of step, and have been ended",
        ),
    ],
)
def test_ranks_that_disagree_are_ended(start: Start, order: list[Any], said: str) -> None:
    runner = start(Obedient)
    with pytest.raises(RankDesync) as raised:
        runner.generate(order)
    assert str(raised.value) == said
    assert isinstance(raised.value.__cause__, ValueError)
    assert not runner.healthy
    with pytest.raises(InvalidStateError, match="make a new DistributedRunner"):
        runner.generate(["nothing"])


@pytest.mark.parametrize(("order", "how"), [("kill", "was ended by SIGKILL"), ("exit", "exited with code 3")])
def test_a_crash_is_told_at_once_and_ends_the_others(start: Start, tmp_path: Path, order: str, how: str) -> None:
    runner = start(Obedient, load_kwargs={"pids": str(tmp_path)}, call_timeout=60.0)
    other = int((tmp_path / "0.pid").read_text())
    began = time.monotonic()
    with pytest.raises(WorkerCrashed, match=f"generate: the process of rank 1 {how}"):
        runner.generate([order, 1])
    assert time.monotonic() - began < 4, "the published runner asks every five seconds"
    assert not runner.healthy
    assert not alive(other)


def test_a_crash_between_two_calls_is_told(start: Start, tmp_path: Path) -> None:
    told: list[WorkerCrashed] = []
    on_loss(told.append)
    try:
        runner = start(Obedient, load_kwargs={"pids": str(tmp_path)})
        os.kill(int((tmp_path / "1.pid").read_text()), signal.SIGKILL)
        wait_until(lambda: bool(told))
    finally:
        on_loss(lambda _: None)
    assert str(told[0]).startswith("between two calls: the process of rank 1 was ended by SIGKILL")
    assert not runner.healthy
    assert not alive(int((tmp_path / "0.pid").read_text()))


def test_a_hang_is_told_after_its_time_and_ended(start: Start, tmp_path: Path) -> None:
    runner = start(Obedient, load_kwargs={"pids": str(tmp_path)}, call_timeout=0.5)
    with pytest.raises(WorkerTimeout, match=r"^generate: rank 1 did not answer within 0.5 s$") as raised:
        runner.generate(["hang in native code", 1])
    assert isinstance(raised.value, TimeoutError)
    assert not alive(int((tmp_path / "1.pid").read_text()))


def test_a_failure_to_load_is_raised_as_it_is(start: Start) -> None:
    with pytest.raises(ValueError, match="^no weights for rank 1"):
        start(Doubler, load_kwargs={"fail_on": 1})
    with pytest.raises(WorkerCrashed, match="start: the process of rank 0 exited with code 7"):
        start(Doubler, load_kwargs={"die_on": 0})


def test_what_a_worker_has_started_ends_with_it(start: Start) -> None:
    runner = start(Obedient)
    helper = runner.generate(["start a process", 0])
    assert alive(helper)
    runner.shutdown()
    wait_until(lambda: not alive(helper))


def test_it_is_used_in_order(start: Start) -> None:
    with pytest.raises(InvalidStateError, match=r"call start\(\) first"):
        DistributedRunner(Doubler).generate(1)
    runner = start(Doubler, world_size=1)
    with pytest.raises(InvalidStateError, match="is started once"):
        runner.start()
    with pytest.raises((TypeError, pickle.PicklingError, AttributeError)):
        runner.generate(lambda: None)
    assert runner.generate(2)["doubled"] == 4


def test_mistakes_are_told_where_the_runner_is_made() -> None:
    class Local(Doubler):
        pass

    with pytest.raises(TypeError, match=r"^WithoutReset has no reset: a worker has load\(\), generate\(\) and reset\(\)$"):
        DistributedRunner(WithoutReset)
    with pytest.raises(TypeError, match="define it at the top of a module"):
        DistributedRunner(Local)
    with pytest.raises(TypeError, match=r"load_kwargs\['hook'\] cannot cross to the ranks"):
        DistributedRunner(Doubler, load_kwargs={"hook": lambda: None})
    for wrong in (0, -1, 2.0, True):
        with pytest.raises(InvalidArgumentError, match="world_size is how many processes"):
            DistributedRunner(Doubler, world_size=wrong)  # type: ignore[arg-type]
