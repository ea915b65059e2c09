"""One encoder for many viewers, over real WebRTC."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from tests.reactor_runtime.narrow_path import NarrowVisitor, narrow_path
from tests.reactor_runtime.runtime_support import MODELS, House, opened
from tests.reactor_runtime.visitor import Visitor, level_of
from tests.reactor_runtime.waiting import poll

from reactor_protocol.codec import JSON_CODEC
from reactor_protocol.messages import PauseTrack, ResumeTrack
from reactor_rtc.frames import VideoFrame
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import EventSink, PeerConfig, SharingRole
from reactor_rtc.wrtc_peer import WrtcPeer
from reactor_runtime.config import Manifest

pytestmark = pytest.mark.network

GALLERY = Manifest(MODELS, "gallery_model:Gallery", "gallery", None)
LIMIT_S = 40.0
BREAK_S = 1.0
"""What no viewer may wait for its next picture, in seconds: four times what is aimed at, since the machine is shared."""
OWN, LEAD, FOLLOW = SharingRole.OWN, SharingRole.LEAD, SharingRole.FOLLOW


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with opened(GALLERY, factory=make_peer) as house:
        await house.start()
        yield house


async def viewer(house: House, *tracks: str) -> Visitor:
    """A viewer that takes these tracks."""
    visitor = house.visitor()
    visitor.tracks = [(track, "video", "recvonly") for track in tracks or ("main",)]
    await visitor.connect()
    for track in tracks or ("main",):
        visitor.resume(track)
    return visitor


async def audience(house: House, count: int) -> list[Visitor]:
    """So many viewers, each of whom sees the picture. The first one leads."""
    viewers = []
    for _ in range(count):
        viewers.append(await viewer(house))
        await viewers[-1].picture(60)
    return viewers


def roles(house: House, track: str = "main") -> list[SharingRole]:
    return list(house.runtime.broadcast.audience(track).values())


async def until(house: House, *wanted: SharingRole, track: str = "main") -> None:
    async def reached() -> bool:
        return roles(house, track) == list(wanted)

    await poll(reached, LIMIT_S)


async def show(house: House, by: Visitor, level: int, *viewers: Visitor, width: int = 128, height: int = 96) -> None:
    """Has the model show that, and waits until these viewers see it."""
    assert (await by.command("show", level=level, width=width, height=height)).error is None
    for picture in await asyncio.gather(*(one.picture(level) for one in viewers)):
        assert (picture.width, picture.height) == (width, height)


async def longest_break(watching: Visitor, level: int, ended: asyncio.Event, tolerance: int = 4) -> float:
    """The longest time between two pictures until one of that level is there after the end."""
    last, longest = time.monotonic(), 0.0
    async with asyncio.timeout(LIMIT_S):
        async for media in watching.peer.media(watching.mids["main"]):
            now = time.monotonic()
            last, longest = now, max(longest, now - last)
            assert isinstance(media, VideoFrame)
            if ended.is_set() and abs(level_of(media) - level) <= tolerance:
                return longest
    raise AssertionError("the track has ended")


async def leave(*visitors: Visitor) -> None:
    await asyncio.gather(*(visitor.leave() for visitor in visitors))


async def test_three_viewers_share_one_encoder_and_all_see_the_picture(house: House) -> None:
    viewers = await audience(house, 3)
    assert roles(house) == [LEAD, FOLLOW, FOLLOW]
    for level in (120, 200, 90):
        await show(house, viewers[0], level, *viewers)
    await leave(*viewers)


async def test_a_single_viewer_shares_with_nobody(house: House) -> None:
    first, second = await audience(house, 2)
    await second.leave()
    await until(house, OWN)
    await show(house, first, 120, first)
    await leave(first)


@pytest.mark.timing
async def test_the_leader_may_leave_at_any_moment(house: House) -> None:
    viewers = await audience(house, 4)
    for level in (100, 140):
        leader, *others = viewers
        ended = asyncio.Event()
        breaks = [asyncio.create_task(longest_break(one, level, ended)) for one in others]
        await leader.leave()
        await until(house, LEAD, *[FOLLOW] * (len(others) - 1))
        await others[0].command("show", level=level)
        ended.set()
        assert max(await asyncio.gather(*breaks)) < BREAK_S
        viewers = others
    await leave(*viewers)


@pytest.mark.timing
async def test_who_comes_late_sees_the_picture_at_once(house: House) -> None:
    viewers = await audience(house, 2)
    ended = asyncio.Event()
    watching = asyncio.create_task(longest_break(viewers[0], 60, ended))
    late = await viewer(house)
    asked = time.monotonic()
    await late.picture(60)
    assert time.monotonic() - asked < BREAK_S
    ended.set()
    assert await watching < BREAK_S
    await leave(*viewers, late)


async def test_who_comes_late_to_a_model_that_stands_still_sees_its_last_picture(house: House) -> None:
    first = await viewer(house)
    await first.picture(60)
    await first.command("stand_still")
    for _ in range(2):
        late = house.visitor()
        late.tracks = [("main", "video", "recvonly")]
        await late.connect()
        watching = asyncio.create_task(late.picture(60))  # there is one picture, which is lost on who does not look
        late.resume()
        await watching
    assert roles(house) == [LEAD, FOLLOW, FOLLOW]
    await first.command("stand_still", still=False)
    await show(house, first, 130, first, late)
    await leave(first, late)


async def test_a_follower_pauses_and_resumes(house: House) -> None:
    first, second, third = await audience(house, 3)
    second.say(PauseTrack("main"))
    await until(house, LEAD, FOLLOW)
    dark = asyncio.create_task(second.picture(200))
    await show(house, first, 200, first, third)
    assert not dark.done()
    second.resume()
    await dark
    assert roles(house) == [LEAD, FOLLOW, FOLLOW]
    await show(house, first, 90, first, second, third)
    await leave(first, second, third)


async def test_the_leader_pauses_and_resumes(house: House) -> None:
    first, second, third = await audience(house, 3)
    first.say(PauseTrack("main"))
    await until(house, LEAD, FOLLOW)
    await show(house, first, 200, second, third)
    first.resume()
    await first.picture(200)
    assert roles(house) == [LEAD, FOLLOW, FOLLOW]
    await show(house, first, 90, first, second, third)
    await leave(first, second, third)


async def test_the_size_changes_and_may_be_odd(house: House) -> None:
    viewers = await audience(house, 3)
    for level, (width, height) in zip((100, 140, 180, 90), ((320, 180), (121, 91), (16, 16), (1281, 721)), strict=True):
        await show(house, viewers[0], level, *viewers, width=width, height=height)
    await leave(*viewers)


async def test_each_track_has_an_encoder_of_its_own(house: House) -> None:
    both, main, side = await viewer(house, "main", "side"), await viewer(house, "main"), await viewer(house, "side")
    await asyncio.gather(both.picture(60), both.picture(195, "side"), main.picture(60), side.picture(195, "side"))
    assert roles(house, "main") == [LEAD, FOLLOW]
    assert roles(house, "side") == [LEAD, FOLLOW]
    await both.leave()
    await until(house, OWN)
    await until(house, OWN, track="side")
    await main.command("show", level=100)
    await asyncio.gather(main.picture(100), side.picture(155, "side"))
    await leave(main, side)


@pytest.mark.timing
async def test_a_viewer_on_a_narrow_path_gets_what_it_can_take_and_holds_back_nobody(house: House) -> None:
    first, second = await audience(house, 2)
    async with narrow_path(400_000) as path:
        slow = NarrowVisitor(house.http, house.factory, path)
        slow.tracks = [("main", "video", "recvonly")]
        await slow.connect()
        slow.resume()
        await slow.picture(60)
        assert roles(house) == [LEAD, FOLLOW, FOLLOW]
        await first.command("show", level=100, width=640, height=360)
        await first.command("make_noise")
        ended = asyncio.Event()
        breaks = [asyncio.create_task(longest_break(one, 120, ended, tolerance=30)) for one in (first, second)]
        await until(house, LEAD, FOLLOW, OWN)
        picture = await slow.picture()
        assert (picture.width, picture.height) == (640, 360)
        ended.set()
        assert max(await asyncio.gather(*breaks)) < BREAK_S
        await leave(first, second, slow)


async def test_a_viewer_whose_path_is_too_small_gets_an_encoder_of_its_own_and_comes_back() -> None:
    paths = {0: 5e6, 1: 5e6, 2: 5e6}

    class Measured(WrtcPeer):
        """A peer whose path is what the test says."""

        number = 0

        async def bandwidth(self) -> float | None:
            return paths[self.number]

    numbers = iter(paths)

    def factory(config: PeerConfig, on_event: EventSink) -> WrtcPeer:
        peer = Measured(config, on_event)
        peer.number = next(numbers)
        return peer

    async with opened(GALLERY, factory=factory) as house:
        await house.start()
        house.factory = make_peer
        viewers = await audience(house, 3)
        paths[2] = 0.0
        await until(house, LEAD, FOLLOW, OWN)
        await show(house, viewers[0], 120, *viewers)
        paths[2] = 5e6
        await until(house, LEAD, FOLLOW, FOLLOW)
        await show(house, viewers[0], 160, *viewers)
        await leave(*viewers)


async def test_a_viewer_with_another_engine_follows_too(house: House) -> None:
    first = await viewer(house)
    await first.picture(60)
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channels = {name: connection.createDataChannel(name) for name in ("control", "data")}
    tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    welcomed = asyncio.Event()
    connection.on("track", tracks.put_nowait)
    channels["data"].on("message", lambda _text: welcomed.set())
    connection.addTransceiver("video", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    path = f"{house.root}/connections/1002/sdp_params"
    mapping = [{"mid": "0", "name": "main", "kind": "video", "direction": "recvonly"}]
    body = {"sdp_offer": connection.localDescription.sdp, "track_mapping": mapping}
    assert (await house.http.post(path, json=body)).status_code == 202
    answer: str = (await house.http.get(path)).json()["sdp_answer"]
    async with asyncio.timeout(LIMIT_S):
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        track = await tracks.get()
        await welcomed.wait()
        channels["control"].send(str(JSON_CODEC.encode(ResumeTrack("main")).payload))
        while abs(int((await track.recv()).to_ndarray(format="rgb24").mean()) - 60) > 4:  # type: ignore[union-attr]
            pass
        assert roles(house) == [LEAD, FOLLOW]
        await first.command("show", level=180, width=320, height=180)
        while abs(int((await track.recv()).to_ndarray(format="rgb24").mean()) - 180) > 4:  # type: ignore[union-attr]
            pass
    await connection.close()
    await leave(first)
