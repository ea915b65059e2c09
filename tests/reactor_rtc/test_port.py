"""The values of the port, and that both implementations have its verbs."""

from __future__ import annotations

import inspect

import pytest

from reactor_rtc.peer_proxy import PeerProxy, make_peer
from reactor_rtc.port import IceServer, Peer, PeerConfig, PeerFactory, PeerState, PeerStats, TrackStats
from reactor_rtc.wrtc_peer import WrtcPeer
from reactor_testing.fake_peer import FakeNetwork, FakePeer

VERBS = {
    "state",
    "offer",
    "accept_answer",
    "answer",
    "add_candidate",
    "send",
    "buffered",
    "tag",
    "send_media",
    "set_active",
    "shared_codec",
    "share",
    "send_encoded",
    "ask_keyframe",
    "bandwidth",
    "media",
    "stats",
    "close",
}
FACTORIES: list[PeerFactory] = [make_peer, FakeNetwork().make_peer]  # mypy compares the signatures


def test_states_are_those_of_w3c() -> None:
    assert [state.value for state in PeerState] == ["new", "connecting", "connected", "disconnected", "failed", "closed"]


def test_nothing_is_asked_of_the_internet_by_default() -> None:
    config = PeerConfig()
    assert config.ice_servers == ()
    assert config.relay_only is False
    assert config.port_range is None
    assert config.gather_limit_s < 1


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(IceServer(("turn:turn.example.com",), "user", "secret"))


def test_figures_that_do_not_apply_are_zero() -> None:
    stats = TrackStats("video", "send")
    assert (stats.fps, stats.bitrate, stats.jitter, stats.packet_loss, stats.width, stats.height, stats.frames) == (0,) * 7
    assert PeerStats() == PeerStats(None, None, None, {})


@pytest.mark.parametrize("kind", [WrtcPeer, PeerProxy, FakePeer])
def test_an_implementation_has_the_verbs(kind: type) -> None:
    assert {name for name in vars(Peer) if not name.startswith("_")} == VERBS
    for name in VERBS - {"state"}:
        theirs = inspect.signature(getattr(kind, name)).parameters
        assert list(theirs) == list(inspect.signature(getattr(Peer, name)).parameters), name
