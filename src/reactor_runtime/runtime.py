"""Runtime: one model, its session and its clients. It does what the session table decides."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reactor_protocol.errors import ConflictError, ModelFailedError, ServerError
from reactor_protocol.lifecycles import RuntimeState
from reactor_protocol.messages import (
    ApplicationMessage,
    ClientStats,
    ClipFailed,
    ClipReady,
    Command,
    FileRef,
    JsonObject,
    Refusal,
    RequestCapabilities,
    RequestClip,
    RequestRecording,
    RequestSchema,
    RequestStep,
    RuntimeMessage,
    ServerMessage,
    SessionEnded,
    StepResult,
)
from reactor_protocol.names import NIL_SESSION_ID, NOTICE_ERROR, NOTICE_INTERRUPTED, NOTICE_MODEL_RESTARTED
from reactor_protocol.resources import Notice
from reactor_rtc.frames import AudioBlock, Media
from reactor_rtc.port import PeerFactory
from reactor_rtc.scope import TaskScope
from reactor_runtime.broadcast import Broadcast
from reactor_runtime.commanding import Commanding
from reactor_runtime.commands import INTERNAL_ERROR
from reactor_runtime.config import Manifest, Settings
from reactor_runtime.connection import Connection
from reactor_runtime.description import ModelDescription
from reactor_runtime.emission import Bundle
from reactor_runtime.fetching import Fetcher
from reactor_runtime.fields import ClientInfo, CommandError, ModelMessage
from reactor_runtime.hosting import Host, Outcome
from reactor_runtime.inline import InlineHost
from reactor_runtime.isolation.host import IsolatedHost
from reactor_runtime.isolation.sources import watch_sources
from reactor_runtime.model_capabilities import model_capabilities
from reactor_runtime.pacer import Plan
from reactor_runtime.playout import Playout
from reactor_runtime.recording.store import Recordings
from reactor_runtime.sending import Sender, Told, settle
from reactor_runtime.session import Action, AdmitClient, BeginSession, EndReason, EndSession, ReleaseClient, SessionTable
from reactor_runtime.signalling import Signalling
from reactor_runtime.slots import PublisherSlots
from reactor_runtime.sound_feed import SoundFeed
from reactor_runtime.starting import StartTerms
from reactor_runtime.step_gate import StepReport
from reactor_runtime.stepping import NOT_RECORDED, SYSTEM_CLIENT, UPLOAD_PATIENCE_S, Asker, Stepping, check_terms
from reactor_runtime.tidying import Tidying, c_library
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.uploads import UploadStore
from reactor_runtime.watching.sampling import sample
from reactor_runtime.watching.watch import Watch

logger = logging.getLogger(__name__)

MODERATED = "Session terminated due to policy violation."
SHUTTING_DOWN = "Session ended: the server is shutting down."
TAKEN_AWAY = "The session has left this worker."

"""Runtime message ``{reason}`` of a worker: this connection is over, and whoever reconnects learns what became of the session."""

MODEL_CRASHED = "MODEL_CRASHED"
"""The code of the error that clients get when the model has crashed and is loaded again."""

_CLOSE_LIMIT_S = 0.5
_ELSEWHERE = frozenset({EndReason.EVICTED, EndReason.ERROR})
"""Ends after which a coordinator may go on with the session at another worker."""


class Runtime:
    """Hosts one model, which has a thread or a process of its own. Everything else happens on the event loop that made it.

    ``fetcher`` is what a worker gets files from its coordinator with. ``on_change`` is called after every change of the state,
    the session or the clients.
    """

    def __init__(self, manifest: Manifest, settings: Settings, peer_factory: PeerFactory, fetcher: Fetcher | None = None) -> None:
        self._scope = TaskScope("runtime")
        self.manifest = manifest
        self._description: ModelDescription | None = None
        self.watch = Watch()
        self._playout = Playout(self._broadcast_media, self.watch.frame_sent)
        self._sound = SoundFeed(self._send_to_all)
        self._host: Host = IsolatedHost(manifest, settings, self) if settings.model.isolate else InlineHost(manifest, self)
        self._timer: asyncio.TimerHandle | None = None
        self._tidying = Tidying(c_library())
        self.settings = settings
        self.table = SessionTable(settings.orphan_timeout, self.watch.moved)
        self.signalling = Signalling(self, settings, peer_factory)
        self.uploads = UploadStore(fetcher)
        self._commanding = Commanding(self._host, self.uploads, lambda: self._description.commands if self._description else {})
        self._present = _Present(self._stepping(StartTerms()))
        self.recordings = Recordings(manifest.recording, settings.recordings_dir)
        self.recordings.on_chunk, self.recordings.on_clip = self.watch.chunk_ready, self.watch.clip_ready
        self.on_change: Callable[[], None] = _nothing

    # ------------------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Begins to load the model; requests are answered meanwhile."""
        self.watch.loading()
        self._scope.start(self._live(), "load")
        self._scope.start(sample(self.watch, lambda: self.signalling), "sample")

    async def _live(self) -> None:
        await self._load()
        if self.settings.model.reload:
            await watch_sources(self.manifest.directory, self._sources_changed)

    async def _sources_changed(self, names: list[str]) -> None:
        logger.info("the model is loaded anew: %s", ", ".join(names[:5]) + (" ..." if len(names) > 5 else ""))
        await self._host.reload()

    async def _load(self) -> None:
        try:
            self._description = await self._host.load()
        except ModelFailedError as error:
            logger.error("%s", error, exc_info=error.__cause__)
            if self.settings.model.reload:
                self.table.failure = str(error)  # for now: the author is about to change it
                return
            await self._apply(self.table.load_failed(str(error)))
            return
        self.watch.loaded(self._description)
        logger.info("the model %s is loaded", self._description.name)
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
        await self.broadcast.close()
        self._sound.clear()
        await self._host.close()
        await self.recordings.close()
        self.uploads.clear()
        self._tidying.close()
        self.watch.close()

    # ---------------------------------------------------------------------------------------------------- session

    @property
    def model(self) -> ModelDescription | None:
        """What is known of the model, once it has been loaded."""
        return self._description

    @property
    def tracks(self) -> tuple[TrackSpec, ...]:
        """The model's tracks; none before it is loaded."""
        return self._description.tracks if self._description is not None else ()

    async def start_session(self, session_id: str | None = None, terms: StartTerms | None = None) -> None:
        """Begins a session, with a new id where none is given. The running session is not begun again, and that is no error.

        Raises :class:`ServerError` (503, with ``retry_after`` while the model is loading), :class:`ModelFailedError` when it will
        never be there, :class:`ConflictError` when a session is running, :class:`BadRequestError` for terms that the model cannot
        keep.
        """
        if self.table.state is RuntimeState.CREATED:
            raise ServerError("the model is loading", status=503, retry_after=1)
        if self.table.state is RuntimeState.TERMINATED:
            raise ModelFailedError(self.table.failure or "the model has stopped")
        if session_id is None or not self.table.running or self.table.session_id != session_id:
            await self._begin(session_id, terms or StartTerms())

    async def _begin(self, session_id: str | None, terms: StartTerms) -> None:
        if self._description is not None and self.table.state is RuntimeState.READY:
            await check_terms(terms, self._description, self._commanding)
        actions = self.table.start(time.monotonic(), session_id)
        self._present = _Present(stepping := self._stepping(terms))
        self.signalling.stepped = terms.stepped
        await self._apply(actions)
        client = ClientInfo(SYSTEM_CLIENT, time.monotonic(), system=True)
        if terms.unattended:
            self._present.clients[client.id] = client
            await self._apply(self.table.opened(client.id, time.monotonic()))
        if terms.starting is not None:
            patience = max(self.settings.orphan_timeout, UPLOAD_PATIENCE_S)
            self._scope.start(stepping.apply_starting(client, patience), "starting-input")

    def _stepping(self, terms: StartTerms) -> Stepping:
        return Stepping(terms, self._host, self._commanding, self._finish)

    def _finish(self, reason: EndReason, notice: str) -> None:
        if self.table.running:
            self._scope.start(self._apply(self.table.stop(reason, notice, time.monotonic())), "finish")

    @property
    def stepping(self) -> Stepping:
        """The steps of the session, or of the next one."""
        return self._present.stepping

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
                    session_id = self.table.session_id or ""
                    self.watch.session_began(session_id)
                    if not self.stepping.terms.stepped:
                        self.recordings.begin(session_id, self.tracks)
                    await self._host.begin_session(session_id)
                    await self.stepping.begin()
                case EndSession(reason, notice):
                    with self.watch.session_end(reason):
                        await self._end_session(reason, notice)
                case AdmitClient(connection_id):
                    await self._host.client_joined(self._present.clients[connection_id])
                case ReleaseClient(connection_id):
                    # None where the session has ended since: all its clients have gone with it.
                    if (client := self._present.clients.pop(connection_id, None)) is not None:
                        await self._host.client_left(client)
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
        logger.info("the session ends: %s", notice or reason)
        await self.stepping.end()
        if reason is EndReason.MODERATED:
            body = {"action": "terminate", "input_kind": "", "command": "", "categories": [], "message": MODERATED}
            self._broadcast(RuntimeMessage("moderation", body))
        if notice:
            elsewhere = self.settings.worker is not None and reason in _ELSEWHERE
            self._broadcast(RuntimeMessage(NOTICE_INTERRUPTED, {"reason": notice}) if elsewhere else SessionEnded(notice))
        self.uploads.clear()
        self.recordings.end()
        self._present = _Present(self._stepping(StartTerms()))
        try:
            await self.signalling.close()
            self._playout.clear()
            self._sound.clear()
            if self.table.state is not RuntimeState.TERMINATED:
                await self._host.end_session()
        finally:
            # The model may crash while it takes leave: the session is over all the same.
            self.table.cleaned_up()
            if not self._host.up:
                self.table.model_lost()

    # ------------------------------------------------------------------------------------ what the model says (HostEvents)

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        if self.table.running and not self.stepping.takes(bundles, plan):
            self.watch.frames_made(plan, len(bundles))
            self.recordings.expect(bundles, plan.period)
            self._playout.play(bundles, plan)

    def step_completed(self, report: StepReport) -> None:
        self.stepping.reported(report)

    def frames_flushed(self) -> None:
        unheard = self._sound.flush()
        self.watch.frames_dropped((*self._playout.flush(), *([unheard] if unheard else [])))

    def sound_missed(self, track: str, samples: int) -> None:
        spec = next((spec for spec in self.tracks if spec.name == track and spec.flow == "in"), None)
        if spec is not None:
            self.watch.sound_missed(spec, samples)

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        receivers = self._receivers(client)
        refusals = [receiver.send(message) for receiver in receivers]
        if told is not None:
            self._scope.start(settle(refusals, [receiver.room() for receiver in receivers], told), "settle")

    def model_lost(self, error: ModelFailedError) -> None:
        logger.error("%s; it is loaded again", error)
        self.stepping.interrupted(str(error))
        self.watch.model_lost(str(error))
        body = {"code": MODEL_CRASHED, "message": str(error), "recoverable": True, "component": "gpu"}
        self._broadcast(RuntimeMessage(NOTICE_ERROR, body))
        self._scope.start(self._apply(self.table.model_lost()), "model-lost")

    def model_restored(self, description: ModelDescription, load_s: float) -> None:
        logger.info("the model %s is back after %.1f s", description.name, load_s)
        self.table.failure = None
        before, self._description = self._description, description
        self.watch.model_restored(description, load_s)
        if before is not None and before.tracks != description.tracks:
            logger.warning("the tracks of the model are others than before: clients have to connect anew to see them")
        if before is not None and before.schema != description.schema:
            self._broadcast(self.document(RequestSchema()))
        self._broadcast(RuntimeMessage(NOTICE_MODEL_RESTARTED, {"load_seconds": load_s}))
        self._scope.start(self.stepping.restored(), "allow-steps")
        self._scope.start(self._apply(self.table.loaded()), "model-restored")

    def model_stopped(self, error: ModelFailedError) -> None:
        logger.error("%s", error)
        self._scope.start(self._apply(self.table.model_failed(str(error), time.monotonic())), "model-stopped")

    def _broadcast(self, message: ServerMessage, only: int | None = None) -> None:
        for connection in self._receivers(only):
            connection.send(message)

    def _receivers(self, only: int | None = None) -> list[Connection]:
        return [each for each in self.signalling if each.id in self._present.clients and only in (None, each.id)]

    def _broadcast_media(self, bundle: Bundle) -> None:
        self.recordings.take(bundle)
        for track, media in bundle.items():
            if isinstance(media, AudioBlock):
                self._sound.put(track, media)
            else:
                self._send_to_all(track, media)

    def _send_to_all(self, track: str, media: Media) -> None:
        for connection in self.signalling:
            connection.send_media(track, media)

    # -------------------------------------------------------------------------------------- what clients do (Room)

    async def admit(self, connection: Connection) -> bool:
        if not self.table.running or not self.signalling.holds(connection):
            return False
        logger.info("connection %d is open", connection.id)

        if connection.id not in self._present.clients:
            self._present.clients[connection.id] = self._client_info(connection)
        await self._apply(self.table.opened(connection.id, time.monotonic()))
        return True

    def _client_info(self, connection: Connection) -> ClientInfo:
        loop, connection_id = asyncio.get_running_loop(), connection.id

        def sent(message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
            loop.call_soon_threadsafe(self.message_sent, message, client, told)

        sender = Sender(sent)

        async def send(message: ModelMessage) -> None:
            await sender.send(message.encode(), connection_id)

        return ClientInfo(connection_id, time.monotonic(), in_step=connection.in_step, _send=send)

    def lost(self, connection: Connection, reason: str) -> None:
        if self.signalling.drop(connection):
            logger.info("connection %d is gone: %s", connection.id, reason)
            self.watch.left(connection.id, reason)
            self._present.slots.release_all(connection.id)
            # The table is told at once: the client may come back under its old id before the old connection is closed.
            actions = self.table.closed(connection.id, time.monotonic())
            self.on_change()
            self._scope.start(self._apply(actions), "lose-client")
            self._scope.start(connection.close(), "close-connection")
            self._tidying.soon()

    def collapses(self, name: str) -> bool:
        outline = self._description.commands.get(name) if self._description is not None else None
        return outline is not None and outline.dedupe

    async def run_command(self, connection: Connection, command: Command) -> Outcome:
        client = self._present.clients.get(connection.id)
        if client is None:
            return Outcome(error=Refusal(INTERNAL_ERROR, "the session is over"))
        with self.watch.command(connection.id, command) as doing:
            await self.stepping.started()
            doing.outcome = await self._commanding.run(client, command)
            return doing.outcome

    async def run_step(self, connection: Connection, request: RequestStep) -> StepResult:
        client = self._present.clients.get(connection.id)
        answer = StepResult(request.request_id or "", error="the session is over", failure="session_ended")
        if client is None:
            return answer
        if not self._host.up:
            return replace(answer, error="the model is being loaded again", failure="not_ready")
        asker = Asker(client, connection.send, connection.largest) if connection.largest is not None else None
        result = await self.stepping.step(request, asker, self.tracks)
        if result.step:
            self.watch.step_completed(result.step, error=result.error, seconds=result.elapsed_s)
        return result

    def measured(self, connection: Connection, stats: ClientStats) -> None:
        self.watch.client_stats(connection.id, stats)

    async def announce_file(self, connection: Connection, file: FileRef) -> None:
        self.uploads.want(file)
        client = self._present.clients.get(connection.id)
        if client is None or self._description is None or "file_uploaded" not in self._description.hooks:
            return
        try:
            await self._host.file_uploaded(await self.uploads.resolve(file), client)
        except CommandError as error:
            logger.warning("connection %d announced a file that is not there: %s", connection.id, error.message)

    def claim(self, connection: Connection, track: str) -> Refusal | None:
        return self._present.slots.claim(track, connection.id)

    def release(self, connection: Connection, track: str) -> None:
        self._present.slots.release(track, connection.id)

    def receive_media(self, connection: Connection, track: str, media: Media) -> None:
        if self.stepping.terms.stepped:
            return
        if connection.legacy:
            self._present.slots.claim(track, connection.id)
        if self._present.slots.holds(track, connection.id):
            self.watch.frame_taken(track)
            self._host.push(track, media)

    @property
    def broadcast(self) -> Broadcast:
        return self._playout.broadcast

    def document(self, request: RequestSchema | RequestCapabilities) -> RuntimeMessage:
        if isinstance(request, RequestSchema):
            return RuntimeMessage("modelSchema", self.schema_document(), request.request_id)
        known = model_capabilities(self._description) if self._description is not None else {"commands": [], "tracks": []}
        return RuntimeMessage("modelCapabilities", known)

    def clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed:
        if self.stepping.terms.stepped:
            return ClipFailed(NOT_RECORDED, request.request_id)
        return self.recordings.answer(request, time.monotonic(), int(time.time() * 1000))

    def schema_document(self) -> JsonObject:
        """The model's schema document, empty before it is loaded."""
        return self._description.schema if self._description is not None else {}


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class _Present:
    """Who is in the running session, which of them publishes what, and how it makes its steps."""

    stepping: Stepping
    clients: dict[int, ClientInfo] = field(default_factory=dict)
    slots: PublisherSlots = field(default_factory=PublisherSlots)
