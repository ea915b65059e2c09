"""The model class."""

from reactor_runtime.model import ReactorApp

__all__ = ["ReactorApp"]
