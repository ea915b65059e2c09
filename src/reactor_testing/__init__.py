"""Fakes and conformance suites, for tests of openreactor and of what is built on it.

``FakePeer`` and ``FakeNetwork`` connect two peers in memory; ``peer_conformance`` holds what every peer must pass;
``FakeCoordinator`` serves the hosted REST API with a small model behind it.
"""

from reactor_testing.fake_coordinator import FakeCoordinator
from reactor_testing.fake_peer import FakeNetwork, FakePeer

__all__ = ["FakeCoordinator", "FakeNetwork", "FakePeer"]
