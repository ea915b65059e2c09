"""What the server and a model's process say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reactor_protocol.messages import ApplicationMessage, JsonObject, Refusal
from reactor_rtc.frames import AudioBlock
from reactor_runtime.config import Manifest
from reactor_runtime.isolation.crossing import Cargo
from reactor_runtime.pacer import Plan
from reactor_runtime.step_gate import Allowance, StepReport
from reactor_runtime.stored import StoredFile


@dataclass(frozen=True, slots=True)
class Who:
    """A client. ``joined_at`` is in seconds of the monotonic clock, which is one for all processes."""

    id: int
    joined_at: float
    system: bool = False
    in_step: bool = False


# ------------------------------------------------------------------------------------- what the server asks for


@dataclass(frozen=True, slots=True)
class Load:
    """Make the model and load it. Answered by a ``ModelDescription``. ``handler_deadline`` is in seconds, 0 for none."""

    manifest: Manifest
    log_level: str
    log_format: str
    handler_deadline: float


@dataclass(frozen=True, slots=True)
class BeginSession:
    """A session begins, or goes on after a crash: ``frame`` have been made, and clients have set ``state``.

    Where an ``allowance`` is given, it holds before anybody is connected.
    """

    session_id: str
    frame: int = 0
    state: bytes | None = None
    clients: tuple[Who, ...] = ()
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True)
class EndSession:
    """The session is over."""


@dataclass(frozen=True, slots=True)
class Join:
    """A client can be reached."""

    client: Who


@dataclass(frozen=True, slots=True)
class Leave:
    """A client has gone."""

    client: Who


@dataclass(frozen=True, slots=True)
class Announce:
    """A client has uploaded a file."""

    file: StoredFile
    client: Who


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Run a command. Answered by an ``Outcome``."""

    name: str
    data: JsonObject
    files: Mapping[str, StoredFile]
    inline: Mapping[str, StoredFile]
    client: Who


@dataclass(frozen=True, slots=True)
class AllowSteps:
    """So many steps may be taken from now on."""

    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Check:
    """Say why a command would be refused before its handler runs. Answered by a ``Refusal`` or None."""

    name: str
    data: JsonObject
    files: Mapping[str, StoredFile]
    inline: Mapping[str, StoredFile]


@dataclass(frozen=True, slots=True)
class Close:
    """End the model, and the process."""


Call: TypeAlias = Load | BeginSession | EndSession | Join | Leave | Announce | Dispatch | Check | AllowSteps | Close


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that is answered under its number."""

    number: int
    call: Call


@dataclass(frozen=True, slots=True)
class Push:
    """Media of a client, on its way to the model."""

    track: str
    media: Cargo | AudioBlock


@dataclass(frozen=True, slots=True)
class Returned:
    """Nobody looks at these parts of the shared memory any more."""

    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """There is room for more after what was said under this number; why that reached nobody, or None."""

    number: int
    refusal: Refusal | None


# -------------------------------------------------------------------------------------- what the process answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call: a result, or the failure of the model."""

    number: int
    result: Any = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Frames:
    """The model has made these."""

    cargo: Cargo
    plan: Plan


@dataclass(frozen=True, slots=True)
class Flushed:
    """What is still to be shown is dropped."""


@dataclass(frozen=True, slots=True)
class Said:
    """The model says something to a client, or to all of them. One with a number is answered by :class:`Settled`."""

    message: ApplicationMessage
    client: int | None
    number: int = 0


@dataclass(frozen=True, slots=True)
class SoundMissed:
    """The model has not read so many samples of an input track in time."""

    track: str
    samples: int


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step of a counted session is done."""

    report: StepReport


@dataclass(frozen=True, slots=True)
class StateIs:
    """The fields that clients can set are so now."""

    state: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The model has ended by itself, and the process ends with it."""

    reason: str
