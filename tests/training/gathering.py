"""A worker whose ranks need each other."""

from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from reactor_runtime.distributed import DistributedWorker


class Gathering(DistributedWorker):
    """Adds its rank to what it is given, and sums that over all ranks; rank 0 gathers the rest."""

    def load(self, seed: int) -> None:
        self.seed = torch.tensor([seed])

    def generate(self, input: Any, /) -> Any:
        if isinstance(input, str):
            if input == "raise":
                raise ValueError("all of them")
            if self.rank == 1:
                raise KeyError("one of them")
            return None
        summed = torch.from_numpy(np.ascontiguousarray(input)) + self.rank
        dist.all_reduce(summed)
        mine = torch.tensor([self.rank * 100])
        gathered = [torch.zeros(1, dtype=torch.int64) for _ in range(self.world_size)] if self.is_leader else None
        dist.gather(mine, gathered)
        seeds = [torch.zeros(1, dtype=torch.int64) for _ in range(self.world_size)]
        dist.all_gather(seeds, self.seed)
        return {
            "backend": dist.get_backend(),
            "sum": summed.numpy(),
            "gathered": [int(each) for each in gathered or ()],
            "seeds": [int(each) for each in seeds],
        }

    def reset(self) -> None:
        """Nothing is kept."""
