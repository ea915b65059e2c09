"""What a pipeline yields when there is nothing to show, and its type."""

from reactor_runtime.pipeline import Idle
from reactor_runtime.pipeline import IdleType as _IdleType

__all__ = ["Idle", "_IdleType"]
