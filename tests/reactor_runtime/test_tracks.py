"""Tracks: what an output takes, and how it counts its frames."""

import numpy as np
import pytest

from reactor_protocol.errors import InvalidArgumentError
from reactor_runtime import Audio, Input, Output, TrackPayload, Video
from reactor_runtime.tracks import TrackSpec, batch_of, payloads_of


class Voice(Audio):
    sample_rate = 16_000


class Stage(Output):
    left: Video
    right: Video
    voice: Voice
    note: str


PICTURE = np.zeros((4, 6, 3), np.uint8)
SOUND = np.zeros((1, 160), np.int16)


def batch(frames: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((frames, 4, 6, 3), np.uint8)


def test_annotations_declare_tracks_in_their_order_and_others_are_ignored() -> None:
    assert Stage.specs("out") == [
        TrackSpec("left", "video", "out", 0),
        TrackSpec("right", "video", "out", 0),
        TrackSpec("voice", "audio", "out", 16_000),
    ]


def test_audio_is_48_kHz_unless_a_subclass_says_otherwise() -> None:
    class Plain(Input):
        microphone: Audio

    assert Plain.specs("in") == [TrackSpec("microphone", "audio", "in", 48_000)]


def test_a_subclass_adds_to_the_tracks_of_its_parent() -> None:
    class More(Stage):
        depth: Video

    assert list(More.declared()) == ["left", "right", "voice", "depth"]
    assert "depth" not in Stage.declared()


def test_an_annotation_that_cannot_be_resolved_is_named() -> None:
    class Lost(Output):
        main: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(TypeError, match=r"Lost: an annotation cannot be resolved: name 'Nowhere' is not defined"):
        Lost.declared()


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["left", "right"], "missing ['voice']"),
        (["left", "right", "voice", "main_video"], "unknown ['main_video']"),
        ([], "missing ['left', 'right', 'voice']"),
        (["left", "right", "voise"], "missing ['voice'], unknown ['voise']"),
    ],
)
def test_an_output_takes_exactly_its_tracks(names: list[str], problem: str) -> None:
    with pytest.raises(TypeError) as caught:
        Stage(**dict.fromkeys(names, PICTURE))
    assert str(caught.value) == f"Stage has the tracks ['left', 'right', 'voice']: {problem}"


def test_payloads_keep_their_metadata_and_arrays_are_wrapped() -> None:
    output = Stage(left=TrackPayload(PICTURE, metadata={"pose": 1}), right=PICTURE, voice=SOUND)
    assert payloads_of(output)["left"].metadata == {"pose": 1}
    assert payloads_of(output)["right"].metadata is None
    assert payloads_of(output)["right"].data is PICTURE


def test_a_single_frame_is_no_batch() -> None:
    assert batch_of(Stage(left=PICTURE, right=PICTURE, voice=SOUND)) is None


def test_a_batch_counts_its_frames_beside_an_unbatched_track() -> None:
    assert batch_of(Stage(left=batch(5), right=PICTURE, voice=SOUND)) == 5
    assert batch_of(Stage(left=batch(1), right=batch(1), voice=SOUND)) == 1


def test_batches_that_disagree_are_refused() -> None:
    output = Stage(left=batch(5), right=batch(4), voice=SOUND)
    with pytest.raises(InvalidArgumentError, match=r"batched tracks disagree on the number of frames: \[4, 5\]"):
        batch_of(output)
