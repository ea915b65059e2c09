"""The model class by its earlier name."""

from reactor_runtime.model import ReactorModel

__all__ = ["ReactorModel"]
