"""The model behind the fake coordinator: a colour for a picture, a tone for sound, and commands that answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from reactor_protocol.channel import Channel, MessageReceived, Role
from reactor_protocol.codec import Frame
from reactor_protocol.errors import NegotiationError, TransportError
from reactor_protocol.messages import (
    ApplicationMessage,
    ClientMessage,
    Command,
    CommandResult,
    PauseTrack,
    Ping,
    PublishResult,
    PublishTrack,
    Refusal,
    RequestSchema,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    UnpublishTrack,
)
from reactor_protocol.resources import Candidates, MappedTrack, Offer
from reactor_rtc.frames import AUDIO_RATE, AudioBlock, Media, VideoFrame
from reactor_rtc.port import (
    ChannelOpened,
    FrameReceived,
    IceCandidate,
    PeerConfig,
    PeerEvent,
    PeerFactory,
    PeerState,
    Section,
    StateChanged,
)
from reactor_rtc.scope import TaskScope

DEFAULT_TRACKS: tuple[dict[str, str], ...] = (
    {"name": "camera", "kind": "video", "direction": "sendonly"},
    {"name": "microphone", "kind": "audio", "direction": "sendonly"},
    {"name": "main_video", "kind": "video", "direction": "recvonly"},
    {"name": "main_audio", "kind": "audio", "direction": "recvonly"},
)

FPS = 30
SIZE = (320, 180)


@dataclass(slots=True)
class Arrived:
    """What came in from clients, for assertions."""

    messages: list[ClientMessage] = field(default_factory=list)
    media: Counter[str] = field(default_factory=Counter)
    last: dict[str, Media] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def commands(self) -> list[Command]:
        return [message for message in self.messages if isinstance(message, Command)]

    async def until_media(self, name: str, count: int = 1) -> Media:
        """The newest piece of media of an input track, once ``count`` have come."""
        while self.media[name] < count:
            self.changed.clear()
            await self.changed.wait()
        return self.last[name]

    async def until_message(self, wanted: ClientMessage) -> None:
        """Returns once that message has come."""
        while wanted not in self.messages:
            self.changed.clear()
            await self.changed.wait()


class FakeModel:
    """One session's model, and the connections to it."""

    def __init__(self, tracks: Sequence[dict[str, str]], make_peer: PeerFactory, *, acks: bool) -> None:
        self.acks = acks
        self.colour = (200, 40, 40)
        self.greeting: ApplicationMessage | None = None
        self.taken: set[str] = set()
        self.arrived = Arrived()
        self._inputs = {track["name"] for track in tracks if track["direction"] == "sendonly"}
        self._make_peer = make_peer
        self._connections: dict[int, FakeConnection | None] = {}

    def register(self) -> int:
        """A new connection's id."""
        connection_id = 1002 + len(self._connections)
        self._connections[connection_id] = None
        return connection_id

    def knows(self, connection_id: int) -> bool:
        return connection_id in self._connections

    async def offer(self, connection_id: int, offer: Offer) -> None:
        """Begins to answer an offer; a connection that had this id is replaced."""
        before = self._connections[connection_id]
        if before is not None:
            await before.close()
        self._connections[connection_id] = FakeConnection(self, self._make_peer, offer)

    def answer(self, connection_id: int) -> str | None:
        """The answer, once there is one."""
        connection = self._connections.get(connection_id)
        return connection.answer if connection is not None else None

    async def candidates(self, connection_id: int, found: Candidates) -> None:
        connection = self._connections.get(connection_id)
        if connection is not None:
            await connection.add(found)

    def broadcast(self, message: ServerMessage) -> None:
        """Sends a message to every client."""
        for connection in self.connections:
            connection.send(message)

    @property
    def connections(self) -> list[FakeConnection]:
        """The connections that are open."""
        return [connection for connection in self._connections.values() if connection is not None and connection.open]

    async def drop(self) -> None:
        """Ends every connection."""
        for connection in self._connections.values():
            if connection is not None:
                await connection.close()

    async def close(self) -> None:
        """Ends everything."""
        await self.drop()

    def publish(self, name: str) -> Refusal | None:
        """Grants the slot of an input track, or says why not."""
        if name not in self._inputs:
            return Refusal("publish_refused", f"no input track {name!r}")
        if name in self.taken:
            return Refusal("publish_refused", "track already published")
        self.taken.add(name)
        return None

    def run(self, command: Command) -> ApplicationMessage | Refusal | None:
        """Does what a command says."""
        match command.type:
            case "echo":
                uploads = {name: asdict(ref) for name, ref in command.uploads.items()}
                return ApplicationMessage("echo", {**command.data, **({"uploads": uploads} if uploads else {})})
            case "silent":
                return None
            case "colour":
                self.colour = (int(command.data["red"]), int(command.data["green"]), int(command.data["blue"]))
                return None
            case "refuse":
                return Refusal("too_much", "the model does not want to")
            case _:
                return Refusal("invalid_command", f"unknown command {command.type!r}")


