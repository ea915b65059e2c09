"""What ``/health`` says (reference: runtime, 3 and 12). Pure: facts in, words out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reactor_protocol.lifecycles import RuntimeState
from reactor_runtime.session import health_word

PATIENCE_S: Final = 15.0
"""A model that has not answered a command by then is stuck: files of a command are waited for up to 10 s."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a runtime. What is None, or 0, is as it should be.

    ``failure`` is why the model cannot serve, for good where the state says so, ``reloading`` why it is being loaded once more,
    ``recorder`` why the running session is not recorded, and ``silent_s`` for how many seconds the oldest command has been
    waiting for the model.
    """

    state: RuntimeState
    failure: str | None = None
    reloading: str | None = None
    recorder: str | None = None
    silent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """``status`` is ``healthy``, ``degraded`` or ``unhealthy``; ``state`` one of four words; ``detail`` says why, or is empty."""

    status: str
    state: str
    detail: str

    @property
    def code(self) -> int:
        """The HTTP status: 503 where nobody can be served."""
        return 503 if self.status == "unhealthy" else 200


def health_of(facts: Facts) -> Health:
    """The truth about a runtime."""
    word = health_word(facts.state)
    if facts.state is RuntimeState.TERMINATED:
        return Health("unhealthy", word, facts.failure or "")
    troubles = [facts.failure] if facts.failure is not None else []
    if facts.reloading is not None:
        troubles.append(f"the model is being loaded again: {facts.reloading}")
        word = "loading" if facts.state is RuntimeState.READY else word
    elif facts.silent_s >= PATIENCE_S:
        troubles.append(f"the model has not answered a command for {facts.silent_s:.0f} s")
    if facts.recorder is not None:
        troubles.append(f"the session is not recorded: {facts.recorder}")
    return Health("degraded" if troubles else "healthy", word, "; ".join(troubles))
