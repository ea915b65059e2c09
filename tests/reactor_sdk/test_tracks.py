from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc import AudioStreamTrack, VideoStreamTrack
from aiortc.contrib.media import MediaRecorder
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_sdk import InvalidArgumentError
from reactor_sdk.opening import Opening
from reactor_sdk.tracks import RemoteAudioTrack, RemoteVideoTrack, check_publishable, pump, remote_track


def picture(at_us: int) -> VideoFrame:
    return VideoFrame.from_rgb(np.full((8, 16, 3), 90, np.uint8), at_us)


def sound(at_us: int, channels: int = 2) -> AudioBlock:
    return AudioBlock.from_array(np.full((channels, 480), 5, np.int16), 48_000, at_us)


class Listed(MediaStreamTrack):
    """A track that gives these frames, then ends."""

    def __init__(self, kind: str, frames: list[av.VideoFrame | av.AudioFrame]) -> None:
        super().__init__()
        self.kind = kind
        self._frames = frames

    async def recv(self) -> av.VideoFrame | av.AudioFrame:
        if not self._frames:
            raise MediaStreamError
        return self._frames.pop(0)


async def test_a_remote_track_is_an_aiortc_track_of_its_kind() -> None:
    now = asyncio.get_running_loop().time()
    video, audio = remote_track("video", now), remote_track("audio", now)
    assert isinstance(video, MediaStreamTrack)
    assert isinstance(audio, MediaStreamTrack)
    assert (video.kind, audio.kind) == ("video", "audio")


async def test_video_gives_the_newest_frame_with_its_time() -> None:
    track = RemoteVideoTrack(asyncio.get_running_loop().time())
    track.put(picture(1_000_000))
    track.put(picture(1_033_000))
    frame = await track.recv()
    assert (frame.width, frame.height, frame.format.name) == (16, 8, "yuv420p")
    assert frame.time_base == Fraction(1, 90_000)
    assert frame.pts is not None
    track.put(picture(1_133_000))
    later = await track.recv()
    assert later.pts is not None
    assert later.pts - frame.pts == 9_000  # 100 ms


async def dates(taken_us: list[int]) -> list[int]:
    """The ``pts`` of pictures taken at these times, from that of the first on."""
    track = RemoteVideoTrack(asyncio.get_running_loop().time())
    found = []
    for at_us in taken_us:
        track.put(picture(at_us))
        found.append((await track.recv()).pts or 0)
    return [pts - found[0] for pts in found]


async def test_pictures_that_come_early_are_a_thirtieth_of_a_second_apart_for_recorders() -> None:
    assert await dates([0, 10_000, 20_000, 200_000]) == [0, 3_000, 6_000, 18_000]


