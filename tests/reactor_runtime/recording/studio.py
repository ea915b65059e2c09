"""Pictures and sounds that tell their time: a picture is as bright as its second says; each begins with a flash and a beep."""

import io

import av
import numpy as np
import numpy.typing as npt

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.emission import Bundle
from reactor_runtime.tracks import TrackSpec

FPS = 30
RATE = 48_000
TRACKS = (TrackSpec("main", "video", "out"), TrackSpec("voice", "audio", "out", RATE))
FLASH, MARK_FRAMES = 250, 3


def level(second: int) -> int:
    return 40 + 20 * (second % 8)


def picture(frame: int, width: int = 160, height: int = 120) -> VideoFrame:
    bright = FLASH if frame % FPS < MARK_FRAMES else level(frame // FPS)
    return VideoFrame.from_rgb(np.full((height, width, 3), bright, np.uint8))


def sound(frame: int, rate: int = RATE) -> AudioBlock:
    count = rate // FPS
    at = np.arange(frame * count, (frame + 1) * count) / rate
    loud = 12_000 if frame % FPS < MARK_FRAMES else 0
    return AudioBlock.from_array((np.sin(2 * np.pi * 1000 * at) * loud).astype(np.int16), rate)


def bundle(frame: int) -> Bundle:
    return {"main": picture(frame), "voice": sound(frame)}


def levels(media: bytes) -> list[tuple[float, int]]:
    """When each picture is shown, in seconds, and how bright it is."""
    with av.open(io.BytesIO(media), "r") as file:
        return [(float(each.time or 0), round(float(each.to_ndarray(format="gray").mean()))) for each in file.decode(video=0)]


def loudness(media: bytes) -> tuple[float, npt.NDArray[np.float32], int]:
    """When the sound begins, in seconds, its samples, and how many there are in a second."""
    with av.open(io.BytesIO(media), "r") as file:
        frames = list(file.decode(audio=0))
    samples = np.concatenate([each.to_ndarray().mean(axis=0) for each in frames])
    return float(frames[0].time or 0), samples.astype(np.float32), frames[0].sample_rate


def flashes(media: bytes) -> list[float]:
    """When flashes begin."""
    shown = levels(media)
    return [at for (at, now), (_, before) in zip(shown[1:], shown, strict=False) if now > 215 >= before]


def beeps(media: bytes) -> list[float]:
    """When beeps begin."""
    begin, samples, rate = loudness(media)
    window = rate // 200
    loud = np.abs(samples[: samples.size // window * window]).reshape(-1, window).max(axis=1) > 0.05
    starts = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    return [begin + float(each) * window / rate for each in starts]
