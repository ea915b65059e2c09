"""The client's side of the two data channels: the protocol's channel, with futures for answers and a timer for deadlines."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from reactor_protocol.attributes import max_message_bytes
from reactor_protocol.channel import Channel, ChannelEvent, FrameRefused, MessageReceived, RequestAnswered, RequestFailed, Role
from reactor_protocol.codec import Frame
from reactor_protocol.errors import (
    DisconnectedError,
    InvalidStateError,
    ReactorException,
    SendQueueFullError,
    TransportError,
    error_for_control,
)
from reactor_protocol.messages import (
    ClientMessage,
    ClipFailed,
    ClipReady,
    Command,
    CommandResult,
    PublishResult,
    PublishTrack,
    RequestClip,
    RequestRecording,
    ServerMessage,
)
from reactor_protocol.names import CHANNEL_DATA, COMMAND_TIMEOUT_S, CONTROL_TIMEOUT_S

logger = logging.getLogger(__name__)

MAX_WAITING_CLIPS = 64

HIGH_BYTES = 1024 * 1024
"""So much may wait for the network; what is said beyond it waits for room."""
ROOM_S = 10.0


class Way(Protocol):
    """What a conversation goes over: the two verbs of a peer."""

    def send(self, frame: Frame) -> None: ...

    def buffered(self, label: str) -> int: ...


class Conversation:
    """Sends messages, awaits answers, pings. Has to be opened before the timer runs, and closed."""

    def __init__(self, way: Way, on_message: Callable[[ServerMessage], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = Channel(Role.CLIENT, self._loop.time())
        self._way = way
        self._drained = asyncio.Event()
        self._on_message = on_message
        self._waiting: dict[str, asyncio.Future[CommandResult | PublishResult]] = {}
        self._clips: deque[asyncio.Future[ClipReady | ClipFailed]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def open(self) -> None:
        """Both data channels are open: pings begin."""
        self._rearm()

    def hear_answer(self, sdp: str) -> None:
        """Takes note of how large a message the other side takes."""
        self._channel.max_bytes = max_message_bytes(sdp)

    def drained(self) -> None:
        """What was sent has left, or most of it."""
        self._drained.set()

    async def room(self, label: str = CHANNEL_DATA) -> None:
        """Returns once there is room for a message. Raises :class:`SendQueueFullError` where there is none for 10 s."""
        if self._way.buffered(label) < HIGH_BYTES:
            return
        try:
            async with asyncio.timeout(ROOM_S):
                while self._way.buffered(label) >= HIGH_BYTES and not self._closed:
                    self._drained.clear()
                    await self._drained.wait()
        except TimeoutError as error:
            raise SendQueueFullError(
                f"the model's side has taken nothing for {ROOM_S:g} s, and {self._way.buffered(label)} bytes wait for it"
            ) from error

    def send(self, message: ClientMessage) -> None:
        """Sends a message that has no answer. Raises :class:`MessageTooLargeError`, :class:`DecodeError` or a transport error."""
        self._transmit(self._channel.send(message))

    async def command(self, command: Command) -> CommandResult:
        """The acknowledgement of a command, which gets a request id. Raises as :meth:`room`, :meth:`send`, and
        :class:`RequestTimeoutError`.
        """
        await self.room()
        request_id = self._channel.next_request_id("cmd")
        numbered = Command(command.type, command.data, command.uploads, request_id)
        answer = await self._request(numbered, request_id, COMMAND_TIMEOUT_S)
        assert isinstance(answer, CommandResult)
        return answer

    async def publish(self, name: str) -> None:
        """Asks for the publisher's slot of a track. Raises :class:`ControlRequestError` where it is refused."""
        request_id = self._channel.next_request_id("ctrl")
        answer = await self._request(PublishTrack(request_id, name), request_id, CONTROL_TIMEOUT_S)
        if answer.error is not None:
            raise error_for_control("publish_track", answer.error.code, answer.error.message)

    async def clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed:
        """The answer to a request for a clip. Answers carry no id: they come in the order of the requests.

        Raises as :meth:`send`, and :class:`InvalidStateError` where too many are waiting.
        """
        if len(self._clips) >= MAX_WAITING_CLIPS:
            raise InvalidStateError(f"{MAX_WAITING_CLIPS} requests for clips are waiting for an answer")
        self.send(request)
        answer: asyncio.Future[ClipReady | ClipFailed] = self._loop.create_future()
        # It stays in the row when its caller gives up: an answer that is late must not be taken for the next one's.
        self._clips.append(answer)
        return await answer

    async def _request(self, message: Command | PublishTrack, request_id: str, timeout: float) -> CommandResult | PublishResult:
        frame = self._channel.request(message, self._loop.time(), timeout)
        answer: asyncio.Future[CommandResult | PublishResult] = self._loop.create_future()
        self._waiting[request_id] = answer
        try:
            self._transmit(frame)
            self._rearm()
            return await answer
        finally:
            self._waiting.pop(request_id, None)
            self._channel.forget(request_id)

    def _transmit(self, frame: Frame) -> None:
        if self._closed:
            raise DisconnectedError("the connection is gone")
        try:
            self._way.send(frame)
        except SendQueueFullError:
            raise
        except TransportError as error:
            raise DisconnectedError(f"the connection is going away: {error}") from error

    def receive(self, frame: Frame) -> None:
        """Takes a message of the peer."""
        if self._closed:
            return
        event = self._channel.receive(frame, self._loop.time())
        if event is not None:
            self._apply(event)

    def _apply(self, event: ChannelEvent) -> None:
        match event:
            case MessageReceived(ClipReady() | ClipFailed() as answer):
                if self._clips and not (asked := self._clips.popleft()).done():
                    asked.set_result(answer)
                self._on_message(answer)
            case MessageReceived(message):
                self._on_message(message)  # type: ignore[arg-type]  # a client's channel decodes what servers say
            case RequestAnswered(request_id, answer):
                if (future := self._waiting.get(request_id)) is not None and not future.done():
                    future.set_result(answer)
            case RequestFailed(request_id, error):
                if (future := self._waiting.get(request_id)) is not None and not future.done():
                    future.set_exception(error)
            case FrameRefused(label, reason):
                logger.warning("dropped a message on the channel %r: %s", label, reason)
            case _:
                logger.debug("ignored %s", event)

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._channel.next_deadline()
        if deadline is not None and not self._closed:
            self._timer = self._loop.call_at(deadline, self._due)

    def _due(self) -> None:
        events, frames = self._channel.handle_timeout(self._loop.time())
        for event in events:
            self._apply(event)
        for frame in frames:
            try:
                self._transmit(frame)
            except DisconnectedError as error:
                logger.debug("a ping was not sent: %s", error)
        self._rearm()

    def close(self, error: ReactorException) -> None:
        """The connection is gone: whoever waits for an answer gets ``error``."""
        self._closed = True
        self._drained.set()
        if self._timer is not None:
            self._timer.cancel()
        for failed in self._channel.fail_pending(error):
            self._apply(failed)
        while self._clips:
            if not (asked := self._clips.popleft()).done():
                asked.set_exception(error)
