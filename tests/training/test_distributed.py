"""Two ranks over gloo: a process group that a runner forms carries what each of them has made (reference: runtime, 13.3)."""

import numpy as np
import pytest
from tests.training.gathering import Gathering

from reactor_runtime.distributed import DistributedRunner, RankDesync


def test_two_ranks_gather_over_gloo() -> None:
    runner = DistributedRunner(Gathering, world_size=2, load_kwargs={"seed": 11})
    runner.start()
    try:
        made = runner.generate(np.full((2, 3), 10, np.int64))
        assert made["backend"] == "gloo"
        assert made["sum"].tolist() == [[21, 21, 21], [21, 21, 21]]
        assert made["gathered"] == [0, 100]
        assert made["seeds"] == [11, 11]
        with pytest.raises(ValueError, match="all of them"):
            runner.generate("raise")
        assert runner.generate(np.zeros((1,), np.int64))["sum"].tolist() == [1]
        with pytest.raises(RankDesync, match="rank 1 raised KeyError, and rank 0 did not"):
            runner.generate("raise on 1")
    finally:
        runner.shutdown()
    assert not runner.healthy
