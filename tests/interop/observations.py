"""What a driver observed, step by step, and how the suite judges it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

NEAR = 30

FILE_DESCRIBED = {
    "type": "file_described",
    "data": {
        "file_name": "note.txt",
        "mime_type": "text/plain",
        "size": 11500,
        "sha256": "b267b3a83859dfaa626bb2d09fc34ec37a34fe3121a15d5f383ef3beb992345b",
    },
}
"""What the model says of the file that every driver uploads."""


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
