"""What runs on each GPU."""

from __future__ import annotations

from typing import Any

from reactor_protocol.errors import InvalidArgumentError

_METHODS = ("load", "generate", "reset")


class DistributedWorker:
    """One GPU's part of a model: subclass it, or write any class with the same three methods.

    It is made without arguments, in a process of its own; ``rank``, ``world_size`` and ``device`` are set before ``load``.
    """

    rank: int
    """From 0 to ``world_size - 1``."""
    world_size: int
    device: str
    """``cuda:<rank>`` where torch sees GPUs, else ``cpu``."""

    @property
    def is_leader(self) -> bool:
        """Whether this is rank 0, whose result is the result."""
        return self.rank == 0

    def load(self, *args: Any, **kwargs: Any) -> None:
        """Loads weights onto ``self.device``. ``kwargs`` are the runner's ``load_kwargs``; name those that there are."""
        raise NotImplementedError(f"{type(self).__name__} has no load()")

    def generate(self, input: Any, /) -> Any:
        """One step, the same on every rank. Gather on rank 0 what belongs together: what the others return goes nowhere."""
        raise NotImplementedError(f"{type(self).__name__} has no generate()")

    def reset(self) -> None:
        """Forgets the session, and keeps the weights."""
        raise NotImplementedError(f"{type(self).__name__} has no reset()")


def check_worker(worker_cls: type) -> None:
    """Raises TypeError naming the methods that a worker lacks."""
    if not isinstance(worker_cls, type):
        raise TypeError(f"a worker is a class, not {worker_cls!r}: give the class, it is made in the ranks' processes")
    missing = [name for name in _METHODS if not callable(getattr(worker_cls, name, None))]
    if missing:
        raise TypeError(f"{worker_cls.__name__} has no {', no '.join(missing)}: a worker has load(), generate() and reset()")


def check_world_size(world_size: int) -> None:
    """Raises :class:`InvalidArgumentError` for what is no number of processes."""
    if isinstance(world_size, bool) or not isinstance(world_size, int) or world_size < 1:
        raise InvalidArgumentError(f"world_size is how many processes there are, 1 or more; not {world_size!r}")
