"""One client: its peer, its conversation, and the tracks that flow between it and the model."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from reactor_protocol.channel import ChannelTimes, FrameRefused, MessageReceived, PeerSilent
from reactor_protocol.codec import Frame
from reactor_protocol.errors import BadRequestError, ReactorException, TransportError
from reactor_protocol.messages import (
    ClipFailed,
    ClipReady,
    Command,
    CommandResult,
    FileRef,
    FileUploaded,
    PauseTrack,
    Ping,
    PublishResult,
    PublishTrack,
    Refusal,
    RequestClip,
    RequestRecording,
    RequestSchema,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    UnpublishTrack,
)
from reactor_protocol.names import CHANNEL_CONTROL, CHANNEL_DATA
from reactor_protocol.resources import Candidate, MappedTrack, Offer
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.port import (
    ChannelClosed,
    ChannelOpened,
    FrameReceived,
    IceCandidate,
    Peer,
    PeerConfig,
    PeerEvent,
    PeerFactory,
    PeerState,
    Section,
    StateChanged,
)
from reactor_rtc.scope import TaskScope
from reactor_runtime.host import Outcome
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.wire import EARLY_WAIT_S, Wire

logger = logging.getLogger(__name__)

MAX_WAITING_COMMANDS = 256
TOO_MANY_COMMANDS = "too_many_commands"


class Room(Protocol):
    """What a connection asks of the runtime that holds it."""

    async def admit(self, connection: Connection) -> bool: ...

    def lost(self, connection: Connection, reason: str) -> None: ...

    async def run_command(self, connection: Connection, command: Command) -> Outcome: ...

    async def announce_file(self, connection: Connection, file: FileRef) -> None: ...

    def claim(self, connection: Connection, track: str) -> Refusal | None: ...

    def release(self, connection: Connection, track: str) -> None: ...

    def receive_media(self, connection: Connection, track: str, media: Media) -> None: ...

    def newest_picture(self, track: str) -> VideoFrame | None: ...

    def schema(self) -> RuntimeMessage: ...

    def clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed: ...


class Connection:
    """One client. ``legacy`` clients have one data channel and no track verbs (reference: client and REST, 1.15)."""

    def __init__(self, connection_id: int, room: Room, times: ChannelTimes, *, legacy: bool) -> None:
        self.id = connection_id
        self.legacy = legacy
        self._room = room
        self._scope = TaskScope(f"connection-{connection_id}")
        self._wire = Wire(time.monotonic(), times)
        self._commands: asyncio.Queue[Command | FileRef] = asyncio.Queue(MAX_WAITING_COMMANDS)
        self._verbs: asyncio.Queue[PublishTrack | UnpublishTrack | PauseTrack | ResumeTrack] = asyncio.Queue(MAX_WAITING_COMMANDS)
        self._peer: Peer | None = None
        self._missing: set[str] = {CHANNEL_DATA} if legacy else {CHANNEL_DATA, CHANNEL_CONTROL}
        self._tracks = _Tracks()

    # ------------------------------------------------------------------------------------------------ negotiation

    async def negotiate(self, offer: Offer, tracks: Sequence[TrackSpec], config: PeerConfig, factory: PeerFactory) -> str:
        """Takes an offer and gives the answer.

        Raises :class:`NegotiationError` for a description that cannot be used, :class:`BadRequestError` for a track that the
        model does not have.
        """
        sections = [_section(mapped, tracks) for mapped in offer.track_mapping]
        self._tracks = _Tracks(offer.track_mapping)
        self._peer = factory(config, self._peer_event)
        self._wire.hear_offer(offer.sdp_offer)
        return self._wire.declare(await self._peer.answer(offer.sdp_offer, sections))

    async def add_candidate(self, candidate: Candidate) -> None:
        """Takes a candidate that the client found later."""
        if self._peer is not None and candidate.candidate:
            found = IceCandidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index)
            await self._peer.add_candidate(found)

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
        self._scope.start(self._run_commands(), "commands")
        self._scope.start(self._run_verbs(), "verbs")
        self._scope.start(self._watch_silence(), "silence")
        self._scope.start(self._await_first_word(), "first-word")
        if self.legacy:
            await self._open_legacy_tracks()

    async def _await_first_word(self) -> None:
        await asyncio.sleep(EARLY_WAIT_S)
        self._say_what_waited()

    async def _watch_silence(self) -> None:
        while (deadline := self._wire.next_deadline()) is not None:
            await asyncio.sleep(max(0.0, deadline - time.monotonic()))
            for event in self._wire.handle_timeout(time.monotonic()):
                if isinstance(event, PeerSilent):
                    self._room.lost(self, f"nothing was heard from it for {event.silent_s:.0f} s")
                    return

    async def close(self) -> None:
        """Ends the connection; what was sent before is delivered."""
        self._say_what_waited()
        await self._scope.close()
        if self._peer is not None:
            await self._peer.close()

    # ---------------------------------------------------------------------------------------------------- sending

    def send(self, message: ServerMessage) -> None:
        """Sends a message; a client that is going away misses it."""
        if self._peer is None:
            return
        try:
            self._send_frames(self._peer, self._wire.frames(message))
        except TransportError as error:
            logger.debug("connection %d missed a message: %s", self.id, error)
        except (ReactorException, UnicodeEncodeError) as error:
            logger.error("connection %d: a message could not be sent: %s", self.id, error)
            if isinstance(message, CommandResult) and message.reply is not None:
                self.send(CommandResult(message.request_id, error=Refusal("internal_error", str(error))))
            elif isinstance(message, RuntimeMessage) and message.request_id is not None:
                self.send(PublishResult(message.request_id, Refusal("internal_error", str(error))))

    def _send_frames(self, peer: Peer, frames: list[Frame]) -> None:
        for number, frame in enumerate(frames):
            try:
                peer.send(frame)
            except TransportError:
                if number > 0:
                    # What follows would be read as the rest of this message.
                    self._room.lost(self, "a message could not be sent to its end")
                raise

    def _say_what_waited(self) -> None:
        for message in self._wire.release():
            self.send(message)

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
            case ChannelOpened(label):
                self._missing.discard(label)
                self._check_open()
            case StateChanged(PeerState.CONNECTED):
                self._check_open()
            case StateChanged(PeerState.FAILED):
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

    def _receive(self, frame: Frame) -> None:
        event = self._wire.receive(frame, time.monotonic())
        if self._wire.spoken:
            self._say_what_waited()
        match event:
            case FrameRefused(label, reason):
                logger.warning("connection %d: a message on %r was dropped: %s", self.id, label, reason)
            case MessageReceived(Ping()):
                pass
            case None:
                logger.debug("connection %d: a message on %r means nothing to us", self.id, frame.label)
            case MessageReceived(RequestSchema(request_id)):
                self.send(replace(self._room.schema(), request_id=request_id))
            case MessageReceived(RequestClip() | RequestRecording() as request):
                self.send(self._room.clip(request))
            case MessageReceived(Command() as command):
                self._queue_command(command)
            case MessageReceived(FileUploaded(file)):
                self._queue_command(file)
            case MessageReceived(PublishTrack() | UnpublishTrack() | PauseTrack() | ResumeTrack() as verb):
                self._queue_verb(verb)
            case _:
                pass

    def _queue_command(self, command: Command | FileRef) -> None:
        try:
            self._commands.put_nowait(command)
        except asyncio.QueueFull:
            logger.warning("connection %d sends commands faster than the model takes them: one was refused", self.id)
            if isinstance(command, Command) and command.request_id is not None:
                refusal = Refusal(TOO_MANY_COMMANDS, f"more than {MAX_WAITING_COMMANDS} commands are waiting")
                self.send(CommandResult(command.request_id, error=refusal))

    def _queue_verb(self, verb: PublishTrack | UnpublishTrack | PauseTrack | ResumeTrack) -> None:
        try:
            self._verbs.put_nowait(verb)
        except asyncio.QueueFull:
            logger.warning("connection %d sends track verbs faster than they are done: one was dropped", self.id)

    async def _run_commands(self) -> None:
        while True:
            command = await self._commands.get()
            if isinstance(command, FileRef):
                await self._room.announce_file(self, command)
                continue
            outcome = await self._room.run_command(self, command)
            if command.request_id is not None:
                self.send(CommandResult(command.request_id, outcome.reply, outcome.error, outcome.frame))
            elif outcome.reply is not None:
                self.send(outcome.reply)
            if outcome.error is not None:
                logger.info("command %r was refused: %s", command.type[:64], outcome.error.message)

    # ----------------------------------------------------------------------------------------------------- tracks

    async def _run_verbs(self) -> None:
        while True:
            verb = await self._verbs.get()
            match verb:
                case PublishTrack(request_id, name):
                    self.send(PublishResult(request_id, self._publish(name)))
                case UnpublishTrack(name):
                    self._unpublish(name)
                case PauseTrack(name):
                    await self._set_active(name, False)
                case ResumeTrack(name):
                    await self._set_active(name, True)

    def _publish(self, name: str) -> Refusal | None:
        mid = self._tracks.inputs.get(name)
        if mid is None:
            known = ", ".join(self._tracks.inputs) or "none"
            return Refusal("unknown_track", f"no track {name!r} that this client could send; it has: {known}")
        refusal = self._room.claim(self, name)
        if refusal is None:
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

    async def _set_active(self, name: str, active: bool) -> None:
        mid = self._tracks.outputs.get(name)
        if mid is None or self._peer is None:
            logger.warning("connection %d named an unknown output track %r", self.id, name[:64])
            return
        try:
            await self._peer.set_active(mid, active)
        except TransportError as error:
            logger.warning("connection %d: the track %r cannot flow: %s", self.id, name, error)
            return
        picture = self._room.newest_picture(name) if active else None
        if picture is not None:
            # A model that stands still has no next frame for this viewer to begin with.
            self.send_media(name, picture)

    async def _open_legacy_tracks(self) -> None:
        for name in self._tracks.outputs:
            await self._set_active(name, True)
        for name, mid in self._tracks.inputs.items():
            self._start_reading(name, mid)


class _Tracks:
    """Which section carries which track, who reads, and whether all is open."""

    def __init__(self, mapping: Sequence[MappedTrack] = ()) -> None:
        self.outputs = {mapped.name: mapped.mid for mapped in mapping if mapped.direction == "recvonly"}
        self.inputs = {mapped.name: mapped.mid for mapped in mapping if mapped.direction == "sendonly"}
        self.readers: dict[str, asyncio.Task[None]] = {}
        self.open = asyncio.Event()


def _section(mapped: MappedTrack, tracks: Sequence[TrackSpec]) -> Section:
    flow = "out" if mapped.direction == "recvonly" else "in"
    for track in tracks:
        if track.name == mapped.name and track.flow == flow and track.kind == mapped.kind:
            return Section(mapped.kind, "send" if flow == "out" else "receive", mapped.mid)
    have = ", ".join(f"{t.name} ({t.kind}, {'recvonly' if t.flow == 'out' else 'sendonly'})" for t in tracks) or "none"
    raise BadRequestError(f"the model has no {mapped.direction} {mapped.kind} track {mapped.name!r}; it has: {have}")
