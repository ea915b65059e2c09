"""Who is told when a rank ends while nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from reactor_runtime.distributed.errors import WorkerCrashed

OnLoss: TypeAlias = Callable[[WorkerCrashed], object]
_told: list[OnLoss] = []


def on_loss(tell: OnLoss) -> None:
    """Has ``tell`` called, on a thread of the runner's, when a rank ends between two calls. There is one model in a process."""
    _told[:] = [tell]


def tell_loss(error: WorkerCrashed) -> None:
    """Tells it."""
    for tell in _told:
        tell(error)
