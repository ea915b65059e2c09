"""The pool that a configuration asks for."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from reactor_coordinator.config import LocalPoolSpec, RayPoolSpec
from reactor_coordinator.pools.factory import make_pool
from reactor_coordinator.pools.local import LocalPool
from reactor_coordinator.pools.port import PoolError
from reactor_coordinator.pools.ray import RayPool


def test_both_kinds(tmp_path: Path) -> None:
    assert isinstance(make_pool(LocalPoolSpec(workers=3), tmp_path, 1), LocalPool)
    assert isinstance(make_pool(RayPoolSpec(kind="ray"), tmp_path, 1), RayPool)


def test_without_ray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PoolError, match=r'Ray is not installed here: pip install "openreactor\[ray\]"'):
        make_pool(RayPoolSpec(kind="ray"), tmp_path, 1)
