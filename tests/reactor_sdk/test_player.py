"""A looping player of aiortc: it goes on at the file's own rate, and reads a second ahead at most."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc.contrib.media import MediaPlayer

from reactor_rtc.frames import Media, VideoFrame
from reactor_sdk.pace import AHEAD_S
from reactor_sdk.player import AHEAD_FRAMES
from reactor_sdk.tracks import pump

FPS, FRAMES = 50, 15


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """0.3 s of pictures and sound."""
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 10, np.uint8))
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), layout="mono")
            sound.sample_rate, sound.pts = 48_000, number * 960
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


class Sent:
    """What a pump has sent, and the most that its player had read ahead by then."""

    def __init__(self, player: MediaPlayer, wanted: int) -> None:
        self._tracks = [track for track in (player.video, player.audio) if track is not None]
        self._wanted = wanted
        self.media: list[Media] = []
        self.ahead: dict[str, int] = {}
        self.complete = asyncio.Event()

    def __call__(self, media: Media) -> None:
        self.media.append(media)
        for track in self._tracks:
            waiting = track._queue.qsize()  # type: ignore[attr-defined]
            self.ahead[track.kind] = max(waiting, self.ahead.get(track.kind, 0))
        if len(self.media) >= self._wanted:
            self.complete.set()


async def test_a_looping_player_keeps_the_rate_of_its_file(clip: Path) -> None:
    """Four passes; nobody reads the sound."""
    player = MediaPlayer(str(clip), loop=True)
    assert player.video is not None
    assert player.audio is not None
    sent, begun = Sent(player, 4 * FRAMES), time.monotonic()
    pumping = asyncio.ensure_future(pump(player.video, sent))
    async with asyncio.timeout(20):
        await sent.complete.wait()
    assert time.monotonic() - begun >= (4 * FRAMES - 1) / FPS - AHEAD_S
    assert sent.ahead["video"] <= AHEAD_FRAMES["video"]
    assert sent.ahead["audio"] <= AHEAD_FRAMES["audio"]
    assert all(isinstance(media, VideoFrame) for media in sent.media)
    pumping.cancel()
    player.video.stop()


async def test_pictures_and_sound_of_a_looping_player_go_on_together(clip: Path) -> None:
    player = MediaPlayer(str(clip), loop=True)
    assert player.video is not None
    assert player.audio is not None
    pictures, sounds = Sent(player, 3 * FRAMES), Sent(player, 2 * 3 * FRAMES)
    pumping = [asyncio.ensure_future(pump(player.video, pictures)), asyncio.ensure_future(pump(player.audio, sounds))]
    async with asyncio.timeout(20):
        await pictures.complete.wait()
        await sounds.complete.wait()
    assert pictures.ahead["video"] <= AHEAD_FRAMES["video"]
    assert pictures.ahead["audio"] <= AHEAD_FRAMES["audio"]
    for task in pumping:
        task.cancel()
    player.video.stop()
    player.audio.stop()
