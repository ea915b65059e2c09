"""Values of the public API: what getters return and what events carry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from reactor_protocol.lifecycles import ReactorStatus
from reactor_protocol.resources import TrackDirection, TrackKind
from reactor_rtc.frames import RgbArray

ReactorEvent: TypeAlias = Literal[
    "status_changed",
    "session_id_changed",
    "message",
    "runtime_message",
    "track_received",
    "error",
    "session_expiration_changed",
    "capabilities_received",
    "queue_changed",
]

FrameCallback: TypeAlias = Callable[[RgbArray], Awaitable[None] | None]
"""Takes one picture: shape (H, W, 3), dtype uint8, RGB; the array is the callback's own. May be a coroutine function."""

TokenFunction: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns a token; may be a coroutine function. It is called on the event loop, so a plain function must not block for long."""

CommandWait: TypeAlias = Literal["answered", "visible"]
"""What to wait for when a command is sent: the model's answer, or the first frame that shows what it did."""

Component: TypeAlias = Literal["api", "gpu"]


class MessageScope(StrEnum):
    """Whom a message is for: the model (``APPLICATION``), or the platform (``RUNTIME``)."""

    APPLICATION = "application"
    RUNTIME = "runtime"


class TrackCapability(TypedDict):
    """One track of a model. ``direction`` is the client's: it receives ``recvonly`` tracks and publishes ``sendonly`` ones."""

    name: str
    kind: TrackKind
    direction: TrackDirection


class CommandCapability(TypedDict):
    """One command of a model. ``schema`` is the JSON schema of its data."""

    name: str
    description: str
    schema: NotRequired[dict[str, Any]]


class Capabilities(TypedDict):
    """What a model offers. ``emission_fps`` is in frames per second."""

    protocol_version: str
    tracks: list[TrackCapability]
    commands: NotRequired[list[CommandCapability] | None]
    emission_fps: NotRequired[float | None]
    extensions: NotRequired[dict[str, int]]


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """What a model's server tells of one frame.

    ``number`` counts the session's frames from 0, and compares with :attr:`CommandReply.frame`. ``metadata`` is what the model
    attached: bytes as they were, a mapping as JSON. Each is None where nothing is told, as by a published runtime, and for frames
    that came before they were asked for.
    """

    number: int | None = None
    metadata: bytes | None = None


class CommandReply(dict[str, Any]):
    """A model's answer to a command: ``{"type": str, "data": dict}``, and empty, which is false, where it had nothing to say.

    ``frame`` is the number of the first frame that was made after the command had been run; None where the server does not say.
    """

    def __init__(self, reply: dict[str, Any] | None = None, frame: int | None = None) -> None:
        super().__init__(reply or {})
        self.frame = frame


@dataclass(frozen=True, slots=True)
class ReactorError:
    """What the ``error`` event carries. ``timestamp`` is in seconds since 1970, ``retry_after`` in seconds from then."""

    code: str
    message: str
    timestamp: float
    recoverable: bool
    component: Component
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"[{self.component}:{self.code}] {self.message}"


@dataclass(frozen=True, slots=True)
class ReactorState:
    """Status and most recent error."""

    status: ReactorStatus
    last_error: ReactorError | None = None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Where a client stands in the queue for a worker: ``position`` (1 is next) of ``waiting``.

    ``estimated_wait_s`` is in seconds; None where the server cannot tell yet.
    """

    position: int
    waiting: int
    estimated_wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class ConnectionTimings:
    """How long the last connection took, in milliseconds: to have a session, to have a transport, and in all."""

    session_creation_ms: float
    transport_connecting_ms: float
    total_ms: float
