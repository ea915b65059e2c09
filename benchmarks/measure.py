"""Takes one column of the table through every scene, and keeps what could not be measured beside what could."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.child import LegFailed
from benchmarks.environment import LOGS_FOLDER
from benchmarks.legs import SCENES, Effort, Leg, Readings
from benchmarks.parties import Column, Party
from benchmarks.stage import Scene, Stage, staged
from benchmarks.venvs import Venvs

Tell = Callable[[str], None]


@dataclass
class Outcome:
    """One column: readings by figure, and the reason by leg for every leg that failed."""

    name: str
    title: str
    readings: Readings = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def failed(self, figure: str) -> bool:
        """Whether the leg behind a figure was tried and failed."""
        return any(figure in leg.figures for _, legs in SCENES for leg in legs if leg.name in self.failures)


def measure_column(column: Column, effort: Effort, venvs: Venvs, tell: Tell) -> Outcome:
    """Every leg of one column. A leg that fails leaves its reason and the next one is measured."""
    started = time.monotonic()
    measurement = Measurement(Outcome(column.name, column.title), effort, tell)
    try:
        party = column.prepare(venvs)
    except LegFailed as failure:
        measurement.give_up([leg for _, legs in SCENES for leg in legs], f"could not be prepared: {failure}")
    else:
        for scene, legs in SCENES:
            measurement.play(party, scene, legs)
    measurement.outcome.seconds = time.monotonic() - started
    return measurement.outcome


@dataclass(frozen=True)
class Measurement:
    """The filling of one column."""

    outcome: Outcome
    effort: Effort
    tell: Tell

    def play(self, party: Party, scene: Scene, legs: Sequence[Leg]) -> None:
        """One runtime from start to end, and every leg on it."""
        left = list(legs)
        try:
            with staged(party, scene, LOGS_FOLDER) as stage:
                while left:
                    self._measure(stage, left.pop(0))
        except LegFailed as failure:
            self.give_up(left, str(failure))

    def give_up(self, legs: Sequence[Leg], reason: str) -> None:
        """Note why some legs could not be measured."""
        for leg in legs:
            self.outcome.failures[leg.name] = reason
        self.tell(f"{self.outcome.title}: could not be measured: {', '.join(leg.name for leg in legs)}: {reason}")

    def _measure(self, stage: Stage, leg: Leg) -> None:
        self.tell(f"{stage.party.title}: {leg.title}")
        try:
            self.outcome.readings.update(leg.measure(stage, self.effort))
        except LegFailed as failure:
            self.give_up([leg], str(failure))
