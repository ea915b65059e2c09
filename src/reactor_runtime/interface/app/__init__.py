"""The model class, its state and its steps."""

from reactor_runtime.model import ReactorApp
from reactor_runtime.records import InputState
from reactor_runtime.steps import StepCompleted, StepOutcome

__all__ = ["InputState", "ReactorApp", "StepCompleted", "StepOutcome"]
