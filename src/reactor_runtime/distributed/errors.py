"""What a :class:`DistributedRunner` finds out about its ranks. What a worker itself raises is raised as it is."""

from __future__ import annotations

from reactor_protocol.errors import ReactorException


class WorkerCrashed(ReactorException):
    """The process of a rank has ended without an answer; the message names the rank and the exit code. The runner is over."""

    code = "WORKER_CRASHED"


class WorkerTimeout(ReactorException, TimeoutError):
    """A rank did not answer in time: it hangs, most often in a collective that another rank has left. The runner is over."""

    code = "WORKER_TIMEOUT"


class RankDesync(ReactorException):
    """Ranks disagree: some raised and others did not, or they raised different types. The runner is over.

    ``__cause__`` is what the first of them raised.
    """

    code = "RANK_DESYNC"


class SharedSlotAllocationFailed(ReactorException, MemoryError):
    """There is no shared memory left for what crosses to a rank or back; the message says how much was needed."""

    code = "SHARED_SLOT_ALLOCATION_FAILED"
