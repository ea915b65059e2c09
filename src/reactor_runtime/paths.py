"""Where a model finds its weights."""

from reactor_runtime.config import get_weights_path

__all__ = ["get_weights_path"]
