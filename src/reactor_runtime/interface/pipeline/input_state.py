"""What clients set."""

from reactor_runtime.records import InputState

__all__ = ["InputState"]
