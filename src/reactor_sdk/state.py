"""What a client knows of itself, and tells: status, session, capabilities, errors."""

from __future__ import annotations

import time
from typing import Any, cast

from reactor_protocol.errors import InvalidStateError, ReactorException, TransportError, UnknownTrackError, WrongDirectionError
from reactor_protocol.lifecycles import CLIENT, ClientEvent, ReactorStatus
from reactor_protocol.names import EXTENSION_ACKS
from reactor_protocol.resources import Session, Track, TrackDirection
from reactor_sdk.events import Events
from reactor_sdk.types import Capabilities, Component, ConnectionTimings, ReactorError


class ClientState:
    """The client's state. Every change of it is told to those who listen, after it has been made."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._session: Session | None = None
        self._expires_at: float | None = None
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
            self._events.emit("session_id_changed", session.session_id)

    def describe(self, session: Session) -> None:
        """The session has a worker, and says what the model offers."""
        self._session = session
        expires_at = (session.model_extra or {}).get("expires_at")
        if isinstance(expires_at, int | float) and expires_at != self._expires_at:
            self._expires_at = float(expires_at)
            self._events.emit("session_expiration_changed", self._expires_at)
        self._events.emit("capabilities_received", self.capabilities())

    def clear(self) -> None:
        """There is no session any more."""
        had, self._session = self.session_id, None
        self.session_id = self._expires_at = None
        if had is not None:
            self._events.emit("session_id_changed", None)
            self._events.emit("session_expiration_changed", None)

    # ---------------------------------------------------------------------------------------------------- reading

    def session_info(self) -> dict[str, Any] | None:
        """The session as the server describes it."""
        return None if self._session is None else self._session.as_dict()

    def capabilities(self) -> Capabilities | None:
        """What the model offers, as the server describes it."""
        if self._session is None or self._session.capabilities is None:
            return None
        capabilities = self._session.capabilities
        body = {
            "protocol_version": capabilities.protocol_version,
            "tracks": [],
            **capabilities.model_dump(exclude_unset=True),
        }
        return cast(Capabilities, body)

    def tracks(self) -> list[Track]:
        """The model's tracks; empty while they are not known."""
        if self._session is None or self._session.capabilities is None:
            return []
        return self._session.capabilities.tracks

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
        capabilities = self._session.capabilities if self._session is not None else None
        return capabilities is not None and capabilities.extensions.get(EXTENSION_ACKS, 0) >= 1


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
