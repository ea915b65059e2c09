"""One model over several processes, each with a GPU of its own (reference: runtime, 13.3 and 16).

A worker is a class with ``load``, ``generate`` and ``reset``. :class:`DistributedRunner` starts one process for each GPU, makes a
worker in each, and has all of them do the same thing at the same time; what rank 0 gives is the result::

    runner = DistributedRunner(World, world_size=2, load_kwargs={"weights": str(path)})
    runner.start()
    frames = runner.generate({"prompt": "a street at night"})
    runner.shutdown()

Linux and macOS. torch is used where it is installed; nothing here needs it.
"""

from reactor_runtime.distributed.errors import RankDesync, SharedSlotAllocationFailed, WorkerCrashed, WorkerTimeout
from reactor_runtime.distributed.runner import DistributedRunner
from reactor_runtime.distributed.worker import DistributedWorker

__all__ = [
    "DistributedRunner",
    "DistributedWorker",
    "RankDesync",
    "SharedSlotAllocationFailed",
    "WorkerCrashed",
    "WorkerTimeout",
]
