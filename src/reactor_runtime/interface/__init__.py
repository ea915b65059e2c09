"""The authoring API by its second name: whatever ``reactor_runtime`` exports."""

from reactor_runtime import *  # noqa: F403
from reactor_runtime import __all__

__all__ = [*__all__]
