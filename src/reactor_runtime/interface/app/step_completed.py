"""A step that is done."""

from reactor_runtime.steps import StepCompleted

__all__ = ["StepCompleted"]
