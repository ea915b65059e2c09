"""What the encoder makes, read back by a decoder."""

import io

import av
import numpy as np
import pytest
from tests.reactor_runtime.recording.studio import FPS, beeps, flashes, level, levels, loudness, picture, sound

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.recording.encoder import FragmentEncoder
from reactor_runtime.recording.options import RecordingOptions, VideoOptions


def encoded(
    seconds: int, channels: int = 1, rate: int = 48_000, options: RecordingOptions | None = None
) -> tuple[bytes, list[bytes]]:
    """The beginning, and a fragment for each second."""
    encoder = FragmentEncoder(options or RecordingOptions(), picture(0), channels, rate)
    fragments = []
    for frame in range(seconds * FPS):
        if frame and frame % FPS == 0:
            fragments.append(encoder.cut(frame / FPS))
        encoder.picture(picture(frame), frame / FPS)
        encoder.sound(sound(frame, rate), frame / FPS)
    encoder.close()
    return encoder.init, [*fragments, encoder.cut(float(seconds))]


def test_pictures_come_back_at_their_times() -> None:
    init, fragments = encoded(3)
    shown = levels(init + b"".join(fragments))
    assert [at for at, _ in shown] == pytest.approx([frame / FPS for frame in range(90)], abs=0.001)
    assert [bright for at, bright in shown if at % 1 > 0.5] == pytest.approx(
        [level(second) for second in range(3) for _ in range(14)], abs=4
    )


@pytest.mark.parametrize("rate", [48_000, 24_000, 44_000])
def test_sound_and_pictures_are_in_step(rate: int) -> None:
    init, fragments = encoded(5, rate=rate)
    media = init + b"".join(fragments)
    assert flashes(media) == pytest.approx([1, 2, 3, 4], abs=0.001)
    assert beeps(media)[-4:] == pytest.approx([1, 2, 3, 4], abs=0.012)


def test_any_fragment_plays_by_itself_at_the_time_that_it_has_in_the_whole() -> None:
    init, fragments = encoded(4)
    shown = levels(init + fragments[2])
    assert shown[0][0] == pytest.approx(2.0)
    assert len(shown) == 30
    assert loudness(init + fragments[0])[0] == pytest.approx(0.0, abs=0.001)
    begin, _, _ = loudness(init + fragments[2])
    assert begin == pytest.approx(2.0, abs=0.06)


def test_codecs_are_h264_and_aac() -> None:
    init, fragments = encoded(1)
    with av.open(io.BytesIO(init + fragments[0]), "r") as file:
        assert [stream.codec_context.name for stream in file.streams] == ["h264", "aac"]


def test_h265_is_made_where_the_manifest_says_so() -> None:
    init, fragments = encoded(1, 0, options=RecordingOptions(video=VideoOptions(codec="h265")))
    with av.open(io.BytesIO(init + fragments[0]), "r") as file:
        assert [stream.codec_context.name for stream in file.streams] == ["hevc"]
        assert len(list(file.decode(video=0))) == 30


@pytest.mark.parametrize("size", [(161, 121), (160, 121), (3, 3)])
def test_odd_sizes_are_made_even(size: tuple[int, int]) -> None:
    encoder = FragmentEncoder(RecordingOptions(), picture(0, *size), 0, 48_000)
    encoder.picture(picture(0, *size), 0.0)
    with av.open(io.BytesIO(encoder.init + encoder.cut(0.1)), "r") as file:
        (frame,) = file.decode(video=0)
        assert (frame.width, frame.height) == (size[0] & ~1, size[1] & ~1)


def test_a_size_that_changes_is_brought_to_that_of_the_beginning() -> None:
    encoder = FragmentEncoder(RecordingOptions(), picture(0), 0, 48_000)
    for frame, size in enumerate([(160, 120), (320, 240), (64, 48)]):
        encoder.picture(picture(frame + 3, *size), frame / FPS)
    with av.open(io.BytesIO(encoder.init + encoder.cut(0.1)), "r") as file:
        assert [(frame.width, frame.height) for frame in file.decode(video=0)] == [(160, 120)] * 3


