"""A model as a generator."""

from reactor_runtime.pipeline import ReactorPipeline

__all__ = ["ReactorPipeline"]
