"""A whole coordinator for the tests of this folder: on SQLite, or on both databases where that may make a difference."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.reactor_coordinator.house import House, configuration, opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """On SQLite, with two workers."""
    async with opened(configuration(tmp_path, echo={"warm": 2})) as opened_house:
        yield opened_house


@pytest.fixture
async def any_house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    """On SQLite and on PostgreSQL."""
    async with opened(configuration(tmp_path, database_url)) as opened_house:
        yield opened_house