def test_the_manifest_may_ask_for_another_size() -> None:
    encoder = FragmentEncoder(RecordingOptions(video=VideoOptions(width=80)), picture(0), 0, 48_000)
    encoder.picture(picture(0), 0.0)
    with av.open(io.BytesIO(encoder.init + encoder.cut(0.1)), "r") as file:
        (frame,) = file.decode(video=0)
        assert (frame.width, frame.height) == (80, 60)


@pytest.mark.parametrize("as_decoded", [False, True], ids=["as a model makes it", "as a client sends it"])
def test_colours_are_kept(as_decoded: bool) -> None:
    made = VideoFrame.from_rgb(np.full((120, 160, 3), (200, 40, 90), np.uint8))
    if as_decoded:
        made = VideoFrame.from_av(made.to_av())
    encoder = FragmentEncoder(RecordingOptions(), made, 0, 48_000)
    encoder.picture(made, 0.0)
    with av.open(io.BytesIO(encoder.init + encoder.cut(0.1)), "r") as file:
        (frame,) = file.decode(video=0)
        assert np.abs(frame.to_ndarray(format="rgb24")[60, 80].astype(int) - [200, 40, 90]).max() <= 4


def test_what_is_missing_between_two_sounds_is_silence() -> None:
    encoder = FragmentEncoder(RecordingOptions(), picture(0), 1, 48_000)
    for frame in range(60):
        encoder.picture(picture(frame), frame / FPS)
        if frame % FPS < 10:
            encoder.sound(sound(frame), frame / FPS)
    encoder.close()
    assert beeps(encoder.init + encoder.cut(2.0))[-1] == pytest.approx(1.0, abs=0.012)


def test_a_stereo_sound_stays_stereo() -> None:
    encoder = FragmentEncoder(RecordingOptions(), picture(0), 2, 48_000)
    encoder.picture(picture(0), 0.0)
    left = np.sin(np.arange(48_000) * 0.1).astype(np.float32) / 2
    encoder.sound(AudioBlock.from_array(np.stack([left, np.zeros_like(left)])), 0.0)
    encoder.close()
    with av.open(io.BytesIO(encoder.init + encoder.cut(1.0)), "r") as file:
        heard = np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1)
    assert np.abs(heard[0]).max() > 0.3
    assert np.abs(heard[1]).max() < 0.05


def test_nothing_makes_no_fragment() -> None:
    encoder = FragmentEncoder(RecordingOptions(), picture(0), 0, 48_000)
    assert encoder.cut(1.0) == b""


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((640, 360), (0, 0, 640, 360)),
        ((512, 512), (140, 0, 500, 360)),
        ((1280, 720), (0, 0, 640, 360)),
        ((360, 640), (218, 0, 420, 360)),
        ((1600, 400), (0, 100, 640, 260)),
        ((641, 361), (0, 0, 640, 360)),
    ],
)
def test_a_picture_of_another_shape_keeps_it_and_has_bars(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    def white(width: int, height: int) -> VideoFrame:
        return VideoFrame.from_rgb(np.full((height, width, 3), 255, np.uint8))

    encoder = FragmentEncoder(RecordingOptions(), white(640, 360), 0, 48_000)
    encoder.picture(white(640, 360), 0.0)
    encoder.picture(white(*size), 1 / FPS)
    with av.open(io.BytesIO(encoder.init + encoder.cut(0.2)), "r") as file:
        shown = np.asarray(list(file.decode(video=0))[1].to_ndarray(format="gray"), np.int64)
    bright = shown > 128
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    seen = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert seen == pytest.approx(box, abs=2)
    assert bright[rows[0] : rows[-1], columns[0] : columns[-1]].all()
    assert shown[0, 0] < 24 or box[:2] == (0, 0)
