"""One encoder for many viewers, over fake peers."""

import asyncio
from dataclasses import replace

import pytest
from tests.reactor_runtime.runtime_support import MODELS, House, opened
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import PauseTrack
from reactor_rtc.port import EventSink, PeerConfig, SharingRole
from reactor_runtime.broadcast import Seat
from reactor_runtime.config import Manifest
from reactor_testing.fake_peer import FakeNetwork, FakePeer

GALLERY = Manifest(MODELS, "gallery_model:Gallery", "gallery", None)
LIMIT_S = 40.0
OWN, LEAD, FOLLOW = SharingRole.OWN, SharingRole.LEAD, SharingRole.FOLLOW


async def viewer(house: House) -> Visitor:
    visitor = house.visitor()
    visitor.tracks = [("main", "video", "recvonly"), ("side", "video", "recvonly")]
    await visitor.connect()
    watching = asyncio.create_task(visitor.picture(60))
    visitor.resume()
    await watching
    return visitor


def seats(house: House) -> dict[Seat, SharingRole]:
    return house.runtime.broadcast.audience("main")


def roles(house: House) -> list[SharingRole]:
    return list(seats(house).values())


async def until(house: House, *wanted: SharingRole) -> None:
    async def reached() -> bool:
        return roles(house) == list(wanted)

    await poll(reached, LIMIT_S)


async def test_viewers_share_from_the_second_on_and_see_what_changes() -> None:
    async with opened(GALLERY) as house:
        await house.start()
        viewers = [await viewer(house)]
        assert roles(house) == [OWN]
        viewers += [await viewer(house), await viewer(house)]
        assert roles(house) == [LEAD, FOLLOW, FOLLOW]
        await viewers[0].command("show", level=120)
        await asyncio.gather(*(one.picture(120) for one in viewers))
        await viewers[0].leave()
        await until(house, LEAD, FOLLOW)
        await viewers[1].command("show", level=200)
        await asyncio.gather(*(one.picture(200) for one in viewers[1:]))
        viewers[1].say(PauseTrack("main"))
        await until(house, OWN)
        await viewers[2].command("show", level=90)
        await viewers[2].picture(90)


async def test_nothing_is_left_of_viewers_that_have_gone() -> None:
    async with opened(GALLERY) as house:
        await house.start()
        for _ in range(3):
            viewers = [await viewer(house) for _ in range(3)]
            await asyncio.gather(*(one.leave() for one in viewers))
            await until(house)
        broadcast = house.runtime.broadcast
        assert (broadcast._plans, broadcast._seats, broadcast._timers) == ({}, {}, {})


async def test_a_follower_that_needs_a_keyframe_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[FakePeer] = []
    ask = FakePeer.ask_keyframe

    def note(peer: FakePeer, mid: str) -> None:
        asked.append(peer)
        ask(peer, mid)

    monkeypatch.setattr(FakePeer, "ask_keyframe", note)
    async with opened(GALLERY) as house:
        await house.start()
        viewers = [await viewer(house) for _ in range(3)]
        leader = next(iter(seats(house))).peer
        asked.clear()
        for follower in viewers[1:]:
            assert isinstance(follower.peer, FakePeer)
            follower.peer.want_keyframe(follower.mids["main"])

        async def answered() -> bool:
            return bool(asked)

        await poll(answered, LIMIT_S)
        assert asked == [leader]
        await asyncio.gather(*(one.picture(60) for one in viewers))


async def test_who_takes_another_codec_has_an_encoder_of_its_own() -> None:
    network = FakeNetwork()
    codecs = iter([("VP8",), ("VP9",), ("VP8",), ("VP9",)])

    def factory(config: PeerConfig, on_event: EventSink) -> FakePeer:
        return network.make_peer(replace(config, video_codecs=next(codecs)), on_event)

    async with opened(GALLERY, factory=factory) as house:
        await house.start()
        house.factory = network.make_peer
        viewers = [await viewer(house) for _ in range(2)]
        assert roles(house) == [OWN, OWN]
        viewers += [await viewer(house) for _ in range(2)]
        assert roles(house) == [LEAD, LEAD, FOLLOW, FOLLOW]
        await viewers[0].command("show", level=120)
        await asyncio.gather(*(one.picture(120) for one in viewers))


async def test_a_viewer_out_of_reach_leads_nobody() -> None:
    network = FakeNetwork()
    async with opened(GALLERY, factory=network.make_peer) as house:
        await house.start()
        viewers = [await viewer(house) for _ in range(3)]
        assert isinstance(viewers[0].peer, FakePeer)
        network.drop(viewers[0].peer)
        await until(house, FOLLOW, LEAD, FOLLOW)
        await viewers[1].command("show", level=120)
        await asyncio.gather(*(one.picture(120) for one in viewers[1:]))
        network.restore(viewers[0].peer)
        await viewers[0].picture(120)
