"""The pool that a configuration asks for."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from reactor_coordinator.config import LocalPoolSpec, RayPoolSpec
from reactor_coordinator.pools.local import LocalPool
from reactor_coordinator.pools.port import Pool, PoolError
from reactor_coordinator.pools.ray import RayPool


def make_pool(spec: LocalPoolSpec | RayPoolSpec, state_folder: Path, default_slots: int) -> Pool:
    """A pool that is not open yet. ``default_slots`` is how many workers a machine without GPUs runs.

    Raises :class:`PoolError` where Ray is asked for and not installed.
    """
    if isinstance(spec, LocalPoolSpec):
        return LocalPool(state_folder, spec.workers, default_slots, os.environ)
    if importlib.util.find_spec("ray") is None:
        raise PoolError('pool.kind is ray, but Ray is not installed here: pip install "openreactor[ray]"')
    return RayPool(spec, state_folder, os.environ)