class FakeConnection:
    """One client's connection: answers its offer, sends the colour while a track is resumed, counts what comes in."""

    def __init__(self, model: FakeModel, make_peer: PeerFactory, offer: Offer) -> None:
        self.answer: str | None = None
        self.open = True
        self.opened = asyncio.Event()
        self._early: list[ServerMessage] = []
        self._model = model
        self._tracks = {track.name: track for track in offer.track_mapping}
        self._held: set[str] = set()
        self._scope = TaskScope("fake connection")
        self._peer = make_peer(PeerConfig(), self._handle)
        self._channel = Channel(Role.SERVER, asyncio.get_running_loop().time())
        self._scope.start(self._negotiate(offer), "negotiate")

    async def _negotiate(self, offer: Offer) -> None:
        sections = [_section(track) for track in self._tracks.values()]
        try:
            self.answer = await self._peer.answer(offer.sdp_offer, sections)
        except NegotiationError:
            return  # as the published runtime: the client polls in vain
        for track in self._tracks.values():
            if track.direction == "sendonly":
                self._scope.start(self._receive(track), f"receive {track.name}")

    async def add(self, found: Candidates) -> None:
        for one in found.candidates:
            await self._peer.add_candidate(IceCandidate(one.candidate, one.sdp_mid, one.sdp_mline_index))

    def send(self, message: ServerMessage) -> None:
        """Sends a message, now or as soon as the data channels are open."""
        if not self.opened.is_set():
            self._early.append(message)
            return
        with contextlib.suppress(TransportError):
            self._peer.send(self._channel.send(message))

    def send_raw(self, label: str, payload: str | bytes) -> None:
        """Sends whatever it is told to."""
        self._peer.send(Frame(label, payload))

    def _handle(self, event: PeerEvent) -> None:
        match event:
            case FrameReceived(frame):
                heard = self._channel.receive(frame, asyncio.get_running_loop().time())
                if isinstance(heard, MessageReceived):
                    self._hear(heard.message)  # type: ignore[arg-type]  # a server's channel decodes what clients say
            case ChannelOpened("data"):  # the client's second channel, after "control"
                self.opened.set()
                for message in [self._model.greeting, *self._early]:
                    if message is not None:
                        self.send(message)
            case StateChanged(PeerState.FAILED | PeerState.CLOSED):
                self.open = False
                self._free()
            case _:
                pass

    def _hear(self, message: ClientMessage) -> None:
        self._model.arrived.messages.append(message)
        self._model.arrived.changed.set()
        match message:
            case Command():
                self._command(message)
            case PublishTrack(request_id, name):
                refusal = self._model.publish(name)
                if refusal is None:
                    self._held.add(name)
                self.send(PublishResult(request_id, refusal))
            case UnpublishTrack(name):
                self._held.discard(name)
                self._model.taken.discard(name)
            case ResumeTrack(name) | PauseTrack(name):
                self._scope.start(self._flow(name, isinstance(message, ResumeTrack)), f"flow {name}")
            case RequestSchema():
                self.send(RuntimeMessage("modelSchema", {"openapi": "3.1.0"}))
            case Ping() | _:
                pass

    def _command(self, command: Command) -> None:
        outcome = self._model.run(command)
        if command.request_id is not None and self._model.acks:
            reply = outcome if isinstance(outcome, ApplicationMessage) else None
            error = outcome if isinstance(outcome, Refusal) else None
            self.send(CommandResult(command.request_id, reply, error, frame=7))
        elif isinstance(outcome, ApplicationMessage):
            self.send(outcome)

    async def _flow(self, name: str, active: bool) -> None:
        track = self._tracks[name]
        await self._peer.set_active(track.mid, active)
        if active:
            self._scope.start(self._stream(track), f"stream {name}")

    async def _stream(self, track: MappedTrack) -> None:
        number = 0
        while self.open:
            if track.kind == "video":
                picture = np.full((SIZE[1], SIZE[0], 3), self._model.colour, np.uint8)
                self._peer.send_media(track.mid, VideoFrame.from_rgb(picture, number * 1_000_000 // FPS))
                await asyncio.sleep(1 / FPS)
            else:
                samples = (np.sin(np.arange(480) * 2 * np.pi * 440 / AUDIO_RATE) * 8000).astype(np.int16)
                self._peer.send_media(track.mid, AudioBlock.from_array(samples, AUDIO_RATE, number * 10_000))
                await asyncio.sleep(0.01)
            number += 1

    async def _receive(self, track: MappedTrack) -> None:
        async for media in self._peer.media(track.mid):
            self._model.arrived.media[track.name] += 1
            self._model.arrived.last[track.name] = media
            self._model.arrived.changed.set()

    def _free(self) -> None:
        self._model.taken -= self._held
        self._held.clear()

    async def close(self) -> None:
        """Ends the connection."""
        self.open = False
        self._free()
        await self._scope.close()
        await self._peer.close()


def _section(track: MappedTrack) -> Section:
    return Section(track.kind, "send" if track.direction == "recvonly" else "receive", track.mid)
