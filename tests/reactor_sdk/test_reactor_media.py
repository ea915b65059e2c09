"""Tracks and frames in both directions: members of the documented class, against a model on this machine."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
import pytest
from aiortc import AudioStreamTrack, VideoStreamTrack
from tests.reactor_sdk.observer import Observer
from tests.reactor_sdk.waiting import until

from reactor_protocol.messages import PauseTrack, ResumeTrack, UnpublishTrack
from reactor_rtc.frames import AudioBlock, RgbArray, VideoFrame
from reactor_sdk import (
    InvalidArgumentError,
    InvalidStateError,
    Reactor,
    TrackTakenError,
    UnknownTrackError,
    WrongDirectionError,
)
from reactor_testing.fake_coordinator import FakeCoordinator

network = pytest.mark.network

# ----------------------------------------------------------------------------------------------------- publishing


@network
async def test_publish_track_sends_video_and_sound(fake: FakeCoordinator, connected: Reactor) -> None:
    await connected.publish_track("camera", VideoStreamTrack())
    await connected.publish_track("microphone", AudioStreamTrack())
    async with asyncio.timeout(20):
        picture = await fake.model.arrived.until_media("camera", 3)
        sound = await fake.model.arrived.until_media("microphone", 3)
    assert isinstance(picture, VideoFrame)
    assert (picture.width, picture.height) == (640, 480)
    assert isinstance(sound, AudioBlock)
    assert sound.rate == 48_000


@network
async def test_publish_track_that_cannot_be_published(fake: FakeCoordinator, connected: Reactor) -> None:
    track = VideoStreamTrack()
    with pytest.raises(UnknownTrackError, match="'webcam'.*camera.*microphone"):
        await connected.publish_track("webcam", track)
    with pytest.raises(WrongDirectionError, match="main_video"):
        await connected.publish_track("main_video", track)
    with pytest.raises(InvalidArgumentError, match="takes audio"):
        await connected.publish_track("microphone", track)
    fake.model.taken.add("camera")
    with pytest.raises(TrackTakenError, match="already published") as caught:
        await connected.publish_track("camera", track)
    assert caught.value.code == "publish_refused"
    assert connected.get_status() == "ready"


@network
async def test_publish_track_again_replaces_what_was_published(fake: FakeCoordinator, connected: Reactor) -> None:
    first, second = VideoStreamTrack(), VideoStreamTrack()
    await connected.publish_track("camera", first)
    await connected.publish_track("camera", second)
    async with asyncio.timeout(10):
        await fake.model.arrived.until_media("camera", 2)
    assert fake.model.taken == {"camera"}


async def test_publish_track_before_connecting_is_refused(reactor: Reactor) -> None:
    with pytest.raises(InvalidStateError, match="publish_track"):
        await reactor.publish_track("camera", VideoStreamTrack())


@network
async def test_unpublish_track_stops_sending_and_frees_the_slot(fake: FakeCoordinator, connected: Reactor) -> None:
    track = VideoStreamTrack()
    await connected.publish_track("camera", track)
    async with asyncio.timeout(10):
        await fake.model.arrived.until_media("camera")
        await connected.unpublish_track("camera")
        await fake.model.arrived.until_message(UnpublishTrack("camera"))
    assert fake.model.taken == set()
    assert track.readyState == "live"
    await connected.unpublish_track("camera")
    await connected.unpublish_track("no such track")
    await connected.publish_track("camera", track)


async def test_unpublish_track_before_connecting_does_nothing(reactor: Reactor) -> None:
    await reactor.unpublish_track("camera")


@network
async def test_pause_track_and_resume_track(fake: FakeCoordinator, connected: Reactor) -> None:
    async with asyncio.timeout(10):
        await connected.pause_track("main_video")
        await fake.model.arrived.until_message(PauseTrack("main_video"))
        fake.model.arrived.messages.clear()
        await connected.resume_track("main_video")
        await fake.model.arrived.until_message(ResumeTrack("main_video"))
    with pytest.raises(UnknownTrackError, match="depth"):
        await connected.pause_track("depth")
    with pytest.raises(WrongDirectionError, match="camera"):
        await connected.resume_track("camera")


async def test_pause_track_before_connecting_is_refused(reactor: Reactor) -> None:
    with pytest.raises(InvalidStateError, match="pause_track"):
        await reactor.pause_track("main_video")
    with pytest.raises(InvalidStateError, match="resume_track"):
        await reactor.resume_track("main_video")


# --------------------------------------------------------------------------------------------------------- frames


class Frames:
    """A frame callback that keeps what it gets."""

    def __init__(self) -> None:
        self.seen: list[RgbArray] = []

    def __call__(self, frame: RgbArray) -> None:
        self.seen.append(frame)


def is_red(frame: RgbArray) -> bool:
    red, green, blue = (int(value) for value in frame[90, 160])
    return abs(red - 200) < 12 and abs(green - 40) < 12 and abs(blue - 40) < 12


@network
async def test_set_frame_callback_before_connecting(reactor: Reactor) -> None:
    frames = Frames()
    reactor.set_frame_callback(frames)
    await reactor.connect()
    await until(lambda: len(frames.seen) >= 3)
    frame = frames.seen[0]
    assert (frame.shape, frame.dtype, frame.flags.writeable) == ((180, 320, 3), np.dtype("uint8"), True)
    assert is_red(frame)


@network
async def test_set_frame_callback_after_connecting_and_none_stops_it(connected: Reactor) -> None:
    frames = Frames()
    connected.set_frame_callback(frames)
    await until(lambda: frames.seen)
    connected.set_frame_callback(None)
    count = len(frames.seen)
    stream = connected.frames()
    async with asyncio.timeout(10):
        await anext(stream)
        await anext(stream)
    assert len(frames.seen) == count
    with pytest.raises(InvalidArgumentError, match="callable"):
        connected.set_frame_callback(3)  # type: ignore[arg-type]


@network
async def test_set_frame_callback_that_raises_harms_nobody(reactor: Reactor, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def broken(_frame: RgbArray) -> None:
        calls.append(1)
        raise ValueError("boom")

    reactor.set_frame_callback(broken)
    with caplog.at_level(logging.ERROR):
        await reactor.connect()
        await until(lambda: len(calls) >= 3)
    assert "the frame callback raised" in caplog.text
    assert reactor.get_status() == "ready"
    assert await reactor.send_command("echo", {}) == {"type": "echo", "data": {}}


@network
async def test_on_frame_is_the_same_as_set_frame_callback(reactor: Reactor) -> None:
    frames = Frames()
    assert reactor.on_frame(frames) is frames
    await reactor.connect()
    await until(lambda: frames.seen)


@network
async def test_frames_gives_pictures_to_several_readers_until_the_session_ends(fake: FakeCoordinator, connected: Reactor) -> None:
    one, two = connected.frames(), connected.frames("main_video")
    async with asyncio.timeout(20):
        assert is_red(await anext(one))
        assert is_red(await anext(two))
        await connected.send_command("colour", {"red": 20, "green": 200, "blue": 20})
        async for frame in one:
            if frame[90, 160, 1] > 150:
                break
        await connected.disconnect()
        assert [frame async for frame in one] == []


@network
async def test_frames_lasts_through_a_lost_connection(fake: FakeCoordinator, connected: Reactor) -> None:
    observer, stream = Observer(connected), connected.frames()
    async with asyncio.timeout(20):
        await anext(stream)
        await fake.drop()
        await observer.until("error")
        reading = asyncio.create_task(anext(stream))
        await connected.reconnect()
        assert (await reading).shape == (180, 320, 3)


@network
async def test_frames_of_a_track_that_has_none(connected: Reactor) -> None:
    with pytest.raises(UnknownTrackError, match="'depth'.*main_video"):
        connected.frames("depth")
    with pytest.raises(WrongDirectionError, match="camera"):
        connected.frames("camera")
    with pytest.raises(InvalidArgumentError, match="audio"):
        connected.frames("main_audio")


async def test_frames_before_connecting_is_refused(reactor: Reactor) -> None:
    with pytest.raises(InvalidStateError, match="frames"):
        await anext(reactor.frames())
