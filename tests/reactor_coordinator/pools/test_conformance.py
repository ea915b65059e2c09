"""Both pools pass the same checks: processes on this machine, and a real Ray cluster of two nodes."""

from __future__ import annotations

import pytest

from reactor_testing.pool_conformance import CHECKS, Arena, Check

pytestmark = pytest.mark.network


@pytest.fixture(params=["local", "ray"])
def arena(request: pytest.FixtureRequest) -> Arena:
    chosen: Arena = request.getfixturevalue(f"{request.param}_arena")
    return chosen


@pytest.mark.timeout(240)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_pool(check: Check, arena: Arena) -> None:
    await check(arena)
