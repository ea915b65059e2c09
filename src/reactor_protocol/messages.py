"""What the two data channels carry, as values. The codec turns them into text and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
TrackKind: TypeAlias = Literal["audio", "video"]


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that was uploaded to a session: pass it to ``send_command`` as the value of a parameter.

    ``size`` is in bytes. A reference is good for as long as the session lives, in any number of commands.
    """

    upload_id: str
    name: str
    mime_type: str
    size: int


# --------------------------------------------------------------------------------------------- client to server


@dataclass(frozen=True, slots=True)
class Command:
    """Asks the model to do something. ``request_id`` asks for an acknowledgement (extension ``acks``)."""

    type: str
    data: JsonObject = field(default_factory=dict)
    uploads: Mapping[str, FileRef] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Says that the client is alive."""


@dataclass(frozen=True, slots=True)
class RequestSchema:
    """Asks for the model's schema document. ``request_id`` is None where the wire version has none (v0), here and below."""

    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class RequestCapabilities:
    """Asks for the model's commands and tracks in short, as the JavaScript client's forms do. Only wire version v0 has it."""


@dataclass(frozen=True, slots=True)
class FileUploaded:
    """Says that the bytes of a reference have arrived."""

    file: FileRef


@dataclass(frozen=True, slots=True)
class RequestClip:
    """Asks for a clip of the last ``duration_s`` seconds; answered by a :class:`ClipReady` or a :class:`ClipFailed`."""

    duration_s: float
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class RequestRecording:
    """Asks for all that was recorded so far; answered as :class:`RequestClip` is."""

    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class PublishTrack:
    """Asks for the publisher's slot of an input track; answered by a :class:`PublishResult`."""

    request_id: str
    name: str


@dataclass(frozen=True, slots=True)
class UnpublishTrack:
    """Gives the publisher's slot of an input track back."""

    name: str


@dataclass(frozen=True, slots=True)
class PauseTrack:
    """Stops an output track towards this client."""

    name: str


@dataclass(frozen=True, slots=True)
class ResumeTrack:
    """Lets an output track flow towards this client; ``tagged`` with what is told of each frame, from now on (v0 alone)."""

    name: str
    tagged: bool = False


FrameEncoding: TypeAlias = Literal["raw", "h264"]
StepFailure: TypeAlias = Literal["refused", "not_ready", "failed", "result_too_large", "command_failed", "session_ended"]
"""Why a requested step has no result (reference: runtime, 5.4)."""


@dataclass(frozen=True, slots=True)
class StepFrame:
    """One frame of a step. Raw video is ``uint8`` ``[h, w, 3]``, raw sound ``int16`` ``[channels, samples]``, little endian."""

    encoding: FrameEncoding | None
    dtype: str
    shape: tuple[int, ...]
    data: bytes
    metadata: bytes | None = None
    capture_time_us: int | None = None


@dataclass(frozen=True, slots=True)
class StepTrack:
    """The frames of one track in a step. ``rate`` is frames per second for video, samples per second for sound."""

    track: str
    kind: TrackKind | None
    frames: tuple[StepFrame, ...] = ()
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class RequestStep:
    """Asks for one step in a stepped session, after what comes with it is applied; answered by a :class:`StepResult`."""

    request_id: str | None
    state: JsonObject = field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    media: tuple[StepTrack, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientStats:
    """What a client has measured of its connection: ``tracks`` and ``connection`` as the wire names their fields."""

    tracks: tuple[JsonObject, ...] = ()
    connection: JsonObject = field(default_factory=dict)


# --------------------------------------------------------------------------------------------- server to client


@dataclass(frozen=True, slots=True)
class ApplicationMessage:
    """A message of the model."""

    type: str
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was refused: a stable code, and a sentence for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The answer to a command that carried a ``request_id`` (extension ``acks``).

    ``frame`` is the number of the first frame that was made after the handler ran, counted from 0 per session.
    """

    request_id: str
    reply: ApplicationMessage | None = None
    error: Refusal | None = None
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class PublishResult:
    """The answer to :class:`PublishTrack`; without an error the slot is granted."""

    request_id: str
    error: Refusal | None = None


@dataclass(frozen=True, slots=True)
class ClipReady:
    """Where a clip or a recording is, or soon will be.

    ``kind`` is ``snap`` or ``recording``. Markers are seconds of recorded media; ``predicted_ready_at_ms`` is Unix time in
    milliseconds; ``playlist_url`` is a path at the server that was asked.
    """

    session_id: str
    kind: str
    start_marker: float
    end_marker: float
    now_marker: float
    predicted_ready_at_ms: int
    playlist_url: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClipFailed:
    """Why there is no clip."""

    reason: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class RuntimeMessage:
    """A message of the platform: ``modelSchema``, ``moderation`` and the like. ``request_id`` is that of what it answers."""

    type: str
    data: JsonObject = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The session is over, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class StepFile:
    """A file that a step has made; ``size`` is in bytes."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class StepResult:
    """The answer to :class:`RequestStep`. ``step`` counts from 1, and is 0 where none was taken.

    ``error`` says what went wrong, ``failure`` of which kind it is, ``code`` is the one of a command that failed, and ``entry``
    the part of the request that is to blame, such as ``commands[0]``.
    """

    request_id: str
    step: int = 0
    tracks: tuple[StepTrack, ...] = ()
    elapsed_s: float = 0.0
    files: tuple[StepFile, ...] = ()
    error: str | None = None
    failure: StepFailure | None = None
    code: str | None = None
    entry: str | None = None


ClientMessage: TypeAlias = (
    Command
    | Ping
    | RequestSchema
    | RequestCapabilities
    | FileUploaded
    | RequestClip
    | RequestRecording
    | PublishTrack
    | UnpublishTrack
    | PauseTrack
    | ResumeTrack
    | RequestStep
    | ClientStats
)
ServerMessage: TypeAlias = (
    ApplicationMessage | CommandResult | PublishResult | ClipReady | ClipFailed | RuntimeMessage | SessionEnded | StepResult
)
