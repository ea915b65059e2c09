"""Preset tracks: the offer is made before there is a session, and used only where what it was made for is right."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.reactor_sdk.scripted_peer import ScriptedPeer

from reactor_protocol.resources import Track
from reactor_rtc.port import EventSink, IceServer, PeerConfig, PeerState
from reactor_sdk.preparation import Preparation, track_differences
from reactor_sdk.signalling import Signalling

STUN = IceServer(("stun:127.0.0.1:3478",))


def track(name: str, kind: str = "video", direction: str = "recvonly") -> Track:
    return Track.model_validate({"name": name, "kind": kind, "direction": direction})


class Owner:
    """Makes peers, and answers which ICE servers there are."""

    def __init__(self, servers: tuple[IceServer, ...] = ()) -> None:
        self.peers: list[ScriptedPeer] = []
        self.servers = servers

    def make_peer(self, config: PeerConfig, on_event: EventSink) -> Any:
        self.peers.append(ScriptedPeer(config, on_event))
        return self.peers[-1]

    async def ice_servers(self) -> tuple[IceServer, ...]:
        return self.servers

    def prepare(self, *preset: Track) -> Preparation:
        return Preparation(self.make_peer, cast(Any, SimpleNamespace(message_received=print)), preset)

    @property
    def signalling(self) -> Signalling:
        return cast(Signalling, self)


@pytest.mark.parametrize("waits", [False, True])
async def test_the_offer_is_made_ahead_and_used(waits: bool, caplog: pytest.LogCaptureFixture) -> None:
    owner, tracks = Owner(), (track("a"), track("b", "audio"))
    async with owner.prepare(*tracks) as preparation:
        await asyncio.sleep(0)
        assert len(owner.peers) == 1  # before anything was asked
        if waits:
            await preparation.begin(owner.signalling)
        _, (_, mapping) = await preparation.finish(owner.signalling, tracks[::-1])
    assert [each.name for each in mapping] == ["a", "b"]
    assert len(owner.peers) == 1
    assert not caplog.records


@pytest.mark.parametrize("waits", [False, True])
async def test_ice_servers_that_are_to_be_used_make_it_anew(waits: bool) -> None:
    owner = Owner((STUN,))
    async with owner.prepare(track("a")) as preparation:
        if waits:
            await preparation.begin(owner.signalling)
        await preparation.finish(owner.signalling, [track("a")])
    assert [peer.config.ice_servers for peer in owner.peers] == [(), (STUN,)]
    assert [peer.state for peer in owner.peers] == [PeerState.CLOSED, PeerState.NEW]


async def test_other_tracks_make_it_anew_and_are_told(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    async with owner.prepare(track("a")) as preparation:
        _, (_, mapping) = await preparation.finish(owner.signalling, [track("b")])
    assert [each.name for each in mapping] == ["b"]
    assert [peer.state for peer in owner.peers] == [PeerState.CLOSED, PeerState.NEW]
    (told,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "(a is gone; b (video, recvonly) is new)" in told
    assert "`reactor codegen`" in told


async def test_without_presets_nothing_is_made_ahead() -> None:
    owner = Owner()
    async with owner.prepare() as preparation:
        await preparation.begin(owner.signalling)
        assert owner.peers == []
        await preparation.finish(owner.signalling, [track("a")])
    assert len(owner.peers) == 1


async def test_what_was_made_ahead_is_closed_when_connecting_fails() -> None:
    owner = Owner()

    async def fail() -> None:
        async with owner.prepare(track("a")):
            await asyncio.sleep(0)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert [peer.state for peer in owner.peers] == [PeerState.CLOSED]


def test_differences_are_named() -> None:
    old = [track("a"), track("b"), track("c")]
    new = [track("c", "audio"), track("a"), track("d", "video", "sendonly")]
    assert track_differences(old, new) == ["b is gone", "c is audio, recvonly, not video, recvonly", "d (video, sendonly) is new"]
    assert track_differences(old, list(reversed(old))) == []
