"""What a runner and its ranks say to each other. Every rank answers every request."""

from __future__ import annotations

from dataclasses import dataclass

from reactor_runtime.distributed.shared import Place


@dataclass(frozen=True, slots=True)
class Meet:
    """The process group meets at this TCP port of this machine: rank 0 says it, the others are told it."""

    port: int


@dataclass(frozen=True, slots=True)
class Generate:
    """Take a step on what lies at ``place``."""

    place: Place


@dataclass(frozen=True, slots=True)
class Reset:
    """Forget the session."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request, or of loading: where the result lies (rank 0 alone has one), or what was raised."""

    place: Place | None = None
    error: Exception | None = None
