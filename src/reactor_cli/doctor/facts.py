"""What was measured on each leg. Plain values; times are in milliseconds where the name says so. No secret is among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class LegName(StrEnum):
    """The legs from this machine to a first frame, in the order in which they are walked."""

    ENGINE = "engine"
    PORT = "port"
    HTTP = "http"
    TOKEN = "token"
    MODEL = "model"
    QUEUE = "queue"
    ICE = "ice"
    DTLS = "dtls"
    CHANNEL = "data channel"
    FRAME = "first frame"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to: the address of a runtime, or of a coordinator and the name of one of its ``model``\\ s."""

    url: str
    host: str
    port: int
    model: str | None = None

    @property
    def hosted(self) -> bool:
        """Whether a coordinator stands before the runtime."""
        return self.model is not None

    @property
    def here(self) -> bool:
        """Whether it is this machine."""
        return self.host in ("localhost", "127.0.0.1", "::1", "0.0.0.0")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """``failure`` says why the engine cannot be loaded, or why two peers of this process do not find each other."""

    version: str = ""
    video: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()
    connected_ms: float | None = None
    failure: str | None = None
    loaded: bool = True


@dataclass(frozen=True, slots=True)
class PortFacts:
    """``outcome`` is ``open``, ``refused``, ``silent`` (nothing came back), ``unknown host`` or ``unreachable``."""

    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HttpFacts:
    """The answer to ``GET /health``. ``who`` is the program that listens, where that can be told; ``server`` its own word.

    ``speaks`` is ``runtime``, ``coordinator`` or ``something else``.
    """

    status: int | None = None
    speaks: str = "something else"
    health: str = ""
    state: str = ""
    detail: str = ""
    server: str = ""
    who: str = ""
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that was no: its HTTP status, the server's code and words, and when to come back, in seconds."""

    status: int | None
    code: str
    message: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """``key`` says whether one was given; ``models`` and ``sessions`` what the token is for (None: all), as far as it is told."""

    key: bool = True
    refused: Refused | None = None
    expires_in_s: float | None = None
    models: tuple[str, ...] | None = None
    max_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """How a coordinator's model stands. ``known`` are the models it has; ``found`` None where it does not tell."""

    name: str
    known: tuple[str, ...] = ()
    found: bool | None = None
    workers: int = 0
    free: int = 0
    waiting: int = 0
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """``created`` False where the session was there before; ``place`` of ``waiting`` is the last that was told."""

    session: str = ""
    created: bool = True
    place: int | None = None
    waiting: int | None = None
    estimate_s: float | None = None
    patience_s: float = 0.0
    served: bool = False
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A STUN or TURN server: ``answered_ms`` None where it did not answer; ``failure`` says why, if that is known."""

    url: str
    answered_ms: float | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class IceFacts:
    """Candidates are written as ``host 192.0.2.1:4711/udp``; ``chosen`` is the pair, this side first.

    ``asked`` and ``answered`` count connectivity checks. ``refused`` is why the descriptions were not exchanged.
    """

    local: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    gathered_ms: float = 0.0
    complete: bool = True
    servers: tuple[ServerFacts, ...] = ()
    state: str = "new"
    chosen: tuple[str, str] | None = None
    asked: int = 0
    answered: int = 0
    patience_s: float = 0.0
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class DtlsFacts:
    """``state`` is that of W3C ``RTCDtlsTransportState``."""

    state: str
    patience_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """``round_trip_ms`` is a question's and its answer's; None where none came."""

    open: bool
    round_trip_ms: float | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """The first picture, and how many came in the second after it. ``track`` None where the model shows no video."""

    track: str | None
    width: int = 0
    height: int = 0
    fps: float = 0.0
    arrived: bool = False
    patience_s: float = 0.0
    session_over: str | None = None


Facts = (
    EngineFacts | PortFacts | HttpFacts | TokenFacts | ModelFacts | QueueFacts | IceFacts | DtlsFacts | ChannelFacts | FrameFacts
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What facts mean: ``passed``, ``failed`` or ``skipped``, what was found, and what to do, where something is to be done."""

    outcome: str
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg, walked: the verdict, how long it took (None: it was not walked), and the facts."""

    name: LegName
    verdict: Verdict
    took_ms: float | None = None
    facts: Facts | None = field(default=None)
