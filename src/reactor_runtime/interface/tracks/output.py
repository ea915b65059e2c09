"""What a model emits."""

from reactor_runtime.registries import OUTPUT_REGISTRY, all_output_tracks
from reactor_runtime.tracks import Metadata, Output, TrackPayload

__all__ = ["OUTPUT_REGISTRY", "Metadata", "Output", "TrackPayload", "all_output_tracks"]
