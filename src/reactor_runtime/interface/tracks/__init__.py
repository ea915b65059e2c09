"""Tracks: what a model declares and emits."""

from reactor_runtime.registries import INPUT_REGISTRY, OUTPUT_REGISTRY, all_input_tracks, all_output_tracks
from reactor_runtime.tracks import Audio, Input, MediaInput, Metadata, Output, Track, TrackPayload, Video

__all__ = [
    "INPUT_REGISTRY",
    "OUTPUT_REGISTRY",
    "Audio",
    "Input",
    "MediaInput",
    "Metadata",
    "Output",
    "Track",
    "TrackPayload",
    "Video",
    "all_input_tracks",
    "all_output_tracks",
]
