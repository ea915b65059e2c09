from pathlib import Path
from typing import Any

import numpy as np

from reactor_runtime import Output, ReactorApp, Video
from reactor_runtime.distributed import DistributedRunner, DistributedWorker


class Out(Output):
    main_video: Video


class Shard(DistributedWorker):
    def load(self, shade: int) -> None:
        self.shade = shade  # here: weights onto self.device, which is "cuda:0", "cuda:1" ...

    def generate(self, input: Any, /) -> np.ndarray:
        return np.full((48, 64, 3), self.shade, np.uint8)  # on every rank; what rank 0 returns is the result

    def reset(self) -> None:
        """Forgets the session, and keeps the weights."""


class World(ReactorApp):
    def load(self, config_path: Path | None) -> None:
        self.ranks = DistributedRunner(Shard, world_size=2, load_kwargs={"shade": 90}, init_process_group=False)
        self.ranks.start()

    def generate(self, input: Any, /) -> Out:
        return Out(main_video=self.ranks.generate(None))
