"""What a client holds and wants from connection to connection."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final

from aiortc.mediastreams import MediaStreamTrack

from reactor_protocol.errors import ReactorException, TrackTakenError
from reactor_protocol.lifecycles import SESSION_QUEUED
from reactor_protocol.names import PING_TIMEOUT_S
from reactor_protocol.resources import Session
from reactor_sdk.connection import Connection
from reactor_sdk.queueing import described
from reactor_sdk.state import ClientState, failure

logger = logging.getLogger(__name__)

TRACK_PUBLISH_FAILED: Final = "TRACK_PUBLISH_FAILED"

_REPUBLISH_LIMIT_S: Final = PING_TIMEOUT_S + 5.0
"""A server holds the slot of a connection that it has not yet noticed to be dead until its ping timeout."""
_REPUBLISH_PAUSE_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """The arguments of ``connect()``."""

    session_id: str | None = None
    connection_id: int | None = None
    auto_resume_tracks: bool = True
    fail_fast: bool = False


@dataclass(slots=True)
class Holdings:
    """What this client has and wants, from connection to connection."""

    owns_session: bool = False
    connection_id: int | None = None
    placements: object = None
    """How often the session had been moved to another worker when this client connected to it, where the server says so."""
    resume_tracks: bool = True
    paused: set[str] = field(default_factory=set)
    resumed: set[str] = field(default_factory=set)
    tagged: set[str] = field(default_factory=set)
    """Output tracks of whose frames number and metadata are wanted."""
    published: dict[str, MediaStreamTrack] = field(default_factory=dict)

    def connected(self, connection_id: int, session: Session) -> None:
        """There is a connection of that id to the session as it is now."""
        self.connection_id = connection_id
        self.placements = _placements(session)

    def reusable_id(self, session: Session) -> int | None:
        """The id of the connection before, if the worker that gave it still has the session.

        On another worker it is unknown, or, which is worse, another client's.
        """
        return self.connection_id if described(session) and _placements(session) == self.placements else None

    def has_moved(self, session: Session) -> bool:
        """Whether the worker that this client is connected to has the session no more."""
        return session.state.upper() in SESSION_QUEUED or _placements(session) != self.placements

    def flows(self, name: str) -> bool:
        """Whether the application wants that output track."""
        return name in self.resumed or (self.resume_tracks and name not in self.paused)

    def pause(self, name: str) -> None:
        """The application does not want that output track now."""
        self.paused.add(name)
        self.resumed.discard(name)

    def resume(self, name: str) -> None:
        """The application wants that output track."""
        self.resumed.add(name)
        self.paused.discard(name)

    async def republish(self, connection: Connection, state: ClientState) -> None:
        """Publishes on a new connection what was published on the one before; a failure is reported.

        A track that is still held for the connection before is published as soon as it is free.
        """
        for name, track in list(self.published.items()):
            if track.readyState != "live":
                continue
            try:
                await connection.publish(name, track)
            except TrackTakenError:
                connection.scope.start(self._publish_when_free(connection, state, name), f"republish {name}")
            except ReactorException as error:
                state.report(failure(TRACK_PUBLISH_FAILED, error, component="gpu"))

    async def _publish_when_free(self, connection: Connection, state: ClientState, name: str) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _REPUBLISH_LIMIT_S
        while (track := self.published.get(name)) is not None:
            await asyncio.sleep(_REPUBLISH_PAUSE_S)
            try:
                await connection.publish(name, track)
            except TrackTakenError as error:
                if loop.time() < give_up:
                    continue
                state.report(failure(TRACK_PUBLISH_FAILED, error, component="gpu"))
            except ReactorException as error:
                logger.debug("%s was not published again: %s", name, error)
            return


def _placements(session: Session) -> object:
    return (session.model_extra or {}).get("placements")
