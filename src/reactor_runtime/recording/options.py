"""What a manifest says about recording (reference: runtime, 2.1), and how much may be kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reactor_protocol.errors import InvalidArgumentError

_VIDEO_CODECS: Final = {"h264": "libx264", "h265": "libx265"}
_DEFAULT_PRESET: Final = "ultrafast"
_PRESETS: Final = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")
_MAX_SIDE: Final = 4096


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How pictures are encoded. ``width`` and ``height`` are in pixels, None as the model makes them.

    The default preset keeps a recording of 1280x720 at 30 fps under a fifth of a core; slower ones make smaller files.
    """

    codec: str = "h264"
    preset: str = _DEFAULT_PRESET
    crf: int = 23
    width: int | None = None
    height: int | None = None

    @property
    def encoder(self) -> str:
        """The name of the encoder."""
        return _VIDEO_CODECS[self.codec]


@dataclass(frozen=True, slots=True)
class KeepLimits:
    """How much is kept on disk. Sizes are in bytes; ``after_end_s`` is for how long a recording outlives its session."""

    recording_bytes: int = 4 * 1024**3
    total_bytes: int = 16 * 1024**3
    recordings: int = 32
    after_end_s: float = 300.0


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """Whether and how sessions are recorded. ``video_track`` and ``audio_track`` None are the model's first ones."""

    enabled: bool = False
    chunk_seconds: int = 4
    clip_max_seconds: float = 300.0
    video_track: str | None = None
    audio_track: str | None = None
    video: VideoOptions = field(default_factory=VideoOptions)
    audio_kbps: int = 128
    keep: KeepLimits = field(default_factory=KeepLimits)


def read_recording(section: Mapping[str, Any]) -> RecordingOptions:
    """The options of a ``recording`` section; keys that are not known are passed over.

    Raises :class:`InvalidArgumentError` naming a value that cannot be used, and what would do.
    """
    video, audio = _mapping(section, "video"), _mapping(section, "audio")
    _choice(audio, "audio.codec", "aac", ("aac",))
    enabled = section.get("enabled", False)
    if not isinstance(enabled, bool):
        raise InvalidArgumentError(f"recording.enabled must be true or false, not {enabled!r}")
    return RecordingOptions(
        enabled=enabled,
        chunk_seconds=_whole(section, "chunk_seconds", 4, 1, 60),
        clip_max_seconds=_number(section, "clip_max_seconds", 300.0, 1, 86_400),
        video_track=_name(section, "video_track"),
        audio_track=_name(section, "audio_track"),
        video=VideoOptions(
            codec=_choice(video, "video.codec", "h264", tuple(_VIDEO_CODECS)),
            preset=_choice(video, "video.preset", _DEFAULT_PRESET, _PRESETS),
            crf=_whole(video, "video.crf", 23, 0, 51),
            width=_side(video, "video.target_width"),
            height=_side(video, "video.target_height"),
        ),
        audio_kbps=_whole(audio, "audio.bitrate_kbps", 128, 16, 512),
    )


def _mapping(section: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = section.get(name) or {}
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"recording.{name} must be a mapping")
    return value


def _given(section: Mapping[str, Any], path: str) -> Any:
    return section.get(path.rpartition(".")[2])


def _number(section: Mapping[str, Any], path: str, default: float, low: float, high: float) -> float:
    value = _given(section, path)
    if value is None:
        return float(default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not low <= value <= high:
        raise InvalidArgumentError(f"recording.{path} must be a number of {low:g} to {high:g}, not {value!r}")
    return float(value)


def _whole(section: Mapping[str, Any], path: str, default: int, low: int, high: int) -> int:
    number = _number(section, path, default, low, high)
    if not number.is_integer():
        raise InvalidArgumentError(f"recording.{path} must be a whole number, not {number:g}")
    return int(number)


def _side(section: Mapping[str, Any], path: str) -> int | None:
    return None if _given(section, path) is None else _whole(section, path, 0, 16, _MAX_SIDE)


def _choice(section: Mapping[str, Any], path: str, default: str, choices: tuple[str, ...]) -> str:
    value = _given(section, path)
    if value is None:
        return default
    if value not in choices:
        raise InvalidArgumentError(f"recording.{path} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _name(section: Mapping[str, Any], path: str) -> str | None:
    value = _given(section, path)
    if value is not None and not isinstance(value, str):
        raise InvalidArgumentError(f"recording.{path} must be the name of a track, not {value!r}")
    return value
