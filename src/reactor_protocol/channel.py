"""One connection's conversation: requests and their answers, pings, silence and deadlines. Both ends, one class.

Nothing here does I/O or asks a clock. The owner hands in frames and the time, sends the frames it gets back, and calls
:meth:`Channel.handle_timeout` when :meth:`Channel.next_deadline` has come.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from reactor_protocol.codec import JSON_CODEC, Codec, Frame
from reactor_protocol.errors import DecodeError, MessageTooLargeError, ReactorException, RequestTimeoutError
from reactor_protocol.messages import (
    ClientMessage,
    Command,
    CommandResult,
    Ping,
    PublishResult,
    PublishTrack,
    ServerMessage,
)
from reactor_protocol.names import MAX_MESSAGE_BYTES, PING_INTERVAL_S, PING_TIMEOUT_S
from reactor_protocol.wire_versions import codec_for


class Role(Enum):
    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The peer said something that is not the answer to a request of ours."""

    message: ClientMessage | ServerMessage


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The peer answered a request of ours."""

    request_id: str
    answer: CommandResult | PublishResult


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request of ours will not be answered."""

    request_id: str
    error: ReactorException


@dataclass(frozen=True, slots=True)
class FrameRefused:
    """The peer sent something that makes no sense; it was dropped."""

    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeerSilent:
    """Nothing was heard from the peer for too long: treat it as gone."""

    silent_s: float


ChannelEvent: TypeAlias = MessageReceived | RequestAnswered | RequestFailed | FrameRefused | PeerSilent


@dataclass(frozen=True, slots=True)
class ChannelTimes:
    """Seconds between pings of a client, and of silence after which a server gives a client up (0: never)."""

    ping_interval: float = PING_INTERVAL_S
    silence_timeout: float = PING_TIMEOUT_S


class Channel:
    """The conversation over the data channels of one connection.

    A client pings every ``times.ping_interval`` and expects answers to its requests; a server expects to hear something within
    ``times.silence_timeout``. A client speaks v0; a server speaks what the first frame that it receives is written in, and is
    ``latched`` from then on. ``max_bytes`` limits what is sent.
    """

    def __init__(self, role: Role, now: float, times: ChannelTimes | None = None) -> None:
        self._role = role
        self._times = times or ChannelTimes()
        self._codec: Codec = JSON_CODEC
        self.latched = role is Role.CLIENT
        self.max_bytes = MAX_MESSAGE_BYTES
        self._pending: dict[str, tuple[float, str]] = {}
        self._requests = 0
        self._heard_at = now
        self._ping_at = now + self._times.ping_interval

    def next_request_id(self, prefix: str) -> str:
        """An id that this connection has not used yet."""
        self._requests += 1
        return f"{prefix}_{self._requests}"

    def can_say(self, message: ClientMessage | ServerMessage) -> bool:
        """Whether the wire version that is spoken has words for a message."""
        return self._codec.can_say(message)

    def send(self, message: ClientMessage | ServerMessage) -> Frame:
        """The frame of a message. Raises :class:`MessageTooLargeError` or :class:`DecodeError`."""
        frame = self._codec.encode(message)
        size = len(frame.payload if isinstance(frame.payload, bytes) else frame.payload.encode())
        if size > self.max_bytes:
            named = message.reply if isinstance(message, CommandResult) and message.reply is not None else message
            kind = getattr(named, "type", type(named).__name__)
            cure = "send a file with upload_file() instead" if self._role is Role.CLIENT else "send less, or in parts"
            raise MessageTooLargeError(
                f"{kind} is {size} bytes, above the limit of {self.max_bytes} that this connection has: {cure}"
            )
        return frame

    def request(self, message: Command | PublishTrack, now: float, timeout: float) -> Frame:
        """The frame of a request, whose answer is awaited for ``timeout`` seconds."""
        frame = self.send(message)
        if message.request_id is not None:
            what = message.type if isinstance(message, Command) else f"publish_track({message.name!r})"
            self._pending[message.request_id] = (now + timeout, what)
        return frame

    def receive(self, frame: Frame, now: float) -> ChannelEvent | None:
        """What a frame of the peer means, or None where it means nothing to us."""
        self._heard_at = now
        if not self.latched:
            self._codec, self.latched = codec_for(frame.payload), True
        try:
            if self._role is Role.SERVER:
                message: ClientMessage | ServerMessage | None = self._codec.decode_client(frame)
            else:
                message = self._codec.decode_server(frame)
        except DecodeError as error:
            return FrameRefused(frame.label, str(error))
        if message is None:
            return None
        if isinstance(message, CommandResult | PublishResult):
            known = self._pending.pop(message.request_id, None)
            return None if known is None else RequestAnswered(message.request_id, message)
        return MessageReceived(message)

    def hear(self, now: float) -> None:
        """Something came that is no whole message: the peer is not silent."""
        self._heard_at = now

    def forget(self, request_id: str) -> None:
        """Nobody waits for that answer any more."""
        self._pending.pop(request_id, None)

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timeout` has to be called next."""
        if self._role is Role.SERVER:
            silence = self._times.silence_timeout
            return self._heard_at + silence if silence > 0 else None
        return min([self._ping_at, *(deadline for deadline, _ in self._pending.values())])

    def handle_timeout(self, now: float) -> tuple[list[ChannelEvent], list[Frame]]:
        """What has become due: events for the owner, and frames to send."""
        if self._role is Role.SERVER:
            deadline = self.next_deadline()
            due = deadline is not None and now >= deadline
            return ([PeerSilent(now - self._heard_at)] if due else []), []
        events: list[ChannelEvent] = []
        for request_id, (expires, what) in list(self._pending.items()):
            if now >= expires:
                del self._pending[request_id]
                events.append(RequestFailed(request_id, RequestTimeoutError(f"{what} was not answered in time")))
        frames: list[Frame] = []
        if now >= self._ping_at:
            self._ping_at = now + self._times.ping_interval
            frames.append(self.send(Ping()))
        return events, frames

    def fail_pending(self, error: ReactorException) -> list[RequestFailed]:
        """The connection is gone: no request will be answered."""
        failed = [RequestFailed(request_id, error) for request_id in self._pending]
        self._pending.clear()
        return failed
