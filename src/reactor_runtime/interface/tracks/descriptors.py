"""The kinds of track."""

from reactor_runtime.tracks import Audio, Track, Video

__all__ = ["Audio", "Track", "Video"]
