"""One client: its peer, its conversation, and the tracks that flow between it and the model."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from reactor_protocol.channel import ChannelEvent, FrameRefused, MessageReceived, PeerSilent
from reactor_protocol.codec import Frame
from reactor_protocol.errors import PUBLISH_REFUSED, TransportError
from reactor_protocol.messages import (
    ClientStats,
    ClipFailed,
    ClipReady,
    Command,
    CommandResult,
    FileRef,
    FileUploaded,
    PauseTrack,
    PublishResult,
    PublishTrack,
    Refusal,
    RequestCapabilities,
    RequestClip,
    RequestRecording,
    RequestSchema,
    RequestStep,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    StepResult,
    UnpublishTrack,
)
from reactor_protocol.names import CHANNEL_CONTROL, CHANNEL_DATA, EXTENSION_VIEW_ONLY, NOTICE_ERROR
from reactor_protocol.resources import Candidate, MappedTrack, Offer
from reactor_rtc.frames import Media
from reactor_rtc.port import (
    ChannelClosed,
    ChannelDrained,
    ChannelOpened,
    FrameReceived,
    IceCandidate,
    KeyframeWanted,
    Peer,
    PeerConfig,
    PeerEvent,
    PeerFactory,
    PeerState,
    PeerStats,
    PictureEncoded,
    StateChanged,
)
from reactor_rtc.scope import TaskScope
from reactor_runtime.broadcast import Broadcast, Seat
from reactor_runtime.hosting import Outcome
from reactor_runtime.inbox import MAX_WAITING_COMMANDS, Flooded, Inbox, Task, Verb
from reactor_runtime.outbox import CLOSE_S, PATIENCE_S, Outbox
from reactor_runtime.presence import Presence
from reactor_runtime.sections import NO_COMMON_CODEC, refused_tracks, section_of
from reactor_runtime.terms import Terms
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.wire import EARLY_WAIT_S, Wire

logger = logging.getLogger(__name__)

TOO_MANY_COMMANDS = "too_many_commands"
TOO_MANY_REQUESTS = "too many requests: ask again in a moment"
NO_SPECTATORS = Refusal(EXTENSION_VIEW_ONLY, "this connection is view-only: it sends neither commands nor tracks")


class Room(Protocol):
    """What a connection asks of the runtime that holds it."""

    async def admit(self, connection: Connection) -> bool: ...

    def lost(self, connection: Connection, reason: str) -> None: ...

    def collapses(self, name: str) -> bool: ...

    async def run_command(self, connection: Connection, command: Command) -> Outcome: ...

    async def run_step(self, connection: Connection, request: RequestStep) -> StepResult: ...

    async def announce_file(self, connection: Connection, file: FileRef) -> None: ...

    def measured(self, connection: Connection, stats: ClientStats) -> None: ...

    def claim(self, connection: Connection, track: str) -> Refusal | None: ...

    def release(self, connection: Connection, track: str) -> None: ...

    def receive_media(self, connection: Connection, track: str, media: Media) -> None: ...

    @property
    def broadcast(self) -> Broadcast: ...

    def document(self, request: RequestSchema | RequestCapabilities) -> RuntimeMessage: ...

    def clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed: ...


class Connection:
    """One client. ``legacy`` clients have one data channel and no track verbs (reference: client and REST, 1.15)."""

    def __init__(self, connection_id: int, room: Room, terms: Terms, *, legacy: bool) -> None:
        self.id = connection_id
        self.legacy = legacy
        self._room = room
        self._scope = TaskScope(f"connection-{connection_id}")
        self._wire = Wire(time.monotonic(), terms.times, terms.max_message_bytes)
        self._outbox = Outbox(connection_id, self._wire, lambda reason: room.lost(self, reason))
        self._inbox = Inbox(self._wire, terms.limits, time.monotonic())
        self._presence = Presence(terms.grace)
        self._peer: Peer | None = None
        self._watches_only = False
        self.in_step = False
        self._missing: set[str] = {CHANNEL_DATA} if legacy else {CHANNEL_DATA, CHANNEL_CONTROL}
        self._tracks = _Tracks(stepped=terms.stepped)

    # ------------------------------------------------------------------------------------------------ negotiation

    async def negotiate(self, offer: Offer, tracks: Sequence[TrackSpec], config: PeerConfig, factory: PeerFactory) -> str:
        """Takes an offer and gives the answer.

        Raises :class:`NegotiationError` for a description that cannot be used, :class:`BadRequestError` for a track that the
        model does not have.
        """
        sections = [section_of(mapped, tracks) for mapped in offer.track_mapping]
        self._watches_only, self.in_step = bool(offer.view_only), bool(offer.in_step)
        if offer.view_only:
            # What a spectator sends is not even received.
            sections = [section for section in sections if section.direction == "send"]
        self._tracks = _Tracks(offer.track_mapping, tracks, stepped=self._tracks.stepped)
        self._peer = factory(config, self._peer_event)
        self._outbox.open(self._peer)
        self._wire.hear_offer(offer.sdp_offer)
        answer = await self._peer.answer(offer.sdp_offer, sections)
        self._tracks.refuse(refused_tracks(offer.track_mapping, offer.sdp_offer, answer, config.video_codecs))
        for reason in self._tracks.refused.values():
            logger.warning("connection %d: %s", self.id, reason)
        return self._wire.declare(answer)

    async def add_candidate(self, candidate: Candidate) -> None:
        """Takes a candidate that the client found later."""
        if self._peer is not None and candidate.candidate:
            found = IceCandidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index)
            await self._peer.add_candidate(found)

    @property
    def largest(self) -> int | None:
        """The largest message (bytes) that the client takes in fragments; None where it does not know them."""
        return self._wire.largest

    @property
    def is_open(self) -> bool:
        """Whether the client has been reached: its offer is followed up."""
        return self._tracks.open.is_set()

    def watch(self, negotiation_timeout: float) -> None:
        """Starts the tasks that live with the connection."""
        self._scope.start(self._serve(negotiation_timeout), "serve")

    async def _serve(self, negotiation_timeout: float) -> None:
        try:
            async with asyncio.timeout(negotiation_timeout):
                await self._tracks.open.wait()
        except TimeoutError:
            self._room.lost(self, f"it was not connected within {negotiation_timeout:g} s of its offer")
            return
        if not await self._room.admit(self):
            self._room.lost(self, "there is no session that it could join")
            return
        for loop, name in ((self._run_commands(), "commands"), (self._run_verbs(), "verbs")):
            self._scope.start(loop, name).add_done_callback(self._loop_ended)
        self._scope.start(self._watch_silence(), "silence")
        self._scope.start(self._await_first_word(), "first-word")
        for reason in self._tracks.refused.values():
            body = {"code": NO_COMMON_CODEC, "message": reason, "recoverable": True, "component": "gpu"}
            self.send(RuntimeMessage(NOTICE_ERROR, body))
        if self.legacy:
            await self._open_legacy_tracks()

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            # A client whose commands nobody runs any more is better off when it connects anew.
            self._room.lost(self, "what it asks for can no longer be done")

    async def _await_first_word(self) -> None:
        await asyncio.sleep(EARLY_WAIT_S)
        self._outbox.say_what_waited()

    async def _watch_silence(self) -> None:
        while (deadline := self._wire.next_deadline()) is not None:
            await asyncio.sleep(max(0.0, deadline - time.monotonic()))
            # One that is out of reach cannot be heard: its grace decides.
            await self._presence.here.wait()
            for event in self._wire.handle_timeout(time.monotonic()):
                if isinstance(event, PeerSilent):
                    self._room.lost(self, f"nothing was heard from it for {event.silent_s:.0f} s")
                    return

    async def close(self) -> None:
        """Ends the connection; what was sent before is delivered."""
        self._outbox.say_what_waited()
        for name in list(self._tracks.seats):
            self._leave(name)
        await self._scope.close()
        if self._peer is not None:
            if self._peer.state is PeerState.CONNECTED:
                await self.room(CLOSE_S)
            await self._peer.close()

    # ---------------------------------------------------------------------------------------------------- sending

    def send(self, message: ServerMessage) -> Refusal | None:
        """Sends a message; a client that is going away misses it. Says why one cannot be sent, which the client is told too."""
        return self._outbox.send(message)

    async def room(self, limit_s: float = PATIENCE_S) -> bool:
        """Waits until the client has taken what it was sent; False where it does not within ``limit_s`` seconds."""
        return await self._outbox.room(limit_s)

    def send_media(self, track: str, media: Media) -> None:
        """Sends media on an output track, unless the client has paused it or does not take it."""
        mid = self._tracks.outputs.get(track)
        if mid is not None and self._peer is not None:
            # A section may not be negotiated yet, or be missing from the client's offer: that is nobody else's trouble.
            with contextlib.suppress(TransportError):
                self._peer.send_media(mid, media)

    # -------------------------------------------------------------------------------------------------- receiving

    def _peer_event(self, event: PeerEvent) -> None:
        match event:
            case FrameReceived(frame):
                self._receive(frame)
            case ChannelDrained(label):
                self._outbox.drained(label)
            case ChannelOpened(label):
                self._missing.discard(label)
                self._check_open()
            case StateChanged(PeerState.CONNECTED):
                self._reached()
            case StateChanged(PeerState.DISCONNECTED):
                self._out_of_reach()
            case PictureEncoded() | KeyframeWanted():
                self._shared(event)
            case StateChanged(PeerState.FAILED) if self._presence.here.is_set():
                # One that is out of reach has its grace: the engine finds a way back from here too.
                self._room.lost(self, "its network path failed")
            case StateChanged(PeerState.CLOSED):
                self._room.lost(self, "it closed the connection")
            case ChannelClosed(label):
                self._room.lost(self, f"it closed the data channel {label!r}")
            case _:
                pass

    def _check_open(self) -> None:
        if not self._missing and self._peer is not None and self._peer.state is PeerState.CONNECTED:
            self._tracks.open.set()

    def _out_of_reach(self) -> None:
        for seat in self._tracks.seats.values():
            self._room.broadcast.out_of_reach(seat)
        if self._presence.leave():
            logger.info("connection %d is out of reach, and has %g s to come back", self.id, self._presence.grace)
            self._scope.start(self._await_return(), "grace")

    async def _await_return(self) -> None:
        if not await self._presence.returns():
            self._room.lost(self, f"it was out of reach for {self._presence.grace:g} s")

    def _reached(self) -> None:
        if self._presence.come_back():
            logger.info("connection %d is back", self.id)
            self._wire.hear(time.monotonic())
        self._check_open()

    def _receive(self, frame: Frame) -> None:
        now = time.monotonic()
        waited = self._inbox.next_due() is not None
        try:
            events = self._inbox.feed(frame, now)
        except Flooded as error:
            self._room.lost(self, f"it floods: {error}")
            return
        self._take(events, now)
        if not waited and self._inbox.next_due() is not None:
            self._scope.start(self._let_in(), "let-in")

    async def _let_in(self) -> None:
        """Lets those messages in that wait their time."""
        while (due := self._inbox.next_due()) is not None:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._take(self._inbox.due(time.monotonic()), time.monotonic())

    def _take(self, events: Iterable[ChannelEvent], now: float) -> None:
        if self._wire.spoken:
            self._outbox.say_what_waited()
        for event in events:
            self._heard(event)
        notice = self._inbox.notice(now)
        if notice is not None:
            logger.warning("connection %d: %s", self.id, notice.data["reason"])
            self.send(notice)

    def _heard(self, event: ChannelEvent) -> None:
        match event:
            case FrameRefused(label, reason):
                logger.warning("connection %d: a message on %r was dropped: %s", self.id, label, reason)
            case MessageReceived(RequestSchema() | RequestCapabilities() as request):
                if self._inbox.affords(time.monotonic()):
                    self.send(self._room.document(request))
            case MessageReceived(RequestClip() | RequestRecording() as request):
                affordable = self._inbox.affords(time.monotonic())
                self.send(self._room.clip(request) if affordable else ClipFailed(TOO_MANY_REQUESTS, request.request_id))
            case MessageReceived(Command() | RequestStep() as command):
                self._queue_command(command)
            case MessageReceived(ClientStats() as stats):
                if self._inbox.takes_figures(time.monotonic()):
                    self._room.measured(self, stats)
            case MessageReceived(FileUploaded(file)):
                self._queue_command(file)
            case MessageReceived(PublishTrack() | UnpublishTrack() | PauseTrack() | ResumeTrack() as verb):
                self._queue_verb(verb)
            case _:
                pass

    def _queue_command(self, command: Task) -> None:
        if self._watches_only:
            self._refuse(command, NO_SPECTATORS)
            return
        try:
            self._inbox.commands.put_nowait(command)
        except asyncio.QueueFull:
            self._inbox.refused()
            self._refuse(command, Refusal(TOO_MANY_COMMANDS, f"more than {MAX_WAITING_COMMANDS} commands are waiting"))

    def _refuse(self, command: Task, refusal: Refusal) -> None:
        if isinstance(command, RequestStep):
            self.send(StepResult(command.request_id or "", error=refusal.message, failure="refused", code=refusal.code))
        elif isinstance(command, Command) and command.request_id is not None:
            self.send(CommandResult(command.request_id, error=refusal))

    def _queue_verb(self, verb: Verb) -> None:
        try:
            self._inbox.verbs.put_nowait(verb)
        except asyncio.QueueFull:
            self._inbox.refused()
            if isinstance(verb, PublishTrack):
                self.send(PublishResult(verb.request_id, Refusal(PUBLISH_REFUSED, TOO_MANY_REQUESTS)))

    async def _run_commands(self) -> None:
        while True:
            command = await self._inbox.commands.get()
            # Who does not take the answers to its commands waits for them to be run.
            await self.room()
            if isinstance(command, FileRef):
                await self._room.announce_file(self, command)
                continue
            if isinstance(command, RequestStep):
                self.send(await self._room.run_step(self, command))
                continue
            same = self._inbox.collapse(command) if self._room.collapses(command.type) else [command]
            outcome = await self._room.run_command(self, same[-1])
            for each in same:
                if each.request_id is not None:
                    self.send(CommandResult(each.request_id, outcome.reply, outcome.error, outcome.frame))
            if outcome.reply is not None and same[-1].request_id is None:
                self.send(outcome.reply)
            if outcome.error is not None:
                # The reason may repeat what was sent, which is nobody else's business.
                logger.info("command %r was refused: %s", command.type[:64], outcome.error.code[:64])

    async def stats(self) -> tuple[PeerStats, Mapping[str, str]]:
        """The engine's figures, and the names of the tracks by mid. Raises :class:`TransportError` where there are none."""
        if self._peer is None:
            raise TransportError("the connection is not negotiated")
        names = {mid: name for way in (self._tracks.inputs, self._tracks.outputs) for name, mid in way.items()}
        return await self._peer.stats(), names

    # ----------------------------------------------------------------------------------------------------- tracks

    async def _run_verbs(self) -> None:
        while True:
            verb = await self._inbox.verbs.get()
            await asyncio.sleep(self._inbox.verb_pace.delay(time.monotonic()))
            self._inbox.verb_pace.spend(1)
            match verb:
                case PublishTrack(request_id, name):
                    self.send(PublishResult(request_id, self._publish(name)))
                case UnpublishTrack(name):
                    self._unpublish(name)
                case PauseTrack(name):
                    await self._set_active(name, False)
                case ResumeTrack(name, tagged):
                    if tagged:
                        self._tag(name)
                    await self._set_active(name, True)

    def _publish(self, name: str) -> Refusal | None:
        if self._watches_only:
            return NO_SPECTATORS
        if (reason := self._tracks.refused.get(name)) is not None:
            return Refusal(NO_COMMON_CODEC, reason)
        mid = self._tracks.inputs.get(name)
        if mid is None:
            known = ", ".join(self._tracks.inputs) or "none"
            return Refusal("unknown_track", f"no track {name!r} that this client could send; it has: {known}")
        refusal = self._room.claim(self, name)
        if refusal is None and mid:
            self._start_reading(name, mid)
        return refusal

    def _unpublish(self, name: str) -> None:
        task = self._tracks.readers.pop(name, None)
        if task is not None:
            task.cancel()
        self._room.release(self, name)

    def _start_reading(self, name: str, mid: str) -> None:
        if name not in self._tracks.readers:
            self._tracks.readers[name] = self._scope.start(self._read(name, mid), f"read-{name}")

    async def _read(self, name: str, mid: str) -> None:
        assert self._peer is not None
        async for media in self._peer.media(mid):
            self._room.receive_media(self, name, media)

    def _tag(self, name: str) -> None:
        """From now on the client is told of each frame of an output track."""
        mid = self._tracks.outputs.get(name)
        if mid is not None and self._peer is not None:
            try:
                self._peer.tag(mid)
            except TransportError as error:
                logger.debug("connection %d is going: %s", self.id, error)

    async def _set_active(self, name: str, active: bool) -> None:
        mid = self._tracks.outputs.get(name)
        if name in self._tracks.refused:
            return  # which the client has been told
        if mid is None or self._peer is None:
            logger.warning("connection %d named an unknown output track %r", self.id, name[:64])
            return
        seat = self._tracks.seats.setdefault(name, Seat(name, self._peer, mid))
        if active:
            self._room.broadcast.join(seat)
        else:
            self._leave(name)
        try:
            await self._peer.set_active(mid, active)
        except TransportError as error:
            logger.warning("connection %d: the track %r cannot flow: %s", self.id, name, error)
            self._leave(name)
            return
        if active:
            self._room.broadcast.show(seat)

    def _leave(self, name: str) -> None:
        """The client sees the track no more: who follows its encoder is given another."""
        seat = self._tracks.seats.pop(name, None)
        if seat is not None:
            self._room.broadcast.leave(seat)

    def _shared(self, event: PictureEncoded | KeyframeWanted) -> None:
        for seat in self._tracks.seats.values():
            if seat.mid == event.mid:
                self._room.broadcast.heard(seat, event)

    async def _open_legacy_tracks(self) -> None:
        for name in self._tracks.outputs:
            await self._set_active(name, True)
        for name, mid in self._tracks.inputs.items():
            self._start_reading(name, mid)


class _Tracks:
    """Which section carries which track, who reads, and whether all is open.

    In a ``stepped`` session the inputs of the model have no section: their frames come with the requests for steps.
    """

    def __init__(self, mapping: Sequence[MappedTrack] = (), tracks: Sequence[TrackSpec] = (), *, stepped: bool) -> None:
        self.stepped = stepped
        self.outputs = {mapped.name: mapped.mid for mapped in mapping if mapped.direction == "recvonly"}
        unmapped = {track.name: "" for track in tracks if stepped and track.flow == "in"}
        self.inputs = unmapped | {mapped.name: mapped.mid for mapped in mapping if mapped.direction == "sendonly"}
        self.seats: dict[str, Seat] = {}
        self.readers: dict[str, asyncio.Task[None]] = {}
        self.open = asyncio.Event()
        self.refused: Mapping[str, str] = {}

    def refuse(self, refused: Mapping[str, str]) -> None:
        """These have no section after all, for the reasons given."""
        self.refused = refused
        for name in refused:
            self.outputs.pop(name, None)
            self.inputs.pop(name, None)