async def test_a_video_of_sixty_frames_a_second_keeps_its_dates_but_for_the_first() -> None:
    assert (await dates([step * 1_000_000 // 60 for step in range(60)]))[-1] == pytest.approx(88_500, abs=1)
    found = await dates([step * 1_000_000 // 60 for step in range(60)])
    assert found == sorted(set(found))


class Jittering(RemoteVideoTrack):
    """Gives twenty pictures at thirty a second, every fifth of them 30 ms early, then ends and says so."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop().time())
        self.given = 0
        self.over = asyncio.Event()

    async def recv(self) -> av.VideoFrame:
        if self.given == 20:
            self.stop()
            self.over.set()
        early = 30_000 if self.given % 5 == 4 else 0
        self.put(VideoFrame.from_rgb(np.full((64, 64, 3), 90, np.uint8), self.given * 33_333 - early))
        self.given += 1
        return await super().recv()


async def test_a_recorder_of_aiortc_takes_video_that_jitters(tmp_path: Path) -> None:
    track = Jittering()
    recorder = MediaRecorder(str(tmp_path / "clip.mp4"))
    recorder.addTrack(track)
    await recorder.start()
    async with asyncio.timeout(20):
        await track.over.wait()
    await recorder.stop()
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        assert len(list(clip.decode(video=0))) == 20


@pytest.mark.parametrize("sound_first", [True, False])
async def test_a_recorder_of_both_has_the_picture_that_comes_after_the_sound(tmp_path: Path, sound_first: bool) -> None:
    opening, now = Opening(), asyncio.get_running_loop().time()
    video, audio = remote_track("video", now, opening), remote_track("audio", now, opening)
    recorder = MediaRecorder(str(tmp_path / "clip.mp4"))
    for track in (audio, video) if sound_first else (video, audio):
        recorder.addTrack(track)
    await recorder.start()
    for number in range(60):
        audio.put(sound(number * 10_000))
        if number >= 30 and number % 4 == 0:
            video.put(VideoFrame.from_rgb(np.full((90, 160, 3), 90, np.uint8), number * 10_000))
        await asyncio.sleep(0.01)
    await recorder.stop()
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        pictures = list(clip.decode(video=0))
        assert {(frame.width, frame.height) for frame in pictures} == {(160, 90)}
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        assert sum(frame.samples for frame in clip.decode(audio=0)) >= 10 * 480


async def test_sound_that_is_heard_alone_waits_for_no_picture() -> None:
    opening, now = Opening(), asyncio.get_running_loop().time()
    remote_track("video", now, opening)
    audio = remote_track("audio", now, opening)
    audio.put(sound(0))
    async with asyncio.timeout(4):  # a fifth less than what it would wait for a picture
        await audio.recv()


async def test_sound_does_not_wait_for_ever_for_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor_sdk.opening.LIMIT_S", 0.1)
    opening, now = Opening(), asyncio.get_running_loop().time()
    watching = asyncio.ensure_future(remote_track("video", now, opening).recv())
    audio = remote_track("audio", now, opening)
    audio.put(sound(0))
    async with asyncio.timeout(20):
        await audio.recv()
    watching.cancel()


async def test_audio_is_stereo_and_laid_end_to_end() -> None:
    track = RemoteAudioTrack(asyncio.get_running_loop().time())
    for number, channels in enumerate((1, 2, 2)):
        track.put(sound(number * 10_400, channels))  # dated a little apart, as engines do
    frames = [await track.recv() for _ in range(3)]
    assert [(frame.layout.name, frame.samples, frame.sample_rate, frame.format.name) for frame in frames] == [
        ("stereo", 480, 48_000, "s16")
    ] * 3
    start = frames[0].pts or 0
    assert [(frame.pts or 0) - start for frame in frames] == [0, 480, 960]
    track.put(sound(500_000))
    later = await track.recv()
    assert (later.pts or 0) - start == pytest.approx(24_000, abs=480)


async def test_audio_keeps_a_fifth_of_a_second() -> None:
    track = RemoteAudioTrack(asyncio.get_running_loop().time())
    for number in range(50):
        track.put(sound(number * 10_000))
    first = await track.recv()
    assert (first.pts or 0) >= 30 * 480


async def test_a_stopped_track_ends_its_readers() -> None:
    track = RemoteVideoTrack(asyncio.get_running_loop().time())
    ended = asyncio.Event()
    track.on("ended", ended.set)
    async with asyncio.TaskGroup() as group:
        reader = group.create_task(_ends(track))
        await asyncio.sleep(0)
        track.stop()
    assert reader.result()
    assert ended.is_set()
    assert track.readyState == "ended"
    track.put(picture(0))
    assert await _ends(track)


async def _ends(track: MediaStreamTrack) -> bool:
    try:
        await track.recv()
    except MediaStreamError:
        return True
    return False


async def test_what_can_be_published() -> None:
    check_publishable("camera", "video", VideoStreamTrack())
    with pytest.raises(InvalidArgumentError, match="takes video, and the given track is audio"):
        check_publishable("camera", "video", AudioStreamTrack())
    with pytest.raises(InvalidArgumentError, match="aiortc MediaStreamTrack, got str"):
        check_publishable("camera", "video", "webcam.mp4")
    over = VideoStreamTrack()
    over.stop()
    with pytest.raises(InvalidArgumentError, match="has ended"):
        check_publishable("camera", "video", over)


async def test_pump_sends_pictures_of_any_format_dated_now() -> None:
    sent: list[Media] = []
    rgb = av.VideoFrame.from_ndarray(np.full((8, 16, 3), 90, np.uint8), format="rgb24")
    yuv = rgb.reformat(format="yuv420p")
    before = asyncio.get_running_loop().time()
    await pump(Listed("video", [rgb, yuv]), sent.append)
    assert [(each.width, each.height) for each in sent if isinstance(each, VideoFrame)] == [(16, 8)] * 2
    assert all(each.timestamp_us >= int(before * 1e6) for each in sent)


async def test_pump_makes_48_khz_blocks_of_10_ms_of_any_sound() -> None:
    sent: list[Media] = []
    frames: list[av.VideoFrame | av.AudioFrame] = []
    for number in range(10):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 160), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8_000, number * 160, Fraction(1, 8_000)
        frames.append(frame)
    floats = av.AudioFrame.from_ndarray(np.zeros((6, 4_800), np.float32), format="fltp", layout="5.1")
    floats.sample_rate = 48_000
    frames.append(floats)
    await pump(Listed("audio", frames), sent.append)
    blocks = [(each.samples.shape, each.rate) for each in sent if isinstance(each, AudioBlock)]
    assert blocks.count(((1, 480), 48_000)) >= 18
    assert blocks.count(((2, 480), 48_000)) == 10
    assert len(blocks) == len(sent)


class Unpaced(MediaStreamTrack):
    """Gives a picture whenever it is asked, and never waits for anything."""

    kind = "video"

    def __init__(self, work: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._work = work
        self.given = 0

    async def recv(self) -> av.VideoFrame:
        self._work()
        self.given += 1
        return av.VideoFrame(16, 16, "yuv420p")


async def test_the_loop_has_its_turn_beside_a_track_that_never_waits() -> None:
    track = Unpaced()
    pumping = asyncio.ensure_future(pump(track, lambda _media: None))
    for _ in range(10):
        await asyncio.sleep(0)
    assert 1 <= track.given <= 10
    pumping.cancel()


async def test_the_loop_has_its_turn_beside_a_track_that_blocks() -> None:
    """As one that reads a camera where it should not."""
    track = Unpaced(lambda: time.sleep(0.02))
    pumping = asyncio.ensure_future(pump(track, lambda _media: None))
    for turns in range(5):
        assert track.given <= turns
        await asyncio.sleep(0)
    pumping.cancel()


async def test_a_track_without_a_pace_gets_one() -> None:
    sent: list[Media] = []
    enough, begun = asyncio.Event(), time.monotonic()

    def send(media: Media) -> None:
        sent.append(media)
        if len(sent) > 30:
            enough.set()

    pumping = asyncio.ensure_future(pump(Unpaced(), send))
    async with asyncio.timeout(20):
        await enough.wait()
    assert time.monotonic() - begun >= 30 / 60 - 0.1
    pumping.cancel()
