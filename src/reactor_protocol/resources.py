"""The bodies of HTTP requests and answers (reference: runtime, section 3; client and REST, section 2).

Fields that are not known here are kept, so that a newer peer loses nothing on the way through.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from reactor_protocol.names import TRANSPORT, WEBRTC_VERSION, WIRE_VERSION

TrackKind: TypeAlias = Literal["audio", "video"]
TrackDirection: TypeAlias = Literal["recvonly", "sendonly"]

MAX_SDP_CHARS = 256 * 1024
MAX_TRACKS = 64
MAX_CANDIDATES = 256
MAX_CANDIDATE_CHARS = 2048


class Resource(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="allow")


class Track(Resource):
    """One track of a model. ``direction`` is the client's: it receives ``recvonly`` tracks and sends ``sendonly`` ones."""

    name: str = Field(max_length=128)
    kind: TrackKind
    direction: TrackDirection


class Capability(Resource):
    """One command of a model, as the descriptor lists it."""

    name: str
    description: str = ""


class Capabilities(Resource):
    """What a model offers. ``extensions`` names additions to the wire protocol, each with its version."""

    protocol_version: str = WIRE_VERSION
    tracks: list[Track] = Field(default_factory=list)
    commands: list[Capability] | None = None
    emission_fps: float | None = None
    extensions: dict[str, int] = Field(default_factory=dict)


class ModelName(Resource):
    name: str
    version: str | None = None


class ServerInfo(Resource):
    server_version: str


class Transport(Resource):
    protocol: str = TRANSPORT
    version: str = WEBRTC_VERSION


class QueuePlace(Resource):
    """Where a waiting session stands. ``position`` begins at 1; ``estimated_wait_s`` is absent where nothing is known yet."""

    position: int
    waiting: int
    estimated_wait_s: float | None = None


class Session(Resource):
    """A session as the servers describe it. Absent fields arrive later, when a worker has been found."""

    session_id: str
    state: str
    cluster: str | None = None
    model: ModelName | None = None
    server_info: ServerInfo | None = None
    selected_transport: Transport | None = None
    capabilities: Capabilities | None = None
    queue: QueuePlace | None = None
    expires_at: float | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The body as it came, unknown fields included, absent ones left out."""
        return self.model_dump(exclude_unset=True)


class IceCredentials(Resource):
    username: str = ""
    password: str = ""


class IceServer(Resource):
    uris: list[str]
    credentials: IceCredentials | None = None


class IceServers(Resource):
    ice_servers: list[IceServer] = Field(default_factory=list)


class MappedTrack(Resource):
    """Which media section of an offer carries which track. ``direction`` is the client's."""

    mid: str = Field(max_length=64)
    name: str = Field(max_length=128)
    kind: TrackKind
    direction: TrackDirection


class Offer(Resource):
    """An offer. ``ice_servers`` absent means the server's own; present, even empty, it stands.

    ``view_only`` is an addition of this project's servers (``EXTENSION_VIEW_ONLY``), and so is ``in_step``: the client acts once
    for each frame that it sees, and waits for the one that shows what it did.
    """

    sdp_offer: str = Field(min_length=1, max_length=MAX_SDP_CHARS)
    track_mapping: list[MappedTrack] = Field(default_factory=list, max_length=MAX_TRACKS)
    ice_servers: list[IceServer] | None = Field(default=None, max_length=16)
    view_only: bool | None = Field(default=None, strict=True)
    in_step: bool | None = Field(default=None, strict=True)


class Answer(Resource):
    sdp_answer: str
    connection_id: int | None = None


class ConnectionCreated(Resource):
    connection_id: int


class Candidate(Resource):
    candidate: str = Field(max_length=MAX_CANDIDATE_CHARS)
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None


class Candidates(Resource):
    candidates: list[Candidate] = Field(default_factory=list, max_length=MAX_CANDIDATES)
    is_final: bool = False


class UploadRequest(Resource):
    """Asks for a place to put a file of ``size`` bytes.

    ``source`` is what a coordinator tells its workers: where the bytes can be had once they have arrived.
    """

    name: str
    size: int
    mime_type: str
    upload_id: str | None = None
    source: str | None = None


class UploadSlot(Resource):
    """Where to ``PUT`` the bytes, and the id to refer to them by."""

    presigned_id: str
    presigned_url: str
    path: str = ""


class Token(Resource):
    """A token. ``expires_at`` is in epoch seconds."""

    jwt: str
    expires_at: float | None = None


# ------------------------------------------------------------------------- a worker and its coordinator


class EndedSession(Resource):
    """A session that has ended at its worker, and why."""

    session_id: str
    reason: str = Field(default="", max_length=512)


class WorkerReport(Resource):
    """What a worker tells its coordinator: on every change, and as a heartbeat.

    ``state`` is the runtime's (reference: runtime, 3.3). ``session_id`` is the running session, ``ended`` the one before it.
    """

    port: int = Field(ge=1, le=65535)
    pid: int = Field(default=0, ge=0, lt=2**31)
    state: str = Field(max_length=32)
    session_id: str | None = Field(default=None, max_length=64)
    connections: int = Field(default=0, ge=0, le=65535)
    ended: EndedSession | None = None
    failure: str | None = Field(default=None, max_length=2048)
    capabilities: Capabilities | None = None


class WorkerOrders(Resource):
    """The answer to a report. Times are in seconds.

    ``stop_session`` names a session that the worker runs and must end; ``exit`` tells it to end it all.
    """

    interval_s: float = 1.0
    lease_s: float = 3.0
    stop_session: str | None = None
    exit: bool = False


class Notice(Resource):
    """A message of the platform for every client of a session."""

    type: str = Field(min_length=1, max_length=64)
    data: dict[str, Any] = Field(default_factory=dict)


class Failure(Resource):
    """The one shape of an error of the coordinator. ``retry_after_seconds`` stands where waiting helps."""

    code: str
    message: str
    retry_after_seconds: float | None = None
    quota_type: str | None = None
