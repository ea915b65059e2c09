"""What a driver observed, step by step, and how the suite judges it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

NEAR = 30


@dataclass(frozen=True)
class Observations:
    """The JSON lines of a driver, and the logs that explain a failure."""

    steps: dict[str, dict[str, Any]]
    logs: dict[str, str]

    @classmethod
    def read(cls, lines: Iterable[str], logs: dict[str, str]) -> "Observations":
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        return cls({observed.pop("step"): observed for observed in parsed}, logs)

    def of(self, step: str) -> dict[str, Any]:
        assert step in self.steps, f"the client did not get as far as {step!r}, only through {list(self.steps)}"
        observed = self.steps[step]
        assert "error" not in observed, f"the step {step!r} failed: {observed}"
        return observed


def is_near(seen: Sequence[float], wanted: Sequence[float]) -> bool:
    """Whether two colours are the same but for what a video codec does to them."""
    return all(abs(a - b) <= NEAR for a, b in zip(seen, wanted, strict=True))


@dataclass(frozen=True)
class Near:
    """A colour, but for what a video codec does to it."""

    color: tuple[int, int, int]

    def takes(self, seen: object) -> bool:
        return isinstance(seen, list) and len(seen) == 3 and is_near(seen, self.color)


@dataclass(frozen=True)
class Within:
    """A number from ``low`` to ``high``."""

    low: float
    high: float

    def takes(self, seen: object) -> bool:
        return isinstance(seen, int | float) and self.low <= seen <= self.high


@dataclass(frozen=True)
class AnyId:
    """An id of a session: text, and not the id that a runtime without sessions of its own gives to all."""

    def takes(self, seen: object) -> bool:
        return isinstance(seen, str) and seen.strip("0-") != ""


def differences(seen: Any, wanted: Any, path: str = "") -> list[str]:
    """Where an observation is not what was expected: keys, values, and the types of numbers."""
    if isinstance(wanted, Near | Within | AnyId):
        return [] if wanted.takes(seen) else [f"{path}: {seen!r} is not {wanted}"]
    if isinstance(wanted, dict) and isinstance(seen, dict):
        found = [f"{path}: keys {sorted(seen)}, not {sorted(wanted)}"] if seen.keys() != wanted.keys() else []
        for key in wanted.keys() & seen.keys():
            found += differences(seen[key], wanted[key], f"{path}/{key}")
        return found
    same = type(seen) is type(wanted) and seen == wanted
    return [] if same else [f"{path}: {seen!r}, not {wanted!r}"]
