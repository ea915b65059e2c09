from pathlib import Path

import pytest

from reactor_protocol.errors import InvalidArgumentError
from reactor_runtime.config import ConfigError, read_manifest, read_settings
from reactor_runtime.recording.options import RecordingOptions, VideoOptions, read_recording


def test_nothing_said_is_off_with_the_documented_defaults() -> None:
    options = read_recording({})
    assert (options.enabled, options.chunk_seconds, options.clip_max_seconds) == (False, 4, 300.0)
    assert (options.video_track, options.audio_track, options.audio_kbps) == (None, None, 128)
    assert (options.video.codec, options.video.crf, options.video.width, options.video.height) == ("h264", 23, None, None)


def test_every_documented_key_is_read_and_others_are_passed_over() -> None:
    options = read_recording(
        {
            "enabled": True,
            "chunk_seconds": 2,
            "clip_max_seconds": 60,
            "skip_leading_black": True,
            "video_track": "main",
            "audio_track": "voice",
            "video": {"codec": "h265", "preset": "veryfast", "crf": 28, "target_width": 640, "target_height": 360},
            "audio": {"codec": "aac", "bitrate_kbps": 96},
        }
    )
    video = VideoOptions("h265", "veryfast", 28, 640, 360)
    assert options == RecordingOptions(True, 2, 60.0, "main", "voice", video, 96)
    assert options.video.encoder == "libx265"


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"enabled": "yes"}, "recording.enabled"),
        ({"chunk_seconds": 0}, "recording.chunk_seconds"),
        ({"chunk_seconds": 2.5}, "recording.chunk_seconds"),
        ({"chunk_seconds": True}, "recording.chunk_seconds"),
        ({"clip_max_seconds": float("nan")}, "recording.clip_max_seconds"),
        ({"video": {"codec": "vp9"}}, "recording.video.codec"),
        ({"video": {"crf": 52}}, "recording.video.crf"),
        ({"video": {"target_width": 100_000}}, "recording.video.target_width"),
        ({"video": ["h264"]}, "recording.video"),
        ({"audio": {"codec": "opus"}}, "recording.audio.codec"),
        ({"video_track": 1}, "recording.video_track"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(section: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidArgumentError, match=named):
        read_recording(section)


@pytest.mark.parametrize("nested", [True, False], ids=["below runtime", "at the top"])
def test_a_manifest_has_the_section_below_runtime_or_at_the_top(tmp_path: Path, nested: bool) -> None:
    text = "runtime:\n  import: m:C\n" + ("  recording: {enabled: true}\n" if nested else "recording: {enabled: true}\n")
    (tmp_path / "reactor.yaml").write_text(text)
    assert read_manifest(tmp_path).recording.enabled


def test_the_section_below_runtime_wins(tmp_path: Path) -> None:
    text = "runtime:\n  import: m:C\n  recording: {enabled: false}\nrecording: {enabled: true}\n"
    (tmp_path / "reactor.yaml").write_text(text)
    assert not read_manifest(tmp_path).recording.enabled


def test_a_mistake_is_told_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text("runtime:\n  import: m:C\n  recording: {chunk_seconds: none}\n")
    with pytest.raises(ConfigError, match=r"reactor\.yaml: recording\.chunk_seconds"):
        read_manifest(tmp_path)


def test_the_folder_comes_from_the_environment(tmp_path: Path) -> None:
    assert read_settings({"REACTOR_RECORDINGS_DIR": str(tmp_path)}).recordings_dir == tmp_path.resolve()
    assert read_settings({}).recordings_dir is None
