"""The fake peer and the real one pass the same checks, the real one as programs use it and alone with the engine."""

from __future__ import annotations

import pytest

from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import PeerFactory
from reactor_rtc.wrtc_peer import WrtcPeer
from reactor_testing.fake_peer import FakePeer
from reactor_testing.peer_conformance import CHECKS
from reactor_testing.peer_media_checks import Check

NETWORK = pytest.mark.network


@pytest.fixture(params=["fake", pytest.param("wrtc", marks=NETWORK), pytest.param("proxy", marks=NETWORK)])
def factory(request: pytest.FixtureRequest) -> PeerFactory:
    factories: dict[str, PeerFactory] = {"fake": FakePeer.factory(), "wrtc": WrtcPeer, "proxy": make_peer}
    return factories[request.param]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_peer(check: Check, factory: PeerFactory) -> None:
    await check(factory, factory)
