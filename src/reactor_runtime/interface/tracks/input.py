"""What clients send."""

from reactor_runtime.registries import INPUT_REGISTRY, all_input_tracks
from reactor_runtime.tracks import Input, MediaInput

__all__ = ["INPUT_REGISTRY", "Input", "MediaInput", "all_input_tracks"]
