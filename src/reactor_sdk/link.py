"""The link between a client and its session: connect, drop, reconnect, end."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Coroutine, Mapping
from contextlib import aclosing
from typing import Any, Final

from reactor_protocol.codec import clip_body
from reactor_protocol.errors import (
    DisconnectedError,
    InvalidArgumentError,
    InvalidStateError,
    MissingApiKeyError,
    ReactorException,
    SessionEndedError,
    TransportError,
)
from reactor_protocol.lifecycles import ClientEvent, ReactorStatus, SessionState
from reactor_protocol.messages import ApplicationMessage, ClipFailed, ClipReady, RuntimeMessage, ServerMessage, SessionEnded
from reactor_protocol.names import NOTICE_ERROR, NOTICE_EXPIRATION, NOTICE_RATE_LIMITED
from reactor_protocol.resources import Session, Track
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.port import PeerFactory
from reactor_rtc.process import check_process
from reactor_rtc.scope import TaskScope
from reactor_sdk.auto_reconnect import RESUMABLE_S, AutoReconnect
from reactor_sdk.config import ClientConfig
from reactor_sdk.connection import Connection
from reactor_sdk.dialer import Dialer, Line, Target, Told
from reactor_sdk.events import Events
from reactor_sdk.frames import FrameFeed
from reactor_sdk.history import Sampling
from reactor_sdk.holdings import ConnectOptions, Holdings
from reactor_sdk.home_loop import HomeLoop
from reactor_sdk.preparation import Preparation
from reactor_sdk.session import OpenedSession
from reactor_sdk.signalling import check_connection_id
from reactor_sdk.state import ClientState, failure, told_error
from reactor_sdk.stats import main_video
from reactor_sdk.tokens import MISSING_KEY
from reactor_sdk.tracks import RemoteTrack
from reactor_sdk.types import ConnectionTimings

logger = logging.getLogger(__name__)

CONNECTION_FAILED: Final = "CONNECTION_FAILED"
RECONNECTION_FAILED: Final = "RECONNECTION_FAILED"
RECONNECTION_GIVEN_UP: Final = "RECONNECTION_GIVEN_UP"
GPU_CONNECTION_ERROR: Final = "GPU_CONNECTION_ERROR"
SESSION_TERMINAL: Final = "SESSION_TERMINAL"

_CLOSE_LIMIT_S: Final = 2.0
_LAST_WORDS_S: Final = 1.0


class Link:
    """Keeps the client's state in step with its session and its connection. One change of them at a time."""

    def __init__(self, config: ClientConfig, events: Events, make_peer: PeerFactory) -> None:
        self.state = ClientState(events)
        self._home = HomeLoop()
        self.frames = FrameFeed(self._home)
        self.holdings = Holdings()
        self.sampling = Sampling()
        self.dialer = Dialer(config, make_peer)
        self._events = events
        self._connection: Connection | None = None
        self._early: list[ServerMessage] = []
        self._settle_in()

    def _settle_in(self) -> None:
        """What belongs to one event loop, made anew for another."""
        self._turn = asyncio.Lock()
        self._abort: asyncio.Timeout | None = None
        self._scope = TaskScope("reactor.link")
        self._auto = AutoReconnect(self.reconnect, self._is_resumable, self._reconnection_given_up)

    # ----------------------------------------------------------------------------------------------------- verbs

    async def connect(self, options: ConnectOptions) -> None:
        """Opens a session and a connection to it; see :meth:`reactor_sdk.Reactor.connect`."""
        self._enter("connect()")
        self._check(options)
        self._check_idle()
        async with self._turn:
            self._check_idle()
            await self._connect(options)

    async def ready(self, what: str, *, open_now: bool) -> Connection:
        """The connection. With ``open_now`` it is opened, or awaited if it is being opened.

        Raises :class:`InvalidStateError` where there is none, saying that ``what`` needs one.
        """
        self._enter(what)
        if self._connection is None and open_now and self.state.session_id is None and self.state.ended is None:
            self._check(ConnectOptions())
            async with self._turn:
                if self._connection is None:
                    await self._connect(ConnectOptions())
        elif self._connection is None and open_now and self.state.status is not ReactorStatus.DISCONNECTED:
            async with self._turn:
                pass
        if self._connection is None:
            raise InvalidStateError(f"{what} needs a connection, and the status is {self.state.status}: {self._advice()}")
        return self._connection

    def remote_tracks(self) -> dict[str, RemoteTrack]:
        """The model's tracks of the present connection."""
        return self._connection.remote if self._connection is not None else {}

    def tag(self, name: str) -> None:
        """Has the server tell number and metadata of an output track's frames, on this connection and those to come."""
        if name in self.holdings.tagged or not self.state.numbers_frames:
            return
        self.holdings.tagged.add(name)
        if self._connection is not None:
            self._connection.tag(name)
            if self.holdings.flows(name):
                self._connection.resume(name)

    def _advice(self) -> str:
        if self.state.status is not ReactorStatus.DISCONNECTED:
            return "wait until connect() has returned"
        if self.state.ended is not None:
            return f"the session is over ({self.state.ended}); call connect() for a new one"
        if self._auto.active:
            return "the client is about to reconnect; wait until it is ready"
        return "call connect() first" if self.state.session_id is None else "call reconnect() first"

    async def reconnect(self) -> None:
        """Connects to the present session again; see :meth:`reactor_sdk.Reactor.reconnect`."""
        self._enter("reconnect()")
        self._check_resumable()
        async with self._turn:
            session_id = self._check_resumable()
            try:
                await self._abortable(self._resume(session_id))
            except BaseException as error:
                await self._give_up(RECONNECTION_FAILED, error)
                raise
        if self._connection is not None:
            await self.holdings.republish(self._connection, self.state)

    async def disconnect(self, *, recoverable: bool) -> None:
        """Ends the connection, and unless ``recoverable`` the session; an attempt to connect that is under way is ended."""
        if self._home.ended:
            await self._let_go()
        self._come_home("disconnect()")
        await self._auto.stop()
        abort, self._abort = self._abort, None
        if abort is not None:
            abort.reschedule(asyncio.get_running_loop().time())
        async with self._turn:
            await self._close_connection()
            if recoverable:
                self._disconnected(ClientEvent.DISCONNECT)
                return
            await self._end_session()
            self._disconnected(ClientEvent.DISCONNECT)
            self._forget()
            await self.dialer.api.close()
        self._home.leave()

    # ----------------------------------------------------------------------------------------------- the event loop

    def _enter(self, what: str) -> None:
        check_process()
        self._come_home(what)

    def _come_home(self, what: str) -> None:
        if self._connection is None and self._is_idle() and self._home.move():
            self._settle_in()
        self._home.check(what)

    def _is_idle(self) -> bool:
        return self.state.status is ReactorStatus.DISCONNECTED and not self._turn.locked() and not self._auto.active

    async def _let_go(self) -> None:
        """The loop that everything here lived on has ended: nothing of it can be used, and nobody on it waits any more."""
        connection, self._connection = self._connection, None
        self._home.move()
        self._settle_in()
        self.frames.forsake()
        self._events.forsake()
        if connection is not None:
            await connection.forsake()

    # ----------------------------------------------------------------------------------------------- preconditions

    def _check(self, options: ConnectOptions) -> None:
        check_connection_id(options.connection_id)
        config = self.dialer.config
        if config.local and options.session_id is not None:
            raise InvalidArgumentError("session_id= is for hosted sessions: connect() joins the one session of a local runtime")
        if not config.local and not config.api_key and config.jwt is None:
            raise MissingApiKeyError(MISSING_KEY)

    def _check_idle(self) -> None:
        if self.state.status is not ReactorStatus.DISCONNECTED:
            raise InvalidStateError(f"already connected or connecting (status is {self.state.status}): call disconnect() first")

    def _check_resumable(self) -> str:
        if self.state.ended is not None:
            raise SessionEndedError(f"the session is over ({self.state.ended}) and cannot be resumed: call connect()")
        if self.state.status is not ReactorStatus.DISCONNECTED:
            raise InvalidStateError(f"there is nothing to reconnect: the status is {self.state.status}")
        if self.state.session_id is None:
            raise InvalidStateError("there is no session to reconnect to: call connect() first")
        return self.state.session_id

    def _is_resumable(self) -> bool:
        idle = self.state.status is ReactorStatus.DISCONNECTED
        return idle and self.state.session_id is not None and self.state.ended is None

    # --------------------------------------------------------------------------------------------------- attempts

    async def _connect(self, options: ConnectOptions) -> None:
        await self._end_session()  # one whose connection was lost, and which nobody will come back to
        self.holdings = Holdings(resume_tracks=options.auto_resume_tracks)
        try:
            await self._abortable(self._establish(options))
        except BaseException as error:
            await self._close_connection()
            await self._end_session()
            await self._give_up(CONNECTION_FAILED, error)
            self._forget()
            await self.dialer.api.close()
            raise

    async def _abortable(self, attempt: Coroutine[Any, Any, None]) -> None:
        """Runs an attempt, which :meth:`disconnect` can end."""
        abort = asyncio.timeout(None)
        try:
            async with abort:
                self._abort = abort
                await attempt
        except TimeoutError as error:
            if not abort.expired():
                raise
            raise DisconnectedError("disconnect() was called before the connection was ready") from error
        finally:
            self._abort = None

    async def _establish(self, options: ConnectOptions) -> None:
        began = time.perf_counter()
        self.state.move(ClientEvent.CONNECT)
        async with self.dialer.prepare(self) as preparation:
            await self.dialer.sessions.authorize()
            opened = await self.dialer.sessions.open(options.session_id, fail_fast=options.fail_fast)
            self._own(opened)
            self.state.move(ClientEvent.SESSION_CREATED)
            await self._dial(Target(opened.session, options.connection_id), preparation, began)

    def _own(self, opened: OpenedSession) -> None:
        self.holdings.owns_session = opened.created
        self.state.begin(opened.session)

    async def _resume(self, session_id: str) -> None:
        began = time.perf_counter()
        self.state.move(ClientEvent.RECONNECT)
        async with self.dialer.prepare(self) as preparation:
            await self.dialer.sessions.authorize()
            session = await self.dialer.sessions.find(session_id)
            self.state.move(ClientEvent.SESSION_CREATED)
            self.state.observe(session)
            known = self.holdings.reusable_id(session)
            await self._dial(Target(session, known, again=known is not None, resumes=True), preparation, began)

    async def _dial(self, target: Target, preparation: Preparation, began: float) -> None:
        found = began

        def described(session: Session) -> None:
            nonlocal found
            found = time.perf_counter()
            self.state.describe(session)

        self._early.clear()
        try:
            line = await self.dialer.dial(target, preparation, Told(self.state.observe, described))
        except TransportError as error:
            for message in self._early:
                if isinstance(message, SessionEnded):
                    raise SessionEndedError(f"the session is over: {message.reason}") from error
            raise
        now = time.perf_counter()
        self.state.timings = ConnectionTimings((found - began) * 1e3, (now - found) * 1e3, (now - began) * 1e3)
        self._begin(line)

    def _begin(self, line: Line) -> None:
        connection = self._connection = line.connection
        self.holdings.connected(line.connection_id, line.session)
        connection.check_open()
        sampling = self.sampling.keep(connection, lambda: main_video(self.state.tracks()))
        connection.scope.start(sampling, "stats history")
        connection.scope.start(self._follow(connection, line.session.session_id), "session events")
        for name in connection.remote:
            if name in self.holdings.tagged:
                connection.tag(name)
            if self.holdings.flows(name):
                connection.resume(name)
        for name, remote in connection.remote.items():
            self._events.emit("track_received", name, remote)
        self.state.move(ClientEvent.TRANSPORT_READY)
        early, self._early = self._early, []
        for message in early:
            self.message_received(message)

    async def _follow(self, connection: Connection, session_id: str) -> None:
        """Hears from the server that the session's worker is lost, long before the connection itself falls silent."""
        try:
            async with aclosing(self.dialer.sessions.follow(session_id)) as changes:
                async for session in changes:
                    if session.state.upper() == SessionState.CLOSED:
                        # The worker's own words, if it lives, are on their way.
                        await asyncio.sleep(_LAST_WORDS_S)
                        self._session_over(session.reason or "")
                        return
                    if self.holdings.has_moved(session):
                        connection.fail(TransportError("the session's worker is lost: the session goes on at another"))
                        return
        except ReactorException as error:
            logger.debug("what happens to the session %s is not told: %s", session_id, error)

    async def _give_up(self, code: str, error: BaseException) -> None:
        """An attempt has failed: tells so, unless the caller itself has cancelled it."""
        await self._close_connection()
        told = failure(code, error) if isinstance(error, ReactorException) else None
        if self.state.status is not ReactorStatus.DISCONNECTED:
            self.state.move(ClientEvent.DROPPED, told)
        elif told is not None:
            self.state.report(told)

    def _reconnection_given_up(self) -> None:
        last = self.state.last_error.message if self.state.last_error is not None else "no attempt was answered"
        late = SessionEndedError(f"the connection did not come back within {RESUMABLE_S:g} s: {last}")
        self.state.report(failure(RECONNECTION_GIVEN_UP, late))

    # ---------------------------------------------------------------------------------- what the connection tells us

    def message_received(self, message: ServerMessage) -> None:
        """Passes a message on; those that come before READY are kept until then."""
        if self.state.status is not ReactorStatus.READY:
            self._early.append(message)
            return
        match message:
            case ApplicationMessage(kind, data):
                self._events.emit("message", {"type": kind, "data": data})
            case RuntimeMessage(kind, data):
                self._events.emit("runtime_message", {"type": kind, "data": data})
                if kind == NOTICE_RATE_LIMITED:
                    logger.warning("the runtime slows this client down: %s", str(data.get("reason"))[:256])
                if kind == NOTICE_EXPIRATION:
                    self._expiration_told(data)
                elif kind == NOTICE_ERROR:
                    self.state.report(told_error(data))
            case ClipReady() as clip:
                self._events.emit("runtime_message", {"type": "clipReady", "data": clip_body(clip)})
            case ClipFailed(reason):
                self._events.emit("runtime_message", {"type": "clipFailed", "data": {"reason": reason}})
            case SessionEnded(reason):
                self._events.emit("runtime_message", {"type": "sessionEnded", "data": {"reason": reason}})
                self._session_over(reason)
            case _:
                logger.debug("ignored an answer that nobody waits for: %s", message)

    def _expiration_told(self, data: Mapping[str, Any]) -> None:
        moment = data.get("expires_at")
        if isinstance(moment, int | float) and not isinstance(moment, bool) and math.isfinite(moment):
            self.state.expire_at(float(moment))

    def media_received(self, track: Track, media: Media) -> None:
        """Passes a picture on to whoever looks."""
        if isinstance(media, VideoFrame):
            self.frames.deliver(track.name, media, is_main=track.name == main_video(self.state.tracks()))

    def connection_lost(self, error: ReactorException) -> None:
        """The connection is gone; the session is kept for :meth:`reconnect`."""
        if self.state.status is ReactorStatus.READY:
            self._drop()
            self.state.move(ClientEvent.DROPPED, failure(GPU_CONNECTION_ERROR, error, component="gpu"))
            if self.dialer.config.auto_reconnect and self._is_resumable():
                self._auto.start()

    def _session_over(self, reason: str) -> None:
        over = SessionEndedError(f"the session is over: {reason}" if reason else "the session is over")
        if self._connection is not None:
            self._connection.abandon(DisconnectedError(str(over)))
        self._drop()
        self.holdings.owns_session = False
        self.state.move(ClientEvent.DROPPED, failure(SESSION_TERMINAL, over, component="gpu"))
        self._forget()
        self.state.ended = reason or "the server has ended it"
        self._scope.start(self.dialer.api.close(), "close the HTTP connection")

    def _drop(self) -> None:
        """Lets go of the connection; it closes by itself."""
        connection, self._connection = self._connection, None
        self.frames.grow_stale()
        if connection is not None:
            self._scope.start(connection.close(), "close a lost connection")

    # -------------------------------------------------------------------------------------------------------- ends

    async def _close_connection(self) -> None:
        connection, self._connection = self._connection, None
        self.frames.grow_stale()
        if connection is not None:
            await connection.close()
        await self._scope.settle(_CLOSE_LIMIT_S)

    async def _end_session(self) -> None:
        """Ends the session if this client made it; a failure of that is logged."""
        session_id = self.state.session_id
        if session_id is None or not self.holdings.owns_session:
            return
        self.holdings.owns_session = False
        try:
            await self.dialer.sessions.end(session_id, self.holdings.connection_id)
        except ReactorException as error:
            logger.warning("the session %s could not be ended: %s", session_id, error)

    def _disconnected(self, event: ClientEvent) -> None:
        if self.state.status is not ReactorStatus.DISCONNECTED:
            self.state.move(event)

    def _forget(self) -> None:
        self.frames.end()
        self.holdings = Holdings()
        self.state.clear()
