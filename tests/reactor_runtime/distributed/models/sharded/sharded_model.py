"""A model whose work two processes share."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactor_runtime import InputField, ModelMessage, Output, ReactorApp, Video, event
from reactor_runtime.distributed import DistributedRunner, DistributedWorker


class Picture(Output):
    main_video: Video


class Ranks(ModelMessage):
    pids: list[int]


class Half(DistributedWorker):
    """One of two ranks."""

    def load(self, level: int) -> None:
        self.level = level

    def generate(self, input: Any, /) -> dict[str, Any]:
        picture: NDArray[np.uint8] = np.full((48, 64, 3), self.level + input, np.uint8)
        return {"picture": picture, "pid": os.getpid()}

    def reset(self) -> None:
        """Nothing is kept."""


class Sharded(ReactorApp):
    """Shows what its ranks make."""

    def load(self, config_path: Path | None) -> None:
        self.added = 0
        self.ranks = DistributedRunner(Half, world_size=2, load_kwargs={"level": 40}, init_process_group=False)
        self.ranks.start()

    def generate(self, input: object, /) -> Picture:
        return Picture(main_video=self.ranks.generate(self.added)["picture"])

    @event(name="add")
    def add(self, number: int = InputField(ge=0, le=100)) -> None:
        self.added = number

    @event(name="tell_ranks")
    def tell_ranks(self) -> Ranks:
        return Ranks(pids=[rank.process.pid for rank in self.ranks._ranks])
