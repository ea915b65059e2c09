"""What a step gave."""

from reactor_runtime.steps import StepOutcome

__all__ = ["StepOutcome"]
