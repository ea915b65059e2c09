"""A model as a generator."""

from reactor_runtime.pipeline import Idle, ReactorPipeline
from reactor_runtime.records import InputState

__all__ = ["Idle", "InputState", "ReactorPipeline"]
