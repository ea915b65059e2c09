"""The connections of a runtime: ids, offers, answers, and who replaces whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

from reactor_protocol.channel import ChannelTimes
from reactor_protocol.errors import BadRequestError, NegotiationError, NotFoundError
from reactor_protocol.names import LAST_CONNECTION_ID, LEGACY_CONNECTION_ID
from reactor_protocol.resources import MAX_TRACKS, Candidate, Offer
from reactor_rtc.port import IceServer, PeerConfig, PeerFactory
from reactor_runtime.config import Settings
from reactor_runtime.connection import Connection, Room
from reactor_runtime.places import Places
from reactor_runtime.terms import Terms
from reactor_runtime.tracks import TrackSpec

MAX_SECTIONS = 2 * MAX_TRACKS
"""Limit of the media sections of an offer, for each of which the engine builds a whole transceiver."""


class Signalling:
    """The connections of the running session, by id. In a ``stepped`` one their messages may be as large as pictures are."""

    def __init__(self, room: Room, settings: Settings, peer_factory: PeerFactory) -> None:
        self._room = room
        self._settings = settings
        self._factory = peer_factory
        self._places = Places(settings.max_connections, time.monotonic())
        self._connections: dict[int, Connection] = {}
        self._answers: dict[int, str] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self.stepped = False

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    def holds(self, connection: Connection) -> bool:
        """Whether the connection is the present one of its id."""
        return self._connections.get(connection.id) is connection

    def register(self) -> int:
        """A new connection id. Raises :class:`ServerError` (503) when too many are taken."""
        return self._places.register(lambda number: number in self._connections, time.monotonic())

    async def offer(self, connection_id: int, offer: Offer, tracks: tuple[TrackSpec, ...], *, legacy: bool) -> None:
        """Takes an offer: a connection that already has this id is replaced.

        Raises :class:`NegotiationError` or :class:`BadRequestError` for an offer that cannot be used, :class:`ServerError` (503)
        above the limit of connections, :class:`RateLimitedError` where offers come too fast.
        """
        if not LEGACY_CONNECTION_ID <= connection_id <= LAST_CONNECTION_ID:
            raise BadRequestError(f"a connection id is {LEGACY_CONNECTION_ID} to {LAST_CONNECTION_ID}, not {connection_id}")
        if offer.sdp_offer.count("\nm=") > MAX_SECTIONS:
            raise BadRequestError(f"an offer has at most {MAX_SECTIONS} media sections")
        self._places.check_pace(time.monotonic())
        if connection_id not in self._connections:
            self._make_room()
        async with self._locks.setdefault(connection_id, asyncio.Lock()):
            await self._negotiate(connection_id, offer, tracks, legacy=legacy)

    def _make_room(self) -> None:
        present = {number: connection.is_open for number, connection in self._connections.items()}
        idle = self._places.make_room(present, time.monotonic())
        if idle is not None:
            self._room.lost(self._connections[idle], "it has not followed up its offer, and others wait")

    async def _negotiate(self, connection_id: int, offer: Offer, tracks: tuple[TrackSpec, ...], *, legacy: bool) -> None:
        self._answers.pop(connection_id, None)
        self._places.offered(connection_id, time.monotonic())
        times = ChannelTimes(silence_timeout=self._settings.ping_timeout)
        terms = Terms(times, self._settings.floods, self._settings.disconnect_grace, stepped=self.stepped)
        connection = Connection(connection_id, self._room, terms, legacy=legacy)
        replaced = self._connections.pop(connection_id, None)
        self._connections[connection_id] = connection
        if replaced is not None:
            await replaced.close()
        try:
            answer = await connection.negotiate(offer, tracks, self._config(offer), self._factory)
            for candidate in self._places.kept(connection_id):
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
        self._places.answered(connection_id, time.monotonic())
        self._answers[connection_id] = answer

    def _config(self, offer: Offer) -> PeerConfig:
        # Whoever offers decides on how many transports; some stacks make one for each section.
        config = replace(self._settings.peer, bundled=False)
        if offer.ice_servers is None:
            return config
        given = tuple(
            IceServer(
                tuple(server.uris),
                server.credentials.username if server.credentials else "",
                server.credentials.password if server.credentials else "",
            )
            for server in offer.ice_servers
        )
        return replace(config, ice_servers=given)

    def answer(self, connection_id: int) -> str | None:
        """The answer to the last offer, or None while it is not made. Raises :class:`NotFoundError` for an unknown id."""
        self._check_known(connection_id)
        return self._answers.get(connection_id)

    async def add_candidates(self, connection_id: int, candidates: list[Candidate]) -> None:
        """Takes candidates; those that come before the offer are kept for it.

        Raises :class:`NotFoundError` for an unknown id, :class:`RateLimitedError` at too many.
        """
        self._check_known(connection_id)
        self._places.count(connection_id, candidates)
        async with self._locks.setdefault(connection_id, asyncio.Lock()):  # an offer that is being taken goes first
            connection = self._connections.get(connection_id)
            if connection is None:
                self._places.keep(connection_id, candidates)
                return
            for candidate in candidates:
                await connection.add_candidate(candidate)

    def _check_known(self, connection_id: int) -> None:
        if connection_id not in self._places and connection_id not in self._connections:
            raise NotFoundError(f"there is no connection {connection_id}")

    def drop(self, connection: Connection) -> bool:
        """Forgets a connection; False when it had been forgotten or replaced before."""
        if not self.holds(connection):
            return False
        del self._connections[connection.id]
        self._answers.pop(connection.id, None)
        self._places.forget(connection.id)
        self._locks.pop(connection.id, None)
        return True

    async def close(self) -> None:
        """Ends all connections, and forgets the ids."""
        connections = list(self._connections.values())
        self._places.clear()
        for table in (self._connections, self._answers, self._locks):
            table.clear()
        await asyncio.gather(*(connection.close() for connection in connections))
