"""What a client knows of itself, and tells: status, session, capabilities, errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, cast

from reactor_protocol.errors import InvalidStateError, ReactorException, TransportError, UnknownTrackError, WrongDirectionError
from reactor_protocol.lifecycles import CLIENT, ClientEvent, ReactorStatus
from reactor_protocol.names import EXTENSION_ACKS, EXTENSION_FRAME_NUMBERS, FRAME_NUMBERS_ON_DEMAND
from reactor_protocol.resources import Capabilities as SessionCapabilities
from reactor_protocol.resources import QueuePlace, Session, Track, TrackDirection
from reactor_sdk.events import Events
from reactor_sdk.types import Capabilities, Component, ConnectionTimings, QueueStatus, ReactorError

MAX_TOLD_CHARS: Final = 2048


class ClientState:
    """The client's state. Every change of it is told to those who listen, after it has been made."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._session: Session | None = None
        self._capabilities: SessionCapabilities | None = None
        self.expires_at: float | None = None
        """When the session will end, in epoch seconds, where the server has said so."""
        self.queue: QueueStatus | None = None
        """The place in the queue, while there is one."""
        self.status: ReactorStatus = CLIENT.initial
        self.last_error: ReactorError | None = None
        self.session_id: str | None = None
        self.ended: str | None = None
        """Why the last session is over, where the server has said so."""
        self.timings: ConnectionTimings | None = None

    # -------------------------------------------------------------------------------------------------- movements

    def move(self, event: ClientEvent, failure: ReactorError | None = None) -> None:
        """Makes a move of the client's lifecycle, and tells of it; of ``failure``, which caused it, first.

        A move that changes nothing is not told. Raises :class:`InvalidStateError` for one that is not legal.
        """
        status = CLIENT.after(self.status, event)
        if status is None:
            raise InvalidStateError(f"{event} is not possible while {self.status}")
        self.status = status
        if failure is not None:
            self.report(failure)
        if status is not ReactorStatus.WAITING:
            self._place(None)
        self._events.emit("status_changed", status)

    def report(self, error: ReactorError) -> None:
        """Remembers an error and tells of it."""
        self.last_error = error
        self._events.emit("error", error)

    def begin(self, session: Session) -> None:
        """There is a session."""
        self.ended = None
        self._session = session
        if self.session_id != session.session_id:
            self.session_id = session.session_id
            self._capabilities = self.expires_at = None
            self._events.emit("session_id_changed", session.session_id)
        self.observe(session)

    def observe(self, session: Session) -> None:
        """The server has described the session."""
        self._session = session
        self._capabilities = session.capabilities or self._capabilities
        self._place(session.queue)

    def describe(self, session: Session) -> None:
        """The session has a worker, and says what the model offers."""
        self.observe(session)
        if session.expires_at is not None:
            self.expire_at(session.expires_at)
        self._events.emit("capabilities_received", self.capabilities())

    def expire_at(self, moment: float) -> None:
        """The session will end at that time (epoch seconds)."""
        if self._session is not None and self._session.expires_at != moment:
            self._session = self._session.model_copy(update={"expires_at": moment})
        if moment != self.expires_at:
            self.expires_at = moment
            self._events.emit("session_expiration_changed", moment)

    def _place(self, place: QueuePlace | None) -> None:
        status = None if place is None else QueueStatus(place.position, place.waiting, place.estimated_wait_s)
        if status != self.queue:
            self.queue = status
            self._events.emit("queue_changed", status)

    def clear(self) -> None:
        """There is no session any more."""
        had, self._session, self._capabilities = self.session_id, None, None
        self.session_id = self.expires_at = None
        self._place(None)
        if had is not None:
            self._events.emit("session_id_changed", None)
            self._events.emit("session_expiration_changed", None)

    # ---------------------------------------------------------------------------------------------------- reading

    def session_info(self) -> dict[str, Any] | None:
        """The session as the server describes it."""
        return None if self._session is None else self._session.as_dict()

    def capabilities(self) -> Capabilities | None:
        """What the model offers, as the server describes it."""
        if self._capabilities is None:
            return None
        body = {
            "protocol_version": self._capabilities.protocol_version,
            "tracks": [],
            **self._capabilities.model_dump(exclude_unset=True),
        }
        return cast(Capabilities, body)

    def tracks(self) -> list[Track]:
        """The model's tracks; empty while they are not known."""
        return [] if self._capabilities is None else self._capabilities.tracks

    def track(self, name: str, direction: TrackDirection) -> Track:
        """The track of that name. Raises :class:`UnknownTrackError`, or :class:`WrongDirectionError` where it flows otherwise."""
        tracks = {track.name: track for track in self.tracks()}
        track = tracks.get(name)
        if track is None:
            known = ", ".join(f"{each.name} ({each.kind}, {each.direction})" for each in tracks.values()) or "none"
            raise UnknownTrackError(f"the model has no track {name!r}; its tracks are: {known}")
        if track.direction != direction:
            flows = "comes from the model" if track.direction == "recvonly" else "goes to the model"
            raise WrongDirectionError(f"the track {name!r} {flows} ({track.direction}); a {direction} track is needed")
        return track

    @property
    def acknowledges(self) -> bool:
        """Whether the server answers commands (extension ``acks``)."""
        return self._knows(EXTENSION_ACKS, 1)

    @property
    def numbers_frames(self) -> bool:
        """Whether the server tells of each frame of a track that is asked for (extension ``frame_numbers``)."""
        return self._knows(EXTENSION_FRAME_NUMBERS, FRAME_NUMBERS_ON_DEMAND)

    def _knows(self, extension: str, version: int) -> bool:
        return self._capabilities is not None and self._capabilities.extensions.get(extension, 0) >= version


def failure(code: str, error: ReactorException, *, component: Component | None = None) -> ReactorError:
    """The event for an exception. Errors of the connection are the ``gpu``'s, all others the ``api``'s."""
    return ReactorError(
        code=code,
        message=str(error),
        timestamp=time.time(),
        recoverable=error.recoverable,
        component=component or ("gpu" if isinstance(error, TransportError) else "api"),
        retry_after=error.retry_after,
    )


def told_error(told: Mapping[str, Any]) -> ReactorError:
    """The event for an error that the server tells of (runtime message ``error``) while the connection stays."""
    return ReactorError(
        code=str(told.get("code") or "ERROR")[:MAX_TOLD_CHARS],
        message=str(told.get("message") or "the server reports an error")[:MAX_TOLD_CHARS],
        timestamp=time.time(),
        recoverable=told.get("recoverable") is not False,
        component="api" if told.get("component") == "api" else "gpu",
    )
