"""Signalling of one WebRTC connection over HTTP (reference: runtime, 4.1; client and REST, section 2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from reactor_protocol.errors import InvalidArgumentError, ReactorException, RequestTimeoutError
from reactor_protocol.names import EXTENSION_VIEW_ONLY, LAST_CONNECTION_ID, LEGACY_CONNECTION_ID
from reactor_protocol.resources import Answer, Candidate, Candidates, ConnectionCreated, IceServers, MappedTrack, Offer
from reactor_rtc.port import IceCandidate, IceServer
from reactor_sdk.api import SIGNALLING_HEADERS, Api, Reply
from reactor_sdk.version import CLIENT_INFO

logger = logging.getLogger(__name__)

ANSWER_LIMIT_S: Final = 30.0
_FIRST_POLL_S: Final = 0.02
_LONGEST_POLL_S: Final = 0.5


def check_connection_id(connection_id: int | None) -> None:
    """Raises :class:`InvalidArgumentError` for an id that no connection can have."""
    if connection_id is None:
        return
    if not isinstance(connection_id, int) or isinstance(connection_id, bool):
        raise InvalidArgumentError(f"connection_id must be an int, got {type(connection_id).__name__}")
    if not LEGACY_CONNECTION_ID <= connection_id <= LAST_CONNECTION_ID:
        raise InvalidArgumentError(f"connection_id must be above 1000 and at most {LAST_CONNECTION_ID}, got {connection_id}")


class Signalling:
    """What client and server tell each other before they have a connection. Raises as :meth:`Api.fetch`."""

    def __init__(self, api: Api, session_id: str, *, view_only: bool = False, in_step: bool = False) -> None:
        self._api = api
        self._additions = {name: True for name, given in ((EXTENSION_VIEW_ONLY, view_only), ("in_step", in_step)) if given}
        self._path = f"/sessions/{session_id}/transport/webrtc"

    async def _fetch(self, method: str, path: str, body: Offer | Candidates | None = None) -> Reply:
        return await self._api.fetch(method, self._path + path, body, SIGNALLING_HEADERS)

    async def ice_servers(self) -> tuple[IceServer, ...]:
        """The STUN and TURN servers to use."""
        servers = (await self._fetch("GET", "/ice_servers")).parse(IceServers).ice_servers
        return tuple(
            IceServer(tuple(server.uris), server.credentials.username, server.credentials.password)
            if server.credentials is not None
            else IceServer(tuple(server.uris))
            for server in servers
        )

    async def register(self) -> int:
        """A new connection's id."""
        return (await self._fetch("POST", "/connections")).parse(ConnectionCreated).connection_id

    async def exchange(self, connection_id: int, sdp: str, mapping: Sequence[MappedTrack], *, again: bool = False) -> str:
        """The answer to an offer. ``again`` replaces the connection that has this id by a new one.

        Raises :class:`RequestTimeoutError` when no answer comes.
        """
        path = f"/connections/{connection_id}/sdp_params"
        body = {"sdp_offer": sdp, "track_mapping": list(mapping), "client_info": dict(CLIENT_INFO), **self._additions}
        offer = Offer.model_validate(body)
        await self._fetch("PUT" if again else "POST", path, offer)
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                return await self._answer(path)
        except TimeoutError as error:
            raise RequestTimeoutError(f"the offer was not answered within {ANSWER_LIMIT_S:g} s") from error

    async def _answer(self, path: str) -> str:
        pause = _FIRST_POLL_S
        while (reply := await self._fetch("GET", path)).status == 202:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_POLL_S)
        return reply.parse(Answer).sdp_answer

    async def trickle(self, connection_id: int, found: asyncio.Queue[IceCandidate]) -> None:
        """Passes candidates on as they are found, for as long as it is let run. One that does not arrive is not missed."""
        while True:
            batch = [await found.get()]
            while not found.empty():
                batch.append(found.get_nowait())
            candidates = [Candidate(candidate=one.candidate, sdp_mid=one.mid, sdp_mline_index=one.mline_index) for one in batch]
            try:
                await self._fetch("POST", f"/connections/{connection_id}/ice_candidates", Candidates(candidates=candidates))
            except ReactorException as error:
                logger.debug("candidates were not passed on: %s", error)
