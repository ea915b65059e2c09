"""How many steps a model may take, and what it tells of each. The gate stands on the model's own loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many steps the model may take from now on; None is any number.

    In a ``stepped`` session a step that is refused counts too, and nothing is paced: whoever asked for it waits for the result.
    """

    steps: int | None = None
    stepped: bool = False


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step of a counted session: the seconds that it took, and what went wrong; ``refusal`` is why none was taken."""

    elapsed_s: float = 0.0
    error: str | None = None
    refusal: str | None = None


class StepGate:
    """``open`` is set while the model may take a step."""

    def __init__(self) -> None:
        self._allowance = Allowance()
        self.open = asyncio.Event()
        self.open.set()

    @property
    def counted(self) -> bool:
        """Whether somebody counts the steps, and hears of each."""
        return self._allowance.steps is not None

    @property
    def stepped(self) -> bool:
        """Whether the model takes steps on request alone."""
        return self._allowance.stepped

    def allow(self, allowance: Allowance) -> None:
        """Forgets what was allowed before."""
        self._allowance = allowance
        if allowance.steps == 0:
            self.open.clear()
        else:
            self.open.set()

    def spend(self) -> None:
        """A step is done."""
        if self._allowance.steps is not None:
            self.allow(replace(self._allowance, steps=max(0, self._allowance.steps - 1)))
