"""A client of a fake coordinator, joined in memory: no sockets but the one of HTTP, no codecs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from tests.reactor_sdk.notebook.page import Page

from reactor_rtc.port import PeerFactory
from reactor_sdk import Reactor
from reactor_sdk.notebook.panel import Panel, PanelOptions
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator
from reactor_testing.fake_peer import FakeNetwork


@pytest.fixture
async def network() -> FakeNetwork:
    return FakeNetwork()


@pytest.fixture
async def fake(network: FakeNetwork) -> AsyncIterator[FakeCoordinator]:
    async with FakeCoordinator(peer_factory=network.make_peer) as coordinator:
        yield coordinator


@pytest.fixture
async def reactor(fake: FakeCoordinator, network: FakeNetwork) -> AsyncIterator[Reactor]:
    """A client that is not connected yet."""

    class Joined(Reactor):
        _make_peer: ClassVar[PeerFactory] = staticmethod(network.make_peer)

    client = Joined("echo", API_KEY, fake.url)
    yield client
    await client.disconnect()


@pytest.fixture
async def page() -> Page:
    return Page()


@pytest.fixture
async def panel(reactor: Reactor, page: Page) -> AsyncIterator[Panel]:
    """A panel of that client on that page, which has said that it is there."""
    shown = Panel(reactor, reactor._link.frames, "echo", page.send, PanelOptions())
    shown.receive({"type": "hello"})
    yield shown
    await shown.close()
