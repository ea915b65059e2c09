"""From a session to its first frame, each leg by itself: what it measures are facts, and what it began it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from reactor_cli.doctor.facts import (
    ChannelFacts,
    DtlsFacts,
    FrameFacts,
    IceFacts,
    ModelFacts,
    QueueFacts,
    Refused,
    Target,
    TokenFacts,
)
from reactor_cli.doctor.network import ask_server
from reactor_protocol.errors import ReactorException
from reactor_protocol.messages import RequestSchema, RuntimeMessage, ServerMessage, SessionEnded
from reactor_protocol.resources import Resource, Session, Track
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.peer_proxy import PeerProxy
from reactor_rtc.port import EventSink, PeerConfig
from reactor_rtc.wrtc_path import Candidate, PathReport
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.connection import Connection
from reactor_sdk.session import OpenedSession, Sessions, check_described, make_sessions
from reactor_sdk.signalling import Signalling
from reactor_sdk.stats import main_video
from reactor_sdk.tokens import fetch_token

_GATHER_S: Final = 2.0
_LOOK_S: Final = 0.005
_FPS_S: Final = 1.0
_CONNECTED: Final = ("connected", "completed")

OnPlace = Callable[[int, int], None]
"""Is told of the place in the queue, and of how many wait."""


class _ListedModel(Resource):
    name: str
    workers: int = 0
    free: int = 0
    waiting: int = 0


class _ListedModels(Resource):
    models: list[_ListedModel]


class Witness:
    """Owns the connection, and notes what comes over it."""

    def __init__(self) -> None:
        self.frames = 0
        self.first: VideoFrame | None = None
        self.answered = asyncio.Event()
        self.shown = asyncio.Event()
        self.ended = asyncio.Event()
        self.over: str | None = None

    def message_received(self, message: ServerMessage) -> None:
        match message:
            case RuntimeMessage(kind, _) if kind == "modelSchema":
                self.answered.set()
            case SessionEnded(reason):
                self._end(reason or "the server has ended it")
            case _:
                pass

    def media_received(self, track: Track, media: Media) -> None:
        if isinstance(media, VideoFrame):
            self.frames += 1
            self.first = self.first or media
            self.shown.set()

    def connection_lost(self, error: ReactorException) -> None:
        self._end(str(error))

    def _end(self, why: str) -> None:
        self.over = self.over or why
        self.ended.set()


class Visit:
    """One client's way. The legs are walked in order, each once; :meth:`close` ends what they began."""

    def __init__(self, target: Target, patience_s: float, api_key: str | None) -> None:
        self._target = target
        self._patience_s = patience_s
        self._key = api_key
        self._api = Api(target.url)
        self._witness = Witness()
        self._sessions: Sessions | None = None
        self._opened: OpenedSession | None = None
        self._peer: PeerProxy | None = None
        self._connection: Connection | None = None
        self._tracks: list[Track] = []

    async def token(self) -> TokenFacts:
        """Exchanges the key."""
        if not self._key:
            return TokenFacts(key=False)
        try:
            token = await fetch_token(self._api, self._key)
        except ReactorException as error:
            return TokenFacts(refused=refusal(error))
        self._sessions = make_sessions(
            self._api, ClientConfig(self._target.model or "", self._target.url, local=False, jwt=token.jwt)
        )
        expires = None if token.expires_at is None else max(0.0, token.expires_at - time.time())
        models, most = scopes_of((token.model_extra or {}).get("authorization_details"))
        return TokenFacts(expires_in_s=expires, models=models, max_sessions=most)

    async def model(self) -> ModelFacts:
        """Asks a coordinator for its models; one of another make may not tell."""
        name = self._target.model or ""
        try:
            listed = (await self._api.fetch("GET", "/models")).parse(_ListedModels).models
        except ReactorException as error:
            told = error.status in (401, 403, 429) or (error.status or 0) >= 500
            return ModelFacts(name, refused=refusal(error)) if told else ModelFacts(name)
        found = next((each for each in listed if each.name == name), None)
        known = tuple(each.name for each in listed)
        if found is None:
            return ModelFacts(name, known, found=False)
        return ModelFacts(name, known, True, found.workers, found.free, found.waiting)

    async def queue(self, on_place: OnPlace) -> QueueFacts:
        """Begins a session, and waits for its worker."""
        seen: list[Session] = []
        if self._sessions is None:
            self._sessions = make_sessions(self._api, ClientConfig("", self._target.url, local=True))

        def told(session: Session) -> None:
            seen.append(session)
            if session.queue is not None:
                on_place(session.queue.position, session.queue.waiting)

        try:
            async with asyncio.timeout(self._patience_s):
                self._opened = await self._sessions.open(None)
                told(self._opened.session)
                session = await self._sessions.wait(self._opened.session, told)
            check_described(session)
        except TimeoutError:
            return self._queue_facts(seen, served=False)
        except ReactorException as error:
            return replace(self._queue_facts(seen, served=False), refused=refusal(error))
        self._opened = replace(self._opened, session=session)
        self._tracks = list(session.capabilities.tracks) if session.capabilities is not None else []
        return self._queue_facts(seen, served=True)

    def _queue_facts(self, seen: list[Session], *, served: bool) -> QueueFacts:
        place = next((each.queue for each in reversed(seen) if each.queue is not None), None)
        facts = QueueFacts(
            session=seen[-1].session_id if seen else "",
            created=self._opened is None or self._opened.created,
            patience_s=self._patience_s,
            served=served,
        )
        if place is None:
            return facts
        return replace(facts, place=place.position, waiting=place.waiting, estimate_s=place.estimated_wait_s)

    async def ice(self) -> IceFacts:
        """Exchanges descriptions, and waits until a pair of addresses works."""
        assert self._opened is not None
        signalling = Signalling(self._api, self._opened.session.session_id)
        facts = IceFacts(patience_s=self._patience_s)
        try:
            servers = await signalling.ice_servers()
            urls = [url for server in servers for url in server.urls]
            facts = replace(facts, servers=tuple(await asyncio.gather(*(ask_server(url) for url in urls))))
            self._connection = Connection(self._make_peer, servers, self._tracks, self._witness)
            number = await signalling.register()
            began = time.perf_counter()
            offer, mapping = await self._connection.offer()
            took = time.perf_counter() - began
            facts = replace(facts, gathered_ms=took * 1e3, complete=took < _GATHER_S)
            await self._connection.accept(await signalling.exchange(number, offer, mapping))
            self._connection.scope.start(signalling.trickle(number, self._connection.candidates), "trickle")
        except ReactorException as error:
            return replace(facts, refused=refusal(error))
        path = await self._until(lambda path: path.ice in _CONNECTED)
        return replace(
            facts,
            local=_written(path.local),
            remote=_written(path.remote),
            state=path.ice,
            chosen=None if path.chosen is None else (str(path.chosen[0]), str(path.chosen[1])),
            asked=path.asked,
            answered=path.answered,
        )

    def _make_peer(self, config: PeerConfig, on_event: EventSink) -> PeerProxy:
        self._peer = PeerProxy(replace(config, gather_limit_s=_GATHER_S), on_event)
        return self._peer

    async def _until(self, reached: Callable[[PathReport], bool]) -> PathReport:
        """The path once it has come so far, or as it is when patience ends or the connection has failed."""
        assert self._peer is not None
        until = time.monotonic() + self._patience_s
        path = last = await self._peer.path()
        while not reached(path) and time.monotonic() < until and "failed" not in (path.ice, path.dtls):
            await asyncio.sleep(_LOOK_S)
            path = await self._peer.path()
            last = path if path.local else last
        return path if reached(path) else last

    async def dtls(self) -> DtlsFacts:
        """Waits for the handshake."""
        path = await self._until(lambda path: path.dtls == "connected")
        return DtlsFacts(path.dtls, self._patience_s)

    async def channel(self) -> ChannelFacts:
        """Waits for the data channels, and asks a question that every runtime answers."""
        assert self._connection is not None
        try:
            await self._connection.ready(self._patience_s)
        except ReactorException as error:
            return ChannelFacts(open=False, failure=str(error))
        began = time.perf_counter()
        try:
            self._connection.conversation.send(RequestSchema())
            async with asyncio.timeout(self._patience_s):
                await self._witness.answered.wait()
        except TimeoutError:
            return ChannelFacts(open=True, failure=f"nothing within {self._patience_s:g} s")
        except ReactorException as error:
            return ChannelFacts(open=True, failure=str(error))
        return ChannelFacts(open=True, round_trip_ms=(time.perf_counter() - began) * 1e3)

    async def frame(self) -> FrameFacts:
        """Waits for a picture, and counts those of a second."""
        assert self._connection is not None
        name = main_video(self._tracks)
        facts = FrameFacts(name, patience_s=self._patience_s)
        if name is None:
            return facts
        try:
            self._connection.resume(name)
        except ReactorException as error:
            return replace(facts, session_over=str(error))
        shown, ended = (asyncio.ensure_future(each.wait()) for each in (self._witness.shown, self._witness.ended))
        await asyncio.wait({shown, ended}, timeout=self._patience_s, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (shown, ended):
            waiting.cancel()
        first = self._witness.first
        if first is None:
            return replace(facts, session_over=self._witness.over)
        return replace(facts, width=first.width, height=first.height, arrived=True)

    async def frames_per_second(self) -> float:
        """How many pictures come in a second."""
        before, began = self._witness.frames, time.perf_counter()
        await asyncio.sleep(_FPS_S)
        return (self._witness.frames - before) / (time.perf_counter() - began)

    async def close(self) -> str | None:
        """Ends the connection, and the session if it was begun here; what went wrong with that, if anything."""
        try:
            if self._connection is not None:
                await self._connection.close()
            if self._opened is not None and self._opened.created and self._sessions is not None:
                await self._sessions.end(self._opened.session.session_id)
        except ReactorException as error:
            return f"the session could not be ended: {error}"
        finally:
            await self._api.close()
        return None


def refusal(error: ReactorException) -> Refused:
    """An error as a fact; the status is not said twice."""
    return Refused(error.status, error.code, str(error).removeprefix(f"HTTP {error.status}: "), error.retry_after)


def scopes_of(details: object) -> tuple[tuple[str, ...] | None, int | None]:
    """For which models a token is (None: all), and for how many sessions (None: any), as ``authorization_details`` say it."""
    if not isinstance(details, list):
        return None, None
    names: list[str] = []
    most: list[int] = []
    for grant in details:
        resources = _mapping(_mapping(grant).get("resources"))
        models = _mapping(resources.get("models"))
        if models.get("all") is True:
            return None, None
        matched = models.get("match")
        names += [name for name in matched if isinstance(name, str)] if isinstance(matched, list) else []
        limit = _mapping(_mapping(grant).get("constraints")).get("max_sessions")
        most += [limit] if isinstance(limit, int) else []
    return tuple(names), max(most, default=None)


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _written(candidates: tuple[Candidate, ...]) -> tuple[str, ...]:
    """Candidates that can carry media, as text; those over TCP only where they are all there is."""
    udp = tuple(str(each) for each in candidates if each.protocol == "udp")
    return udp or tuple(str(each) for each in candidates)
