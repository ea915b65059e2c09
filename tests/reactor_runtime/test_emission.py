"""Emission: an output split into bundles for the wire."""

from typing import Any

import numpy as np
import pytest

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime import Audio, Output, TrackPayload, Video
from reactor_runtime.emission import chunk_of


class Voice(Audio):
    sample_rate = 16_000


class Out(Output):
    main: Video
    side: Video
    voice: Voice


PICTURE = np.zeros((4, 6, 3), np.uint8)
SOUND = np.arange(10, dtype=np.int16).reshape(1, 10)


def test_a_single_frame_is_one_bundle() -> None:
    chunk = chunk_of(Out(main=PICTURE, side=PICTURE, voice=SOUND), 25.0, 3.0)
    assert chunk.fps == 25.0
    (bundle,) = chunk.bundles
    assert list(bundle) == ["main", "side", "voice"]
    main, voice = bundle["main"], bundle["voice"]
    assert isinstance(main, VideoFrame)
    assert (main.width, main.height) == (6, 4)
    assert isinstance(voice, AudioBlock)
    assert (voice.rate, voice.samples.tolist()) == (16_000, SOUND.tolist())


def test_a_batch_repeats_unbatched_pictures_and_divides_sound() -> None:
    batch = np.stack([np.full((4, 6, 3), value, np.uint8) for value in (0, 100, 200)])
    chunk = chunk_of(Out(main=batch, side=TrackPayload(PICTURE), voice=SOUND), 10.0, 3.0)
    assert len(chunk.bundles) == 3
    mains = [bundle["main"] for bundle in chunk.bundles]
    sides = [bundle["side"] for bundle in chunk.bundles]
    voices = [bundle["voice"] for bundle in chunk.bundles]
    levels = [frame.to_rgb().mean() for frame in mains if isinstance(frame, VideoFrame)]
    assert levels == pytest.approx([0, 100, 200], abs=4)
    assert len({id(frame.data) for frame in sides if isinstance(frame, VideoFrame)}) == 1
    assert [block.samples.shape[1] for block in voices if isinstance(block, AudioBlock)] == [4, 3, 3]
    for frames in (mains, sides):
        first = frames[0].timestamp_us
        assert [frame.timestamp_us - first for frame in frames] == [0, 100_000, 200_000]


def test_no_sound_leaves_its_track_out() -> None:
    (bundle,) = chunk_of(Out(main=PICTURE, side=PICTURE, voice=np.zeros((1, 0), np.int16)), 25.0, 3.0).bundles
    assert list(bundle) == ["main", "side"]


def test_fewer_samples_than_frames_leave_some_bundles_silent() -> None:
    batch = np.zeros((3, 4, 6, 3), np.uint8)
    chunk = chunk_of(Out(main=batch, side=PICTURE, voice=np.zeros(2, np.int16)), 25.0, 3.0)
    assert ["voice" in bundle for bundle in chunk.bundles] == [True, True, False]


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        (np.zeros((4, 6), np.uint8), r"track 'main': a video frame is \(height, width, 3\) uint8 RGB; got shape \(4, 6\)"),
        (np.zeros((4, 6, 4), np.uint8), r"track 'main': .* got shape \(4, 6, 4\)"),
        (np.zeros((4, 6, 3), np.float32), r"track 'main': .* dtype float32"),
        (np.zeros((1, 6, 3), np.uint8), r"track 'main': a video frame is 2 to 8192 pixels on each side; got 6x1"),
        (np.zeros((2, 4, 6, 4), np.uint8), r"track 'main': .* got shape \(4, 6, 4\)"),
    ],
)
def test_pictures_that_cannot_be_sent(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], problem: str) -> None:
    with pytest.raises(InvalidArgumentError, match=problem):
        chunk_of(Out(main=picture, side=PICTURE, voice=SOUND), 25.0, 3.0)


def test_sound_that_cannot_be_sent() -> None:
    sounds: list[tuple[Any, str]] = [
        (np.zeros((2, 2, 2), np.int16), r"track 'voice': audio is \(samples,\) or \(channels, samples\)"),
        (np.zeros(4, np.int32), "track 'voice': audio is int16, or float"),
    ]
    for sound, problem in sounds:
        with pytest.raises(InvalidArgumentError, match=problem):
            chunk_of(Out(main=PICTURE, side=PICTURE, voice=sound), 25.0, 3.0)


def test_an_empty_batch_is_refused() -> None:
    batch = np.zeros((0, 4, 6, 3), np.uint8)
    with pytest.raises(InvalidArgumentError):
        chunk_of(Out(main=batch, side=PICTURE, voice=SOUND), 25.0, 3.0)


def tags(metadata: Any, picture: Any = PICTURE) -> list[Any]:
    output = Out(main=TrackPayload(picture, metadata=metadata), side=PICTURE, voice=SOUND)
    return [dict(tag) for tag in chunk_of(output, 25.0, 3.0).metadata]


def test_metadata_goes_with_its_picture() -> None:
    batch = np.zeros((2, 4, 6, 3), np.uint8)
    assert tags(None) == []
    assert tags({"pose": [1, 2.5]}) == [{"main": b'{"pose":[1,2.5]}'}]
    assert tags(b"\x00raw") == [{"main": b"\x00raw"}]
    assert tags({"n": 1}, batch) == [{"main": b'{"n":1}'}] * 2
    assert tags([b"a", b"b"], batch) == [{"main": b"a"}, {"main": b"b"}]
    chunk = chunk_of(Out(main=TrackPayload(batch, metadata=[b"a", b"b"]), side=PICTURE, voice=SOUND), 25.0, 3.0)
    mains = [bundle["main"] for bundle in chunk.bundles]
    assert [frame.metadata for frame in mains if isinstance(frame, VideoFrame)] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ([b"a"], "track 'main': a list of metadata belongs to a batch"),
        ({"a": object()}, "track 'main': the metadata is not JSON: "),
        (b"x" * 65_537, "track 'main': metadata has at most 65536 bytes, not 65537"),
    ],
)
def test_metadata_that_fits_no_picture(metadata: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        tags(metadata)


def test_metadata_of_a_batch_has_one_entry_for_each_picture_and_sound_has_none() -> None:
    with pytest.raises(ValueError, match="track 'main': 3 entries of metadata for 2 pictures"):
        tags([b"a", b"b", b"c"], np.zeros((2, 4, 6, 3), np.uint8))
    with pytest.raises(ValueError, match="track 'voice': sound carries no metadata"):
        chunk_of(Out(main=PICTURE, side=PICTURE, voice=TrackPayload(SOUND, metadata=b"x")), 25.0, 3.0)
