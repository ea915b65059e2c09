"""The connections of a runtime: ids, offers, answers, and who replaces whom."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import replace

from reactor_protocol.channel import ChannelTimes
from reactor_protocol.errors import BadRequestError, NegotiationError, NotFoundError, ServerError
from reactor_protocol.names import FIRST_CONNECTION_ID, LAST_CONNECTION_ID, LEGACY_CONNECTION_ID
from reactor_protocol.resources import Candidate, Offer
from reactor_rtc.port import IceServer, PeerConfig, PeerFactory
from reactor_runtime.config import Settings
from reactor_runtime.connection import Connection, Room
from reactor_runtime.tracks import TrackSpec

MAX_EARLY_CANDIDATES = 256
_DRAWS = 100


class Signalling:
    """The connections of the running session, by id."""

    def __init__(self, room: Room, settings: Settings, peer_factory: PeerFactory) -> None:
        self._room = room
        self._settings = settings
        self._factory = peer_factory
        self._registered: set[int] = set()
        self._connections: dict[int, Connection] = {}
        self._answers: dict[int, str] = {}
        self._early: dict[int, list[Candidate]] = {}
        self._locks: dict[int, asyncio.Lock] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    def holds(self, connection: Connection) -> bool:
        """Whether the connection is the present one of its id."""
        return self._connections.get(connection.id) is connection

    def register(self) -> int:
        """A new connection id. Raises :class:`ServerError` (503) when too many are taken."""
        if len(self._registered) < 4 * self._settings.max_connections:
            for _ in range(_DRAWS):
                number = FIRST_CONNECTION_ID + secrets.randbelow(LAST_CONNECTION_ID - FIRST_CONNECTION_ID + 1)
                if number not in self._registered and number not in self._connections:
                    self._registered.add(number)
                    return number
        raise ServerError("too many connections are registered", status=503)

    async def offer(self, connection_id: int, offer: Offer, tracks: tuple[TrackSpec, ...], *, legacy: bool) -> None:
        """Takes an offer: a connection that already has this id is replaced.

        Raises :class:`NegotiationError` or :class:`BadRequestError` for an offer that cannot be used, :class:`ServerError` (503)
        above the limit of connections.
        """
        if not LEGACY_CONNECTION_ID <= connection_id <= LAST_CONNECTION_ID:
            raise BadRequestError(f"a connection id is {LEGACY_CONNECTION_ID} to {LAST_CONNECTION_ID}, not {connection_id}")
        if connection_id not in self._connections and len(self._connections) >= self._settings.max_connections:
            raise ServerError(f"this runtime takes at most {self._settings.max_connections} connections", status=503)
        async with self._locks.setdefault(connection_id, asyncio.Lock()):
            await self._negotiate(connection_id, offer, tracks, legacy=legacy)

    async def _negotiate(self, connection_id: int, offer: Offer, tracks: tuple[TrackSpec, ...], *, legacy: bool) -> None:
        self._answers.pop(connection_id, None)
        times = ChannelTimes(silence_timeout=self._settings.ping_timeout)
        connection = Connection(connection_id, self._room, times, legacy=legacy)
        replaced = self._connections.pop(connection_id, None)
        self._connections[connection_id] = connection
        if replaced is not None:
            await replaced.close()
        try:
            answer = await connection.negotiate(offer, tracks, self._config(offer), self._factory)
            for candidate in self._early.pop(connection_id, []):
                await connection.add_candidate(candidate)
            if not self.holds(connection):
                raise NegotiationError("the connection was given up while its offer was taken")
        except BaseException:
            if replaced is not None:
                self._room.lost(connection, "the offer that replaced it could not be used")
            elif self.holds(connection):
                del self._connections[connection_id]
            await connection.close()
            raise
        connection.watch(self._settings.negotiation_timeout)
        self._registered.add(connection_id)
        self._answers[connection_id] = answer

    def _config(self, offer: Offer) -> PeerConfig:
        if offer.ice_servers is None:
            return self._settings.peer
        given = tuple(
            IceServer(
                tuple(server.uris),
                server.credentials.username if server.credentials else "",
                server.credentials.password if server.credentials else "",
            )
            for server in offer.ice_servers
        )
        return replace(self._settings.peer, ice_servers=given)

    def answer(self, connection_id: int) -> str | None:
        """The answer to the last offer, or None while it is not made. Raises :class:`NotFoundError` for an unknown id."""
        if connection_id not in self._registered and connection_id not in self._connections:
            raise NotFoundError(f"there is no connection {connection_id}")
        return self._answers.get(connection_id)

    async def add_candidates(self, connection_id: int, candidates: list[Candidate]) -> None:
        """Takes candidates; those that come before the offer are kept for it. Raises :class:`NotFoundError` for an unknown id."""
        if connection_id not in self._registered and connection_id not in self._connections:
            raise NotFoundError(f"there is no connection {connection_id}")
        async with self._locks.setdefault(connection_id, asyncio.Lock()):  # an offer that is being taken goes first
            connection = self._connections.get(connection_id)
            if connection is None:
                early = self._early.setdefault(connection_id, [])
                early.extend(candidates[: MAX_EARLY_CANDIDATES - len(early)])
                return
            for candidate in candidates:
                await connection.add_candidate(candidate)

    def drop(self, connection: Connection) -> bool:
        """Forgets a connection; False when it had been forgotten or replaced before."""
        if not self.holds(connection):
            return False
        del self._connections[connection.id]
        self._answers.pop(connection.id, None)
        self._registered.discard(connection.id)
        self._locks.pop(connection.id, None)
        return True

    async def close(self) -> None:
        """Ends all connections, and forgets the ids."""
        connections = list(self._connections.values())
        for table in (self._connections, self._answers, self._early, self._registered, self._locks):
            table.clear()
        await asyncio.gather(*(connection.close() for connection in connections))
