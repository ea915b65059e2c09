"""Runtime: one model, its session and its clients. It does what the session table decides."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from reactor_protocol.errors import ConflictError, ModelFailedError, ServerError
from reactor_protocol.lifecycles import RuntimeState
from reactor_protocol.messages import (
    ApplicationMessage,
    ClipFailed,
    ClipReady,
    Command,
    FileRef,
    JsonObject,
    Refusal,
    RequestClip,
    RequestRecording,
    RuntimeMessage,
    ServerMessage,
    SessionEnded,
)
from reactor_protocol.names import NIL_SESSION_ID, NOTICE_INTERRUPTED
from reactor_protocol.resources import Notice
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.port import PeerFactory
from reactor_rtc.scope import TaskScope
from reactor_runtime.background import in_background
from reactor_runtime.commands import INTERNAL_ERROR
from reactor_runtime.config import Manifest, Settings
from reactor_runtime.connection import Connection
from reactor_runtime.emission import Bundle
from reactor_runtime.fetching import Fetcher
from reactor_runtime.fields import ClientInfo, CommandError, ModelMessage, UploadedFile
from reactor_runtime.host import ModelHost, Outcome
from reactor_runtime.loader import LoadedModel, load_model
from reactor_runtime.pacer import Plan
from reactor_runtime.playout import Playout
from reactor_runtime.recording.store import Recordings
from reactor_runtime.schema import schema_of
from reactor_runtime.session import Action, AdmitClient, BeginSession, EndReason, EndSession, ReleaseClient, SessionTable
from reactor_runtime.signalling import Signalling
from reactor_runtime.slots import PublisherSlots
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.uploads import UploadStore

logger = logging.getLogger(__name__)

MODERATED = "Session terminated due to policy violation."
SHUTTING_DOWN = "Session ended: the server is shutting down."
STOPPED = "Session ended: it was stopped."
TAKEN_AWAY = "The session has left this worker."

"""Runtime message ``{reason}`` of a worker: this connection is over, and whoever reconnects learns what became of the session."""

_CLOSE_LIMIT_S = 0.5
_ELSEWHERE = frozenset({EndReason.EVICTED, EndReason.ERROR})
"""Ends after which a coordinator may go on with the session at another worker."""


class Runtime:
    """Hosts one model. Everything happens on the event loop that made it, but the model, which has its own thread.

    ``fetcher`` is what a worker gets files from its coordinator with. ``on_change`` is called after every change of the state,
    the session or the clients.
    """

    def __init__(self, manifest: Manifest, settings: Settings, peer_factory: PeerFactory, fetcher: Fetcher | None = None) -> None:
        self._manifest = manifest
        self._present = _Present()
        self._scope = TaskScope("runtime")
        self._loaded: _Loaded | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.settings = settings
        self.table = SessionTable(settings.orphan_timeout)
        self.signalling = Signalling(self, settings, peer_factory)
        self.uploads = UploadStore(fetcher)
        self.recordings = Recordings(manifest.recording, settings.recordings_dir)
        self.on_change: Callable[[], None] = _nothing

    # ------------------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Begins to load the model; requests are answered meanwhile."""
        self._scope.start(self._load(), "load")

    async def _load(self) -> None:
        try:
            model = await in_background(lambda: load_model(self._manifest), "import")
            host = ModelHost(model.model_class, model.contract, self)
            await host.load(self._manifest.config)
        except ModelFailedError as error:
            logger.error("%s", error, exc_info=error.__cause__)
            await self._apply(self.table.load_failed(str(error)))
            return
        self._loaded = _Loaded(model, host, Playout(self._broadcast_media))
        host.start()
        logger.info("the model %s is loaded", model.contract.name)
        await self._apply(self.table.loaded())

    async def close(self) -> None:
        """Ends the session, telling its clients why, and the model."""
        if self.table.running:
            with contextlib.suppress(TimeoutError):
                # A model that computes without pause cannot run its hooks; the clients have been told by then.
                async with asyncio.timeout(_CLOSE_LIMIT_S):
                    await self.stop_session(EndReason.EVICTED, SHUTTING_DOWN)
        await self._apply(self.table.evicted(time.monotonic()))
        if self._timer is not None:
            self._timer.cancel()
        await self._scope.close()
        await self.signalling.close()
        if self._loaded is not None:
            await self._loaded.host.close()
        await self.recordings.close()
        self.uploads.clear()

    # ---------------------------------------------------------------------------------------------------- session

    @property
    def loaded(self) -> LoadedModel | None:
        """The model's class and contract, once it is loaded."""
        return self._loaded.model if self._loaded is not None else None

    @property
    def tracks(self) -> tuple[TrackSpec, ...]:
        """The model's tracks; none before it is loaded."""
        return self._loaded.model.contract.tracks if self._loaded is not None else ()

    async def start_session(self, session_id: str | None = None) -> None:
        """Begins a session, with a new id where none is given. The running session is not begun again, and that is no error.

        Raises :class:`ServerError` (503, with ``retry_after`` while the model is loading), :class:`ModelFailedError` when it will
        never be there, :class:`ConflictError` when a session is running.
        """
        if self.table.state is RuntimeState.CREATED:
            raise ServerError("the model is loading", status=503, retry_after=1)
        if self.table.state is RuntimeState.TERMINATED:
            raise ModelFailedError(self.table.failure or "the model has stopped")
        if session_id is None or not self.table.running or self.table.session_id != session_id:
            await self._apply(self.table.start(time.monotonic(), session_id))

    async def stop_session(self, reason: EndReason, notice: str) -> None:
        """Ends the session. Raises :class:`ConflictError` when there is none."""
        if self.table.state is RuntimeState.CREATED:
            raise ServerError("the model is loading", status=503, retry_after=1)
        if self.table.state is RuntimeState.TERMINATED:
            raise ModelFailedError(self.table.failure or "the model has stopped")
        await self._apply(self.table.stop(reason, notice, time.monotonic()))

    def notify(self, notice: Notice) -> None:
        """Passes a message of the platform on to every client. Raises :class:`ConflictError` when there is no session."""
        if not self.table.running:
            raise ConflictError(f"there is no session to notify: the runtime is {self.table.state}")
        self._broadcast(RuntimeMessage(notice.type, notice.data))

    def is_session(self, session_id: str) -> bool:
        """Whether an id means the running session; the all-zero one always does, but not in a worker."""
        return session_id == self.table.session_id or (self.settings.worker is None and session_id == NIL_SESSION_ID)

    async def _apply(self, actions: list[Action]) -> None:
        """Does what the table decided, and sets the clock to its next deadline."""
        self.on_change()
        for action in actions:
            match action:
                case BeginSession():
                    host = self._host()
                    self.recordings.begin(self.table.session_id or "", self.tracks)
                    host.begin_session()
                    await host.run_hook("session_started")
                case EndSession(reason, notice):
                    await self._end_session(reason, notice)
                case AdmitClient(connection_id):
                    await self._host().client_joined(self._present.clients[connection_id])
                case ReleaseClient(connection_id):
                    # None where the session has ended since: all its clients have gone with it.
                    if (client := self._present.clients.pop(connection_id, None)) is not None:
                        await self._host().client_left(client)
        self._arm()
        self.on_change()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.table.next_deadline()
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._timeout)

    def _timeout(self) -> None:
        actions = self.table.handle_timeout(time.monotonic())
        if actions:
            self._scope.start(self._apply(actions), "timeout")
        else:
            self._arm()

    async def _end_session(self, reason: EndReason, notice: str | None) -> None:
        logger.info("the session %s ends: %s", self.table.session_id, notice or reason)
        if reason is EndReason.MODERATED:
            body = {"action": "terminate", "input_kind": "", "command": "", "categories": [], "message": MODERATED}
            self._broadcast(RuntimeMessage("moderation", body))
        if notice:
            elsewhere = self.settings.worker is not None and reason in _ELSEWHERE
            self._broadcast(RuntimeMessage(NOTICE_INTERRUPTED, {"reason": notice}) if elsewhere else SessionEnded(notice))
        self.uploads.clear()
        self.recordings.end()
        self._present = _Present()
        try:
            await self.signalling.close()
            if self._loaded is not None:
                self._loaded.playout.clear()
                if self.table.state is not RuntimeState.TERMINATED:
                    await self._loaded.host.end_session()
                    await self._loaded.host.run_hook("session_ended")
        finally:
            # The model may crash while it takes leave: the session is over all the same.
            self.table.cleaned_up()

    def _host(self) -> ModelHost:
        if self._loaded is None:
            raise ServerError("the model is loading", status=503, retry_after=1)
        return self._loaded.host

    # ------------------------------------------------------------------------------------ what the model says (HostEvents)

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        if self._loaded is not None and self.table.running:
            self.recordings.expect(bundles, plan.period)
            self._loaded.playout.play(bundles, plan)

    def frames_flushed(self) -> None:
        if self._loaded is not None:
            self._loaded.playout.flush()

    def message_sent(self, message: ApplicationMessage, client: int | None) -> None:
        self._broadcast(message, client)

    def model_stopped(self, error: ModelFailedError) -> None:
        logger.error("%s", error)
        self._scope.start(self._apply(self.table.model_failed(str(error), time.monotonic())), "model-stopped")

    def _broadcast(self, message: ServerMessage, only: int | None = None) -> None:
        for connection in self.signalling:
            if connection.id in self._present.clients and only in (None, connection.id):
                connection.send(message)

    def _broadcast_media(self, bundle: Bundle) -> None:
        self.recordings.take(bundle)
        for connection in self.signalling:
            for track, media in bundle.items():
                connection.send_media(track, media)

    # -------------------------------------------------------------------------------------- what clients do (Room)

    async def admit(self, connection: Connection) -> bool:
        if not self.table.running or not self.signalling.holds(connection):
            return False
        logger.info("connection %d is open", connection.id)

        if connection.id not in self._present.clients:
            self._present.clients[connection.id] = self._client_info(connection.id)
        await self._apply(self.table.opened(connection.id, time.monotonic()))
        return True

    def _client_info(self, connection_id: int) -> ClientInfo:
        loop = asyncio.get_running_loop()

        async def send(message: ModelMessage) -> None:
            loop.call_soon_threadsafe(self.message_sent, message.encode(), connection_id)

        return ClientInfo(connection_id, time.monotonic(), _send=send)

    def lost(self, connection: Connection, reason: str) -> None:
        if self.signalling.drop(connection):
            logger.info("connection %d is gone: %s", connection.id, reason)
            self._present.slots.release_all(connection.id)
            # The table is told at once: the client may come back under its old id before the old connection is closed.
            actions = self.table.closed(connection.id, time.monotonic())
            self.on_change()
            self._scope.start(self._apply(actions), "lose-client")
            self._scope.start(connection.close(), "close-connection")

    async def run_command(self, connection: Connection, command: Command) -> Outcome:
        client = self._present.clients.get(connection.id)
        if client is None:
            return Outcome(error=Refusal(INTERNAL_ERROR, "the session is over"))
        # A command that the model does not have is refused at once: there is no reason to wait for its files.
        spec = self._host().commands.get(command.type)
        wanted = command.uploads if spec is not None else {}
        try:
            within = spec.references(command.data) if spec is not None else ()
            files = {name: await self.uploads.resolve(ref) for name, ref in wanted.items()}
            inline = {name: await self.uploads.resolve(FileRef(name, "", "", 0)) for name in within}
        except CommandError as error:
            return Outcome(error=Refusal(error.code, error.message))
        return await self._host().dispatch(command.type, command.data, files, client, inline)

    async def announce_file(self, connection: Connection, file: FileRef) -> None:
        self.uploads.want(file)
        client = self._present.clients.get(connection.id)
        if client is None or self._loaded is None or "file_uploaded" not in self._loaded.model.contract.hooks:
            return
        try:
            uploaded: UploadedFile = await self.uploads.resolve(file)
        except CommandError as error:
            logger.warning("connection %d announced a file that is not there: %s", connection.id, error.message)
            return
        await self._host().run_hook("file_uploaded", uploaded_file=uploaded, client=client)

    def claim(self, connection: Connection, track: str) -> Refusal | None:
        return self._present.slots.claim(track, connection.id)

    def release(self, connection: Connection, track: str) -> None:
        self._present.slots.release(track, connection.id)

    def receive_media(self, connection: Connection, track: str, media: Media) -> None:
        if connection.legacy:
            self._present.slots.claim(track, connection.id)
        if self._present.slots.holds(track, connection.id):
            self._host().push(track, media)

    def newest_picture(self, track: str) -> VideoFrame | None:
        return self._loaded.playout.newest.get(track) if self._loaded is not None else None

    def schema(self) -> RuntimeMessage:
        return RuntimeMessage("modelSchema", self.schema_document())

    def clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed:
        return self.recordings.answer(request, time.monotonic(), int(time.time() * 1000))

    def schema_document(self) -> JsonObject:
        """The model's schema document, empty before it is loaded."""
        return schema_of(self._loaded.model.contract) if self._loaded is not None else {}


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class _Present:
    """Who is in the running session, and which of them publishes what."""

    clients: dict[int, ClientInfo] = field(default_factory=dict)
    slots: PublisherSlots = field(default_factory=PublisherSlots)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What is there once the model is loaded."""

    model: LoadedModel
    host: ModelHost
    playout: Playout
