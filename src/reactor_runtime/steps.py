"""One step of a model: what it gave, what becomes of it, and why there was none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reactor_runtime.tracks import Output

MAX_STEP_FILES = 64
_RESERVED = frozenset({"result.json", "output.mp4"})


class ApplicationError(Exception):
    """Raise it in ``process_input`` to refuse a step: nothing is generated, and the model is asked again a moment later."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What ``generate`` gave or raised, and the seconds that it took. Raises ValueError where it is to have done both."""

    result: Any = None
    error: Exception | None = None
    elapsed: float = 0.0

    def __post_init__(self) -> None:
        if self.result is not None and self.error is not None:
            raise ValueError("a step has a result or an error, not both")

    def to_output(self) -> Output | None:
        """The result as it is. Raises the step's error, and NotImplementedError for a result that is no Output."""
        if self.error is not None:
            raise self.error
        if self.result is None or isinstance(self.result, Output):
            return self.result
        kind = type(self.result).__name__
        raise NotImplementedError(
            f"generate() gave {kind}, which is no Output: return one, or write process_output() and make one of outcome.result"
        )


@dataclass(frozen=True, slots=True)
class StepCompleted:
    """A step that is done: what to show, files by name, what went wrong, and the seconds that it took where they were measured.

    Raises ValueError for a name that is no single segment of a path or is reserved, TypeError for what is no bytes.
    """

    output: Output | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    error: str | None = None
    elapsed: float | None = None

    def __post_init__(self) -> None:
        if len(self.files) > MAX_STEP_FILES:
            raise ValueError(f"a step has at most {MAX_STEP_FILES} files, not {len(self.files)}")
        for name, content in self.files.items():
            if name in _RESERVED:
                raise ValueError(f"the step file name {name!r} is reserved for the runtime")
            if not name or name in (".", "..") or any(mark in name for mark in "/\\\0"):
                raise ValueError(f"the step file name {name!r} is no single segment of a path")
            if not isinstance(content, bytes):
                raise TypeError(f"the step file {name!r} is bytes, not {type(content).__name__}")
