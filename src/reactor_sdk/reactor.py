"""Reactor: a model on the platform, as an object."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, overload

from aiortc.mediastreams import MediaStreamTrack

from reactor_protocol.errors import (
    CommandRejected,
    DecodeError,
    InvalidArgumentError,
)
from reactor_protocol.lifecycles import ReactorStatus
from reactor_protocol.messages import ClientMessage, Command, CommandResult, FileRef, FileUploaded
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import PeerFactory
from reactor_sdk import commands
from reactor_sdk.clip_host import ConnectedHost
from reactor_sdk.clips import Clip
from reactor_sdk.config import DEFAULT_API_URL, ClientConfig, ClientOptions, load_config
from reactor_sdk.connection import Connection
from reactor_sdk.events import Subscribable
from reactor_sdk.frames import FrameInfoStream, FrameStream
from reactor_sdk.history import StatsSample
from reactor_sdk.holdings import ConnectOptions
from reactor_sdk.later_api import LATER_NAMES, told_as_later
from reactor_sdk.link import Link
from reactor_sdk.notebook.display import Displayed
from reactor_sdk.recordings import ClipProgress, PathLike, RecordingClient
from reactor_sdk.stats import MAIN_VIDEO, ConnectionStats, connection_stats, main_video
from reactor_sdk.tracks import check_publishable
from reactor_sdk.types import (
    Capabilities,
    CommandReply,
    CommandWait,
    ConnectionTimings,
    FrameCallback,
    MessageScope,
    QueueStatus,
    ReactorError,
    ReactorState,
    TokenFunction,
    TrackCapability,
)
from reactor_sdk.uploads import ProgressCallback, UploadFile, open_source, upload
from reactor_sdk.visible import sight_of

logger = logging.getLogger(__name__)

_HANDLERS_LIMIT_S = 1.0

REMINDER_S: Final = 5.0
"""How long a block may be open without anything in it that asks for a connection, before that is said."""


class Reactor(Displayed, Subscribable):
    """A connection to one model: open a session, send commands by name, see and hear what the model makes.

    Typed clients extend this class. ::

        async with Reactor("helios", api_key="rk_...") as reactor:
            await reactor.connect()
            await reactor.send_command("set_prompt", {"prompt": "a forest"})
            async for frame in reactor.frames():  # (H, W, 3) uint8 RGB
                ...

    Inside ``async with`` the first call that needs a connection opens it, so that ``connect()`` may be left out; leaving the
    block ends the session that this client made, also after a lost connection.

    Everything runs on the event loop that calls :meth:`connect`, however busy that loop is. Where it has ended, as with
    ``asyncio.run``, and the client was left connected, :meth:`disconnect` on another loop lets go of what there was; all else
    raises :class:`InvalidStateError` until then. All that is raised on purpose is a ``RuntimeError``; see
    ``reactor_protocol.errors`` for the tree.
    """

    _make_peer: ClassVar[PeerFactory] = staticmethod(make_peer)

    def __init__(
        self,
        model_name: str,
        api_key: str | None = None,
        api_url: str = DEFAULT_API_URL,
        local: bool = False,
        model_tracks: list[TrackCapability] | None = None,
        *,
        jwt: str | TokenFunction | None = None,
        max_session_duration_seconds: int | None = None,
        auto_reconnect: bool = False,
        view_only: bool = False,
    ) -> None:
        """A client for the model ``model_name``; nothing is opened yet.

        ``api_key`` is exchanged for a token by :meth:`connect`; where it is not given, ``REACTOR_API_KEY`` is read, and
        ``REACTOR_API_URL`` where ``api_url`` is not. With ``local`` the client talks to a runtime at
        http://localhost:8080 (or ``REACTOR_LOCAL_URL``) without a key, and ``api_url`` is ignored. ``model_tracks`` are the
        model's tracks, where they are known beforehand: connecting then needs less time.

        ``jwt`` stands in place of the key: a token (see :func:`reactor_sdk.fetch_jwt_token`), or a function, plain or async,
        that returns one and is called again whenever a fresh one is needed. Tokens from a key or a function are renewed before
        they expire and when the server refuses them; one that was passed as text cannot be.
        ``max_session_duration_seconds`` lets the server end a session that this client makes after so long, at the latest.

        With ``auto_reconnect`` a connection that is lost is made again as by :meth:`reconnect`, with growing pauses, for as long
        as the server keeps the session (60 s). Each attempt that fails emits ``error`` with the code RECONNECTION_FAILED; one
        that is not ``recoverable`` is the last. RECONNECTION_GIVEN_UP says that the time is over. :meth:`disconnect` stops it.

        With ``view_only`` the client is a spectator: it sees and hears what the model makes, and the server refuses its commands
        and tracks (code ``view_only``). Connecting to a server that does not know spectators raises.

        Raises :class:`InvalidArgumentError` for an address, a token, a duration or a track that can never work.
        """
        super().__init__()
        options = ClientOptions(jwt, max_session_duration_seconds, auto_reconnect, view_only)
        self._compose(load_config(model_name, api_key, api_url, local, model_tracks, options))

    def _compose(self, config: ClientConfig) -> None:
        """Makes the parts of the client."""
        self._link = Link(config, self._events, type(self)._make_peer)
        self._opens_itself = False
        self._reminder: asyncio.TimerHandle | None = None
        self._recording = RecordingClient(ConnectedHost(self._link.dialer.api, self._connection))

    def __repr__(self) -> str:
        config = self._link.dialer.config
        return f"<{type(self).__name__} {config.model_name!r} at {self._link.dialer.api.address} {self.get_status()}>"

    if not TYPE_CHECKING:  # type checkers are to see what is there

        def __getattr__(self, name: str) -> Any:
            if name in LATER_NAMES:
                raise AttributeError(told_as_later(f"Reactor.{name}", LATER_NAMES[name]), name=name, obj=self)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    async def __aenter__(self) -> Self:
        self._opens_itself = True
        self._reminder = asyncio.get_running_loop().call_later(REMINDER_S, self._remind)
        return self

    def _remind(self) -> None:
        """A block that only listens hears nothing: it has to say that it wants a connection."""
        logger.warning(
            "this `async with Reactor(...)` has been open for %g s and is not connected, because nothing in it needs a "
            "connection: call `await reactor.connect()` before waiting for events",
            REMINDER_S,
        )

    def _connecting(self) -> None:
        if self._reminder is not None:
            self._reminder.cancel()
            self._reminder = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connecting()
        await self.disconnect()
        await self._events.settle(_HANDLERS_LIMIT_S)
        await self._link.frames.settle(_HANDLERS_LIMIT_S)

    # ------------------------------------------------------------------------------------------------- connection

    async def connect(
        self,
        *,
        session_id: str | None = None,
        connection_id: int | None = None,
        auto_resume_tracks: bool = True,
        fail_fast: bool = False,
    ) -> None:
        """Opens a session, waits for its GPU for as long as the queue is, and connects to the model. Returns when READY.

        ``session_id`` joins a session that somebody else has made, and does not end it later; ``connection_id`` (above 1000,
        at most 9999) uses a connection that is registered already. With ``auto_resume_tracks`` False the model's tracks stay
        paused until :meth:`resume_track`. With ``fail_fast`` a new session does not wait in the queue: where no worker is free,
        :class:`CapacityError` is raised at once. Otherwise :meth:`get_queue` and the event ``queue_changed`` tell its place.

        Raises :class:`InvalidStateError` if already connected or connecting, :class:`MissingApiKeyError`,
        :class:`AuthenticationError` and the other answers of the server by their status (:class:`CapacityError`,
        :class:`QuotaExceededError`, :class:`RateLimitedError` and :class:`CreditsExhaustedError` among them, with ``retry_after``
        in seconds where the server says when to try again), :class:`NetworkError` where nobody answers,
        :class:`SessionEndedError`, :class:`ModelFailedError` of a local runtime whose model did not load, and
        :class:`TransportError`. A failed attempt also emits ``error``, ends the session it made, and leaves the client
        DISCONNECTED.
        """
        self._connecting()
        await self._link.connect(ConnectOptions(session_id, connection_id, auto_resume_tracks, fail_fast))

    async def disconnect(self, recoverable: bool = False) -> None:
        """Closes the connection; does nothing where there is none.

        With ``recoverable`` the session is kept on the server, for :meth:`reconnect`. Otherwise it is ended, if this client
        made it; a failure of that is logged. A ``connect()`` under way in another task ends with :class:`DisconnectedError`.
        """
        if not recoverable:
            self._opens_itself = False
        await self._link.disconnect(recoverable=recoverable)

    async def reconnect(self) -> None:
        """Connects to the same session again, after a lost connection or ``disconnect(recoverable=True)``. Returns when READY.

        The model's tracks are announced again by ``track_received``, as new objects; published tracks are published again, and
        paused ones stay paused. One that is still held for the lost connection is published as soon as it is free. A session
        that has lost its worker is waited for until it has another.

        Raises :class:`InvalidStateError` without a session or while connected, :class:`SessionEndedError` or
        :class:`NotFoundError` when the session is over, and as :meth:`connect`. A failed attempt keeps the session id and emits
        ``error`` with the code RECONNECTION_FAILED.
        """
        await self._link.reconnect()

    async def _connection(self, what: str) -> Connection:
        self._connecting()
        return await self._link.ready(what, open_now=self._opens_itself)

    # --------------------------------------------------------------------------------------------------- commands

    @overload
    async def send_command(
        self, command: str, data: Mapping[str, Any] | str, scope: MessageScope = ..., *, wait: None = None
    ) -> CommandReply | None: ...

    @overload
    async def send_command(
        self, command: str, data: Mapping[str, Any] | str, scope: MessageScope = ..., *, wait: CommandWait
    ) -> CommandReply: ...

    async def send_command(
        self,
        command: str,
        data: Mapping[str, Any] | str,
        scope: MessageScope = MessageScope.APPLICATION,
        *,
        wait: CommandWait | None = None,
    ) -> CommandReply | None:
        """Sends a command to the model, and waits for its answer.

        ``data`` holds the parameters: a dict, or a JSON object as text. A :class:`FileRef` from :meth:`upload_file` may be the
        value of any parameter. Returns the model's reply as ``{"type": str, "data": dict}``, which is also emitted as a
        ``message``, or None where the model has nothing to say. Servers that do not acknowledge commands give None at once.

        With ``wait`` it always returns a :class:`CommandReply`, a dict that is empty where the model has nothing to say: its
        ``frame`` is the number of the first frame made after the command. ``wait="answered"`` waits no longer than without;
        ``wait="visible"`` until that frame of the main video, or a later one, has been received, so that :meth:`frames` and
        the frame callback show what the command did.

        Raises :class:`InvalidStateError` with ``wait="visible"`` where there is no frame to wait for: no video, a paused one,
        or a server that does not number frames (before the command is sent); and :class:`RequestTimeoutError` where the model
        shows none for 30 s.

        Also raises :class:`CommandRejected` with the model's code, :class:`InvalidArgumentError` for data that is not an object,
        :class:`InvalidStateError` when not connected, :class:`MessageTooLargeError`, :class:`RequestTimeoutError` after 30 s,
        and :class:`DisconnectedError`.
        """
        if not isinstance(command, str) or not command:
            raise InvalidArgumentError(f"a command is named by text, got {command!r}")
        message = (
            commands.runtime_message(command) if MessageScope(scope) is MessageScope.RUNTIME else commands.command(command, data)
        )
        if wait not in (None, "answered", "visible"):
            raise InvalidArgumentError(f'wait is "answered" or "visible", got {wait!r}')
        connection = await self._connection(f"send_command({command!r})")
        sight = sight_of(self._link) if wait == "visible" and isinstance(message, Command) else None
        try:
            reply = await self._answer(connection, message)
        except DecodeError as error:
            raise InvalidArgumentError(f"{command}: {error}") from error
        if sight is not None and reply.frame is not None:
            await sight.until_shown(command, reply.frame, connection)
        return reply if reply or wait is not None else None

    async def _answer(self, connection: Connection, message: ClientMessage) -> CommandReply:
        """Sends a message; what the model says to it, if it is a command and the server acknowledges those."""
        if not isinstance(message, Command) or not self._link.state.acknowledges:
            await connection.conversation.room()
            connection.conversation.send(message)
            return CommandReply()
        result = await self._acknowledged(connection, message)
        told = None if result.reply is None else {"type": result.reply.type, "data": result.reply.data}
        return CommandReply(told, result.frame)

    async def _acknowledged(self, connection: Connection, command: Command) -> CommandResult:
        """The acknowledgement of a command that was run; its reply has been emitted as a message."""
        asked = time.perf_counter()
        result = await connection.conversation.command(command)
        self._link.sampling.history.answered(time.perf_counter() - asked)
        if result.error is not None:
            raise CommandRejected(result.error.code, result.error.message, command=command.type)
        if result.reply is not None:
            self._events.emit("message", {"type": result.reply.type, "data": result.reply.data})
        return result

    async def upload_file(
        self,
        file: UploadFile,
        *,
        name: str | None = None,
        mime_type: str | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> FileRef:
        """Uploads a file to the session, for use as a parameter of :meth:`send_command`.

        ``file`` is a path, bytes, or a binary file object, which is read from where it stands and stays open. ``name`` is the
        file's own unless given ("upload" for bytes); ``mime_type`` is guessed from the name, else "application/octet-stream".
        ``on_progress(sent, total)`` is told of the bytes sent; it may be a coroutine function.

        Raises :class:`InvalidStateError` when not connected, :class:`InvalidArgumentError` for zero bytes,
        :class:`UnsupportedFileError` for a directory or a text file object, and :class:`UploadError` for a file that cannot be
        read or did not arrive.
        """
        async with open_source(file, name, mime_type) as source:
            connection = await self._connection("upload_file()")
            dialer, session_id = self._link.dialer, self._link.state.session_id or ""
            reference = await upload(dialer.api, session_id, source, on_progress, keep_host=not dialer.config.local)
            connection.conversation.send(FileUploaded(reference))
            return reference

    # ----------------------------------------------------------------------------------------------------- tracks

    async def publish_track(self, name: str, track: MediaStreamTrack) -> None:
        """Sends a track to the model: ``name`` is one of its ``sendonly`` tracks, ``track`` any ``aiortc.MediaStreamTrack``.

        A track published there before gives way. Raises :class:`UnknownTrackError`, :class:`WrongDirectionError`,
        :class:`InvalidArgumentError` for a track of the other kind, :class:`TrackTakenError` where another client publishes
        it, and :class:`InvalidStateError` when not connected.
        """
        connection = await self._connection(f"publish_track({name!r})")
        check_publishable(name, self._link.state.track(name, "sendonly").kind, track)
        await connection.publish(name, track)
        self._link.holdings.published[name] = track

    async def unpublish_track(self, name: str) -> None:
        """Stops sending a track; does nothing where none of that name is published. The track object itself goes on."""
        if self._link.holdings.published.pop(name, None) is not None and self.get_status() is ReactorStatus.READY:
            (await self._connection(f"unpublish_track({name!r})")).unpublish(name)

    async def pause_track(self, name: str) -> None:
        """Stops a track of the model, which goes on for other clients. Raises :class:`UnknownTrackError`,
        :class:`WrongDirectionError`, and :class:`InvalidStateError` when not connected."""
        connection = await self._connection(f"pause_track({name!r})")
        self._link.state.track(name, "recvonly")
        connection.pause(name)
        self._link.holdings.pause(name)

    async def resume_track(self, name: str) -> None:
        """Lets a paused track flow again. Raises as :meth:`pause_track`."""
        connection = await self._connection(f"resume_track({name!r})")
        self._link.state.track(name, "recvonly")
        connection.resume(name)
        self._link.holdings.resume(name)

    def get_remote_tracks(self) -> dict[str, MediaStreamTrack]:
        """The model's tracks by name, for ``MediaRecorder``, ``MediaRelay`` or ``recv()``; empty while not connected."""
        return dict(self._link.remote_tracks())

    # ----------------------------------------------------------------------------------------------------- frames

    def set_frame_callback(self, callback: FrameCallback | None) -> None:
        """Calls ``callback(frame)`` with each picture of the main video: (H, W, 3) uint8 RGB, the callback's own.

        The main video is the track ``main_video``, or else the first video that the model sends. The callback may be set
        before or after connecting; None stops it. It runs on the event loop; while it is busy frames are skipped, so that the
        next one is always recent. It may be a coroutine function, which is called again when it is through. What it raises is
        logged.
        """
        if callback is not None and not callable(callback):
            raise InvalidArgumentError(f"the frame callback must be callable or None, got {type(callback).__name__}")
        self._link.frames.callback = callback

    def on_frame(self, callback: FrameCallback) -> FrameCallback:
        """Decorator: the same as :meth:`set_frame_callback`; returns the function unchanged."""
        self.set_frame_callback(callback)
        return callback

    @overload
    def frames(self, name: str = ..., *, with_info: Literal[False] = False) -> FrameStream: ...

    @overload
    def frames(self, name: str = ..., *, with_info: Literal[True]) -> FrameInfoStream: ...

    def frames(self, name: str = MAIN_VIDEO, *, with_info: bool = False) -> FrameStream | FrameInfoStream:
        """The pictures of a video track: ``async for frame in reactor.frames()``, each (H, W, 3) uint8 RGB.

        A reader that is slow gets the newest frame. Several may read at once. The stream lasts through lost connections and
        ends with the session. With ``with_info`` each item is a pair of the frame and its :class:`FrameInfo`: number and
        metadata.

        Raises :class:`UnknownTrackError`, :class:`WrongDirectionError`, :class:`InvalidArgumentError` for an audio track, and
        :class:`InvalidStateError` when not connected: here if that is known already, else with the first frame.
        """
        make = FrameInfoStream if with_info else FrameStream
        stream = make(name, self._link.frames, partial(self._watchable, tagged=with_info))
        if self._link.state.tracks():
            self._link.frames.home.check(f"frames({name!r})")
            self._check_watchable(name, tagged=with_info)
            stream.open()
        return stream

    async def _watchable(self, name: str, *, tagged: bool = False) -> None:
        await self._connection(f"frames({name!r})")
        self._check_watchable(name, tagged=tagged)

    def _check_watchable(self, name: str, *, tagged: bool = False) -> None:
        if (track := self._link.state.track(name, "recvonly")).kind != "video":
            raise InvalidArgumentError(f"the track {name!r} is {track.kind}: frames() gives pictures")
        if tagged:
            self._link.tag(name)

    # ------------------------------------------------------------------------------------------------- recordings

    @property
    def recording(self) -> RecordingClient:
        """The session's recording: playlists for players, besides what is here below."""
        return self._recording

    async def request_clip(self, duration_seconds: float) -> Clip:
        """A clip of the last ``duration_seconds`` of what the model made; servers give 300 s at most.

        Raises :class:`RecordingError` with the code INVALID_DURATION, RECORDER_DISABLED, REQUEST_TIMEOUT or DISCONNECTED.
        """
        return await self._recording.request_clip(duration_seconds)

    async def request_recording(self) -> Clip:
        """A clip of the whole session until now. Raises as :meth:`request_clip`."""
        return await self._recording.request_recording()

    async def download_clip_as_file(
        self, clip: Clip, path: PathLike | None = None, *, jwt: str | None = None, on_progress: ClipProgress | None = None
    ) -> bytes:
        """The clip as an MP4 file, once it is ready; also written to ``path`` where one is given. No connection is needed.

        ``on_progress(fetched, total, bytes)`` is told of each part. ``jwt`` is this client's own token unless given. Raises
        :class:`RecordingError`: CLIP_GONE, CLIP_NOT_READY, PLAYLIST_FETCH_FAILED, CHUNK_FETCH_FAILED, INVALID_PLAYLIST.
        """
        return await self._recording.download_clip_as_file(clip, path, jwt=jwt, on_progress=on_progress)

    # ---------------------------------------------------------------------------------------------------- getters

    def get_status(self) -> ReactorStatus:
        """DISCONNECTED, CONNECTING (reaching the server), WAITING (for a GPU and the transport) or READY."""
        return self._link.state.status

    def get_state(self) -> ReactorState:
        """Status and most recent error."""
        return ReactorState(self._link.state.status, self._link.state.last_error)

    def get_session_id(self) -> str | None:
        """The session's id, or None if not connected. A lost connection keeps it."""
        return self._link.state.session_id

    def get_queue(self) -> QueueStatus | None:
        """The place in the queue while :meth:`connect` waits for a worker; None when not queued, or the server does not say."""
        return self._link.state.queue

    def get_session_expiration(self) -> float | None:
        """When the session will end, in seconds since 1970; None without a session, or where the server has not said so."""
        return self._link.state.expires_at

    def get_last_error(self) -> ReactorError | None:
        """The most recent error, or None if there was none."""
        return self._link.state.last_error

    def get_capabilities(self) -> Capabilities | None:
        """The model's tracks, commands and frame rate as a plain dict, or None if not connected."""
        return self._link.state.capabilities()

    def get_session_info(self) -> dict[str, Any] | None:
        """The session as the server describes it, unknown fields included, or None if not connected."""
        return self._link.state.session_info()

    async def get_stats(self) -> ConnectionStats:
        """Figures of the connection; rates are since the last call. Raises :class:`InvalidStateError` when not connected."""
        figures, mids = await (await self._connection("get_stats()")).stats()
        return connection_stats(figures, mids, main_video(self._link.state.tracks()))

    def stats_history(self) -> tuple[StatsSample, ...]:
        """The figures of this client's connections, one sample a second of the last hour (3,600 at most), oldest first.

        A connection that ends leaves a sample with ``connected`` False, and the next one goes on behind it. Times are seconds,
        rates 1/s and bit/s: see :class:`StatsSample`. :func:`reactor_sdk.plot_stats` draws them. Calls of :meth:`get_stats`
        are not disturbed.
        """
        return self._link.sampling.history.samples

    def get_connection_timings(self) -> ConnectionTimings | None:
        """How long the last connection took to make, in milliseconds; None before the first."""
        return self._link.state.timings
