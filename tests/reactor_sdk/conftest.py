"""A fake coordinator, and clients that are cleaned up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import pytest

from reactor_sdk import Reactor
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

MakeReactor: TypeAlias = Callable[[], Reactor]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REACTOR_API_KEY", "REACTOR_API_URL", "REACTOR_LOCAL_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def fake() -> AsyncIterator[FakeCoordinator]:
    async with FakeCoordinator() as coordinator:
        yield coordinator


@pytest.fixture
async def make_reactor(fake: FakeCoordinator) -> AsyncIterator[MakeReactor]:
    """Makes clients of the fake coordinator, which end with the test."""
    made: list[Reactor] = []

    def make() -> Reactor:
        made.append(Reactor("echo", API_KEY, fake.url))
        return made[-1]

    yield make
    for reactor in made:
        await reactor.disconnect()


@pytest.fixture
async def reactor(make_reactor: MakeReactor) -> Reactor:
    """A client that is not connected yet."""
    return make_reactor()


@pytest.fixture
async def connected(reactor: Reactor) -> Reactor:
    """A client that is READY."""
    await reactor.connect()
    return reactor
