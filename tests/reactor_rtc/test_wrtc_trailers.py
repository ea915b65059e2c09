"""Metadata of pictures over the real engine, between one of our peers and a side that declares, or does not, that it reads it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import webrtc

from reactor_protocol.attributes import TRAILERS, declares_trailers, with_session_line
from reactor_protocol.trailers import FrameTag, split_trailer, trailer
from reactor_rtc.frames import VideoFrame
from reactor_rtc.port import KeyframeWanted, PeerConfig, PeerEvent, PeerState, PictureEncoded, Section, SharingRole
from reactor_rtc.wrtc_media import Inlet, Outlet
from reactor_rtc.wrtc_peer import WrtcPeer
from reactor_rtc.wrtc_trailers import Tagger, Untagger

pytestmark = pytest.mark.network

DEADLINE_S = 40.0


class Declaring:
    """The other side: offers a section to each direction, and declares trailers where ``declares``."""

    def __init__(self, *, declares: bool) -> None:
        self.declares = declares
        self.connection = webrtc.RTCPeerConnection()
        ways = [
            webrtc.RTCRtpTransceiverInit(direction=webrtc.RTCRtpTransceiverDirection(way)) for way in ("sendonly", "recvonly")
        ]
        sends, receives = (self.connection.add_transceiver(webrtc.MediaType("video"), way) for way in ways)
        self.outlet = Outlet(sends, PeerConfig(), active=True)
        if declares:
            self.outlet.tag()
        self.inlet = Inlet(receives.receiver, tagged=declares)

    async def connect(self, ours: WrtcPeer) -> str:
        gathered = asyncio.Event()
        self.connection.on("icecandidate", lambda event: gathered.set() if event.candidate is None else None)
        await self.connection.set_local_description(await self.connection.create_offer())
        await gathered.wait()
        description = self.connection.local_description
        assert description is not None
        offer = with_session_line(description.sdp, TRAILERS) if self.declares else description.sdp
        answer = await ours.answer(offer, [Section("video", "receive", "0"), Section("video", "send", "1")])
        init = webrtc.RTCSessionDescriptionInit(type=webrtc.RTCSdpType("answer"), sdp=answer)
        await self.connection.set_remote_description(init)
        await ours.set_active("1", True)
        return answer


def picture(number: int, *, told: bool) -> VideoFrame:
    data = np.full(64 * 48 * 3 // 2, 100 + number % 50, np.uint8)
    told_of = {"metadata": f"n{number}".encode(), "capture_time_us": 5_000 + number} if told else {}
    return VideoFrame(data, 64, 48, 1_000_000 + number * 33_000, **told_of)  # type: ignore[arg-type]


async def first(frames: AsyncIterator[object], count: int) -> list[VideoFrame]:
    seen: list[VideoFrame] = []
    async for frame in frames:
        assert isinstance(frame, VideoFrame)
        seen.append(frame)
        if len(seen) == count:
            break
    return seen


async def exchange(*, declares: bool, told: bool) -> tuple[str, list[VideoFrame], list[VideoFrame]]:
    """The answer, and the pictures that arrived at our peer and at the other side while both were sending."""
    ours = WrtcPeer(PeerConfig(), lambda _event: None)
    other = Declaring(declares=declares)
    try:
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            await other.outlet.open()
            for number in range(900, 903):
                other.outlet.write(picture(number, told=told))  # nobody is there yet: these are never sent
            answer = await other.connect(ours)

            async def send() -> None:
                for number in range(1_000):
                    if ours.state is PeerState.CONNECTED:
                        ours.send_media("1", picture(number, told=told))
                    other.outlet.write(picture(number, told=told))
                    await asyncio.sleep(0.033)

            sending = tasks.create_task(send())
            async with aclosing(ours.media("0")) as to_us, aclosing(other.inlet.read()) as to_them:  # type: ignore[type-var]
                at_us, at_them = await asyncio.gather(first(to_us, 5), first(to_them, 5))
            sending.cancel()
    finally:
        await ours.close()
        other.connection.close()
    return answer, at_us, at_them


def number_of(frame: VideoFrame) -> int:
    assert frame.metadata is not None
    return int(frame.metadata.removeprefix(b"n"))


async def test_metadata_crosses_both_ways_with_its_own_picture() -> None:
    answer, at_us, at_them = await exchange(declares=True, told=True)
    assert declares_trailers(answer)
    for frames in (at_us, at_them):
        numbers = [number_of(frame) for frame in frames]
        assert numbers == sorted(set(numbers))
        assert [frame.capture_time_us for frame in frames] == [5_000 + number for number in numbers]
        for frame, number in zip(frames, numbers, strict=True):
            assert abs(int(frame.data[: 64 * 48].mean()) - (100 + number % 50)) <= 6, "the metadata is that of another picture"


class Encoded:
    """A picture on its way through the engine."""

    def __init__(self, data: bytes, time: int) -> None:
        self.data = data
        self._time = time

    def get_metadata(self) -> SimpleNamespace:
        return SimpleNamespace(timestamp=self._time, rtp_timestamp=self._time)


async def passed_on(worker: Untagger, *pictures: Encoded) -> list[bytes]:
    """What a transform makes of these pictures."""
    written: list[bytes] = []

    async def readable() -> AsyncIterator[Encoded]:
        for encoded in pictures:
            yield encoded

    async def write(encoded: Encoded) -> None:
        written.append(encoded.data)

    writable = SimpleNamespace(get_writer=lambda: SimpleNamespace(write=write))
    await worker.work(SimpleNamespace(transformer=SimpleNamespace(readable=readable(), writable=writable)))
    return written


def test_each_picture_gets_its_own_trailer_and_none_where_nothing_was_told() -> None:
    tagger = Tagger()
    for time in (10, 20, 30):
        tagger.tell(replace(picture(0, told=False), timestamp_us=time, metadata=b"%d" % time))
    seen = [split_trailer(b"x" + tagger.trailer_of(time)) for time in (20, 25, 30, 30, None)]
    assert seen == [(b"x", FrameTag(2, 20, b"20")), (b"x", None), (b"x", FrameTag(3, 30, b"30")), (b"x", None), (b"x", None)]


def test_the_number_of_a_picture_is_counted_unless_it_has_one() -> None:
    tagger = Tagger()
    for time, number in ((10, 0), (20, 41), (30, 41), (40, None)):
        tagger.tell(replace(picture(0, told=False), timestamp_us=time, number=number))
    numbers = [tag.frame_id for time in (10, 20, 30, 40) if (tag := split_trailer(tagger.trailer_of(time))[1]) is not None]
    assert numbers == [1, 42, 42, 4]


async def test_the_decoder_gets_a_picture_without_its_trailer() -> None:
    untagger = Untagger(SimpleNamespace())  # type: ignore[arg-type]
    tag = FrameTag(7, 5, b"x")
    assert await passed_on(untagger, Encoded(b"codec" + trailer(tag), 90), Encoded(b"plain", 91)) == [b"codec", b"plain"]
    assert untagger.told_of(91) is None
    assert untagger.told_of(90) == tag
    assert untagger.told_of(90) is None
    assert untagger.told_of(None) is None


async def test_what_is_told_of_pictures_that_never_come_is_forgotten() -> None:
    untagger = Untagger(SimpleNamespace())  # type: ignore[arg-type]
    await passed_on(untagger, *(Encoded(trailer(FrameTag(number)), number) for number in range(33)))
    assert untagger.told_of(0) is None
    assert untagger.told_of(1) == FrameTag(1)


async def test_a_picture_of_which_nothing_is_told_has_the_time_of_its_sender() -> None:
    _, at_us, at_them = await exchange(declares=True, told=False)
    for frame in (*at_us, *at_them):
        assert frame.metadata is None
        assert frame.capture_time_us is not None
        assert (frame.capture_time_us - 1_000_000) % 33_000 == 0


async def test_who_follows_gets_the_metadata_of_each_picture_too() -> None:
    seats = [Seat(declares=True), Seat(declares=True), Seat(declares=False)]
    for other in seats[1:]:
        other.follow(seats[0])
    try:
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
            for seat in seats:
                await seat.other.connect(seat.ours)
            seats[0].ours.share("1", SharingRole.LEAD)
            for seat in seats[1:]:
                seat.ours.share("1", SharingRole.FOLLOW)
            sending = tasks.create_task(send_to(seats))
            readers = [await stack.enter_async_context(aclosing(seat.other.inlet.read())) for seat in seats]
            leader, follower, plain = await asyncio.gather(*(first(reader, 20) for reader in readers))
            sending.cancel()
    finally:
        for seat in seats:
            await seat.ours.close()
            seat.other.connection.close()
    for frames in (leader, follower):
        for frame in frames:
            assert frame.capture_time_us == 5_000 + number_of(frame)
            assert abs(int(frame.data[: 64 * 48].mean()) - (100 + number_of(frame) % 50)) <= 6, "metadata of another picture"
    assert {frame.metadata for frame in plain} == {None}


class Seat:
    """One of our peers, and the other side that looks at what it sends."""

    def __init__(self, *, declares: bool) -> None:
        self.ours = WrtcPeer(PeerConfig(), self._heard)
        self.other = Declaring(declares=declares)
        self._followers: list[WrtcPeer] = []

    def follow(self, leader: "Seat") -> None:
        leader._followers.append(self.ours)

    def _heard(self, event: PeerEvent) -> None:
        if isinstance(event, PictureEncoded):
            for follower in self._followers:
                follower.send_encoded("1", event.picture)
        elif isinstance(event, KeyframeWanted):
            self.ours.ask_keyframe("1")


async def send_to(seats: list[Seat]) -> None:
    """Pictures with metadata, until it is cancelled."""
    for number in range(1_000):
        for seat in seats:
            seat.ours.send_media("1", picture(number, told=True))
        if number % 10 == 0:
            seats[0].ours.ask_keyframe("1")
        await asyncio.sleep(0.033)


async def test_a_side_that_does_not_declare_it_gets_none() -> None:
    answer, at_us, at_them = await exchange(declares=False, told=True)
    assert not declares_trailers(answer)
    assert {frame.metadata for frame in (*at_us, *at_them)} == {None}
    assert {frame.capture_time_us for frame in (*at_us, *at_them)} == {None}
