"""The local half of a connection: what can be made before the session can be connected to, above all the offer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeAlias

from reactor_protocol.errors import ApiError
from reactor_protocol.resources import MappedTrack, Track
from reactor_rtc.port import IceServer, PeerFactory
from reactor_sdk.connection import Connection, ConnectionOwner
from reactor_sdk.signalling import Signalling

logger = logging.getLogger(__name__)

Offer: TypeAlias = tuple[str, list[MappedTrack]]

_FRESH_S: Final = 60.0
"""For how long ICE servers may be used once they are known: their credentials are short-lived, and a queue may be long."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A connection with its offer, and what both were made for."""

    servers: tuple[IceServer, ...]
    tracks: tuple[Track, ...]
    connection: Connection
    offer: Offer


class Preparation:
    """Makes a connection and its offer, as early as what is known allows. A context: on failure it closes what it has made.

    ``preset`` are the tracks that the model is thought to have, or nothing. They save time and decide nothing: where the
    session describes others, or ICE servers are to be used, the offer is made anew.
    """

    def __init__(self, make_peer: PeerFactory, owner: ConnectionOwner, preset: Sequence[Track] = ()) -> None:
        self._make_peer = make_peer
        self._owner = owner
        self._preset = tuple(preset)
        self._made: list[Connection] = []
        self._servers: tuple[IceServer, ...] = ()
        self._servers_until = 0.0
        self._ahead: asyncio.Task[_Prepared] | None = None
        self._prepared: _Prepared | None = None

    async def __aenter__(self) -> Self:
        if self._preset:
            # Before there is a session, and so before it has said which ICE servers to use: most name none.
            self._ahead = asyncio.create_task(self._make(self._preset, ()), name="prepare the offer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.wait({self._ahead})
        if error is not None:
            for connection in self._made:
                await connection.close()

    async def begin(self, signalling: Signalling) -> None:
        """Asks for the ICE servers while the session waits for its worker; a server that cannot say yet is asked later."""
        try:
            await self._ask(signalling)
        except ApiError:
            return
        prepared = await self._offered()
        if prepared is not None and prepared.servers != self._servers:
            await prepared.connection.close()
            self._prepared = await self._make(self._preset, self._servers)

    async def finish(self, signalling: Signalling, tracks: Sequence[Track]) -> tuple[Connection, Offer]:
        """The connection and its offer for these tracks, which the session describes."""
        if asyncio.get_running_loop().time() >= self._servers_until:
            await self._ask(signalling)
        self._tell_differences(tracks)
        made = await self._offered()
        if made is not None and (made.servers != self._servers or _shapes(made.tracks) != _shapes(tracks)):
            await made.connection.close()
            made = None
        if made is None:
            made = await self._make(tracks, self._servers)
        return made.connection, made.offer

    async def _offered(self) -> _Prepared | None:
        """The offer that was made ahead, if one was."""
        if self._prepared is None and self._ahead is not None:
            self._prepared = await self._ahead
        return self._prepared

    async def _ask(self, signalling: Signalling) -> None:
        self._servers = tuple(await signalling.ice_servers())
        self._servers_until = asyncio.get_running_loop().time() + _FRESH_S

    async def _make(self, tracks: Sequence[Track], servers: tuple[IceServer, ...]) -> _Prepared:
        connection = Connection(self._make_peer, servers, tracks, self._owner)
        self._made.append(connection)
        return _Prepared(servers, tuple(tracks), connection, await connection.offer())

    def _tell_differences(self, tracks: Sequence[Track]) -> None:
        if self._preset and (differences := track_differences(self._preset, tracks)):
            told = "; ".join(differences)
            logger.warning("the model's tracks are not the preset ones (%s): make a typed client anew by `reactor codegen`", told)


def track_differences(preset: Sequence[Track], tracks: Sequence[Track]) -> list[str]:
    """What differs between the tracks that were preset and those that a model has, one sentence each."""
    expected, found = {track.name: track for track in preset}, {track.name: track for track in tracks}
    told = [f"{name} is gone" for name in expected if name not in found]
    for name, track in found.items():
        if name not in expected:
            told.append(f"{name} ({track.kind}, {track.direction}) is new")
        elif _shapes([track]) != _shapes([expected[name]]):
            told.append(f"{name} is {track.kind}, {track.direction}, not {expected[name].kind}, {expected[name].direction}")
    return told


def _shapes(tracks: Sequence[Track]) -> list[tuple[str, str, str]]:
    """What an offer depends on; the order of the tracks is no part of it, for each is named."""
    return sorted((track.name, track.kind, track.direction) for track in tracks)
