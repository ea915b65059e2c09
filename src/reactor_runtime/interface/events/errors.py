"""What an author raises."""

from reactor_runtime.declared import CommandError
from reactor_runtime.steps import ApplicationError

__all__ = ["ApplicationError", "CommandError"]
