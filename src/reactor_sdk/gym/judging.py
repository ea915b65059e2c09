"""The score of a step: what the caller's functions say, else what the model does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reactor_sdk.gym.episode import Moment
from reactor_sdk.gym.options import Observation, Seeing


@dataclass(frozen=True, slots=True)
class Score:
    """What Gymnasium wants to know of a step."""

    reward: float
    terminated: bool
    truncated: bool


def score_of(seeing: Seeing, previous: Observation, action: Any, moment: Moment) -> Score:
    """The score of the step from ``previous`` to ``moment``."""
    step = (previous, action, moment.observation, moment.info)
    return Score(
        float(seeing.reward(*step)) if seeing.reward is not None else moment.verdict.reward,
        bool(seeing.terminated(*step)) if seeing.terminated is not None else moment.verdict.terminated,
        moment.verdict.truncated,
    )
