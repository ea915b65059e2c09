"""What one client is told: at once while its data channels have room, else in order, within bounds of bytes and time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from reactor_protocol.codec import Frame
from reactor_protocol.errors import MessageTooLargeError, ReactorException, SendQueueFullError, TransportError
from reactor_protocol.messages import CommandResult, PublishResult, Refusal, RuntimeMessage, ServerMessage
from reactor_protocol.names import NOTICE_ERROR
from reactor_rtc.port import Peer
from reactor_runtime.wire import Wire

logger = logging.getLogger(__name__)

HIGH_BYTES: Final = 1024 * 1024
"""So much may wait in the engine for one channel; its own queue refuses at 16 MiB."""
MOST_BYTES: Final = 8 * 1024 * 1024
"""So much may wait here for one channel, beyond that; a single message may be larger."""
PATIENCE_S: Final = 2.0
"""For how long a sender waits for a client. One that has made it wait so long is waited for no more until it has caught up."""
CLOSE_S: Final = 1.0
"""For how long a connection that ends waits until what was said has left."""


class Outbox:
    """The messages to one client. ``lost`` is called where one was cut off and nothing after it could be read."""

    def __init__(self, number: int, wire: Wire, lost: Callable[[str], None]) -> None:
        self._number = number
        self._wire = wire
        self._lost = lost
        self._peer: Peer | None = None
        self._waiting: dict[str, _Waiting] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._slow = False
        self._missed = 0

    def open(self, peer: Peer) -> None:
        """Messages go there from now on."""
        self._peer = peer

    def send(self, message: ServerMessage) -> Refusal | None:
        """Sends a message, or says why it cannot be sent, which the client is told too. One that is going away misses it."""
        if self._peer is None:
            return None
        try:
            self._put(self._peer, self._wire.frames(message))
        except SendQueueFullError as error:
            self._missed += 1
            logger.log(logging.WARNING if self._missed == 1 else logging.DEBUG, "connection %d: %s", self._number, error)
            return Refusal("send_queue_full", str(error))
        except TransportError as error:
            logger.debug("connection %d missed a message: %s", self._number, error)
        except MessageTooLargeError as error:
            logger.warning("connection %d: a message could not be sent: %s", self._number, error)
            return self._tell(message, Refusal("message_too_large", str(error)))
        except (ReactorException, UnicodeEncodeError) as error:
            logger.error("connection %d: a message could not be sent: %s", self._number, error)
            return self._tell(message, Refusal("internal_error", str(error)))
        return None

    def _tell(self, message: ServerMessage, refusal: Refusal) -> Refusal:
        """Tells the client, instead of the message, why it does not come."""
        if isinstance(message, CommandResult):
            if message.reply is not None:
                self.send(CommandResult(message.request_id, error=refusal, frame=message.frame))
        elif isinstance(message, RuntimeMessage) and message.request_id is not None:
            self.send(PublishResult(message.request_id, refusal))
        elif not (isinstance(message, RuntimeMessage) and message.type == NOTICE_ERROR):
            self.send(_notice(refusal.code.upper(), refusal.message))
        return refusal

    def _put(self, peer: Peer, frames: list[Frame]) -> None:
        if not frames:
            return
        label = frames[0].label
        waiting = self._waiting.setdefault(label, _Waiting())
        if not waiting.takes(frames):
            raise SendQueueFullError(
                f"{waiting.held} bytes wait for the client on the data channel {label!r}, and no more than {MOST_BYTES} can"
            )
        self._pump(peer, label, waiting, frames)
        self._look()

    def _pump(self, peer: Peer, label: str, waiting: _Waiting, new: Iterable[Frame] = ()) -> None:
        """Sends what there is room for; ``new`` comes after what waits."""
        waiting.add(new)
        while waiting.frames and peer.buffered(label) < HIGH_BYTES:
            frame, whole = waiting.first()
            try:
                peer.send(frame)
            except TransportError:
                begun = waiting.begun
                waiting.clear()
                if begun:
                    # What follows would be read as the rest of this message.
                    self._lost("a message could not be sent to its end")
                raise
            waiting.sent(whole)

    def say_what_waited(self) -> None:
        """The client's wire version is known, or is not waited for any longer."""
        for message in self._wire.release():
            self.send(message)

    def drained(self, label: str) -> None:
        """A data channel has room again."""
        waiting = self._waiting.get(label)
        if waiting is not None and self._peer is not None:
            with contextlib.suppress(TransportError):
                self._pump(self._peer, label, waiting)
        self._look()

    def _look(self) -> None:
        if any(waiting.frames for waiting in self._waiting.values()):
            self._room.clear()
            return
        self._slow = False
        self._room.set()
        if self._missed:
            missed, self._missed = self._missed, 0
            self.send(_notice("MESSAGES_LOST", f"{missed} messages were not sent: this client takes them too slowly"))

    async def room(self, limit_s: float = PATIENCE_S) -> bool:
        """Waits until nothing waits any more; False after ``limit_s`` seconds, and at once until the client has caught up."""
        if self._slow or self._room.is_set():
            return not self._slow
        try:
            async with asyncio.timeout(limit_s):
                await self._room.wait()
        except TimeoutError:
            self._slow = True
            logger.warning("connection %d takes messages too slowly: nobody waits for it any more", self._number)
        return self._room.is_set()


class _Waiting:
    """The frames that wait for one channel. ``begun`` is whether a part of the first message has left already."""

    def __init__(self) -> None:
        self.frames: deque[tuple[Frame, bool]] = deque()
        self.held = 0
        self.begun = False

    def takes(self, frames: list[Frame]) -> bool:
        return not self.frames or self.held + sum(map(_size, frames)) <= MOST_BYTES

    def add(self, frames: Iterable[Frame]) -> None:
        every = list(frames)
        for number, frame in enumerate(every):
            self.frames.append((frame, number == len(every) - 1))
            self.held += _size(frame)

    def first(self) -> tuple[Frame, bool]:
        """The next frame, and whether its message ends with it."""
        return self.frames[0]

    def sent(self, whole: bool) -> None:
        frame, _ = self.frames.popleft()
        self.held -= _size(frame)
        self.begun = not whole

    def clear(self) -> None:
        self.frames.clear()
        self.held, self.begun = 0, False


def _size(frame: Frame) -> int:
    return len(frame.payload)


def _notice(code: str, message: str) -> RuntimeMessage:
    return RuntimeMessage(NOTICE_ERROR, {"code": code, "message": message, "recoverable": True, "component": "gpu"})
