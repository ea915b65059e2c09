"""Media on its way to the model: sound at the rate that it has declared, and no more than it can read."""

import numpy as np
import pytest

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime import Audio, InputFrame, MediaInput, ReadMode, Video
from reactor_runtime.intake import Intake


class Speech(Audio):
    sample_rate = 16_000
    buffer_seconds = 0.5


class In(MediaInput):
    camera: Video
    microphone: Audio
    speech: Speech


def tone(seconds: float, rate: int = 48_000, channels: int = 1) -> AudioBlock:
    wave = 10_000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return AudioBlock(np.repeat(wave.astype(np.int16)[np.newaxis], channels, axis=0), rate)


def test_sound_comes_at_the_declared_rate() -> None:
    intake = Intake({"inputs": In})
    for _ in range(20):
        intake.push("speech", tone(0.01, channels=2))
    buffer = intake.buffers["speech"]
    frames = buffer.try_read(buffer.available, ReadMode.FIFO)
    assert frames is not None
    assert {frame.rate for frame in frames} == {16_000}
    samples = np.concatenate([frame.data for frame in frames], axis=1)
    assert samples.shape[0] == 1
    assert samples.dtype == np.int16
    assert 3_000 <= samples.shape[1] <= 3_200
    crossings = int((np.diff(np.sign(samples[0])) != 0).sum())
    assert crossings == pytest.approx(2 * 440 * samples.shape[1] / 16_000, abs=45)


def test_sound_of_the_declared_rate_is_not_touched() -> None:
    intake = Intake({"inputs": In})
    block = tone(0.01)
    intake.push("microphone", block)
    frames = intake.buffers["microphone"].try_read()
    assert frames is not None
    assert frames[0].data is block.samples


def test_a_bound_in_seconds_drops_the_oldest_sound() -> None:
    intake = Intake({"inputs": In})
    for _ in range(100):
        intake.push("speech", tone(0.01, rate=16_000))
    buffer = intake.buffers["speech"]
    assert buffer.available == 50
    assert buffer.total_received == 100


def test_media_of_the_wrong_kind_or_an_unknown_track_goes_nowhere() -> None:
    intake = Intake({"inputs": In})
    picture = VideoFrame(np.zeros(6, np.uint8), 2, 2)
    intake.push("camera", tone(0.01))
    intake.push("microphone", picture)
    intake.push("bogus", picture)
    assert [buffer.available for buffer in intake.buffers.values()] == [0, 0, 0]


def test_a_test_can_make_frames_of_arrays() -> None:
    array = np.zeros((4, 6, 3), np.uint8)
    frame = InputFrame(array, pts=5, metadata=b"{}", capture_time_us=9)
    assert frame.data is array
    assert (frame.pts, frame.metadata, frame.capture_time_us, frame.rate, frame.samples) == (5, b"{}", 9, 0, 0)
    assert InputFrame(np.zeros((1, 160), np.int16)).samples == 160


def test_what_a_client_told_with_a_picture_reaches_the_model() -> None:
    frame = InputFrame(VideoFrame(np.zeros(6, np.uint8), 2, 2, 7, metadata=b"{}", capture_time_us=9))
    assert (frame.metadata, frame.capture_time_us) == (b"{}", 9)


def test_sound_that_a_slow_step_does_not_read_is_told_of_at_the_next_read() -> None:
    missed: list[tuple[str, int]] = []
    intake = Intake({"inputs": In}, on_missed=lambda track, samples: missed.append((track, samples)))
    microphone, speech = intake.buffers["microphone"], intake.buffers["speech"]
    for _ in range(200):
        intake.push("microphone", tone(0.01))
        intake.push("speech", tone(0.01, rate=16_000))
    assert missed == [], "nobody has asked for it yet"
    assert microphone.try_read(128, ReadMode.FIFO) is not None
    assert speech.try_read(50, ReadMode.FIFO) is not None
    # 1.28 s are kept where nothing is declared; of "speech" the half second that is.
    assert missed == [("microphone", 72 * 480), ("speech", 150 * 160)]
    intake.push("microphone", tone(0.01))
    assert microphone.try_read() is not None
    assert len(missed) == 2


def test_what_is_cleared_unread_is_not_missed() -> None:
    missed: list[tuple[str, int]] = []
    intake = Intake({"inputs": In}, on_missed=lambda track, samples: missed.append((track, samples)))
    for _ in range(200):
        intake.push("microphone", tone(0.01))
    intake.clear()
    intake.push("microphone", tone(0.01))
    assert intake.buffers["microphone"].try_read() is not None
    assert missed == []


def test_pictures_that_are_not_read_are_nobodys_concern() -> None:
    missed: list[tuple[str, int]] = []
    intake = Intake({"inputs": In}, on_missed=lambda track, samples: missed.append((track, samples)))
    for _ in range(200):
        intake.push("camera", VideoFrame(np.zeros(6, np.uint8), 2, 2))
    assert intake.buffers["camera"].try_read() is not None
    assert missed == []


class LongSpeech(Audio):
    buffer_seconds = 5.0


class Long(MediaInput):
    microphone: LongSpeech


def test_a_model_may_ask_for_more() -> None:
    intake = Intake({"inputs": Long})
    for _ in range(600):
        intake.push("microphone", tone(0.01))
    frames = intake.buffers["microphone"].try_read(500, ReadMode.FIFO)
    assert frames is not None
    assert sum(frame.samples for frame in frames) == 5 * 48_000
