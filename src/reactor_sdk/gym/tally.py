"""What a model says of a step: reward, and whether the episode has ended. Pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rewards that were told, added up, and whether an end was."""

    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False


class Tally:
    """Collects what messages say, from one :meth:`take` to the next. Fields of another type are no verdict."""

    def __init__(self) -> None:
        self._verdict = Verdict()

    def hear(self, message: Mapping[str, Any]) -> None:
        """A message of the model, or its reply to a command: ``{"type": str, "data": dict}``."""
        data, known = message.get("data"), self._verdict
        if isinstance(data, Mapping):
            ended = [data.get("terminated") is True, data.get("truncated") is True]
            self._verdict = Verdict(
                known.reward + _reward(data.get("reward")), known.terminated or ended[0], known.truncated or ended[1]
            )

    def take(self) -> Verdict:
        """What was said since the last time."""
        verdict, self._verdict = self._verdict, Verdict()
        return verdict


def _reward(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        return 0.0
    return float(value)
