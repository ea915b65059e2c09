"""The fake peer and the real one pass the same checks."""

from __future__ import annotations

import pytest

from reactor_rtc.port import PeerFactory
from reactor_rtc.wrtc_peer import make_peer
from reactor_testing.fake_peer import FakePeer
from reactor_testing.peer_conformance import CHECKS
from reactor_testing.peer_media_checks import Check


@pytest.fixture(params=["fake", pytest.param("wrtc", marks=pytest.mark.network)])
def factory(request: pytest.FixtureRequest) -> PeerFactory:
    return FakePeer.factory() if request.param == "fake" else make_peer


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_peer(check: Check, factory: PeerFactory) -> None:
    await check(factory, factory)
