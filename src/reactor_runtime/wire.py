"""What one client hears and says on its data channels: wire version, chunking, and what waits until the version is known."""

from __future__ import annotations

from typing import Final

from reactor_protocol.attributes import declares_trailers, max_message_bytes
from reactor_protocol.channel import Channel, ChannelEvent, ChannelTimes, FrameRefused, Role
from reactor_protocol.chunking import Assembly, offered, split, with_agreement
from reactor_protocol.codec import Frame
from reactor_protocol.errors import DecodeError, TransportError
from reactor_protocol.messages import ServerMessage
from reactor_protocol.names import CHANNEL_CONTROL, CHANNEL_DATA, CHUNK_BYTES, MAX_CHUNKED_BYTES

MAX_EARLY_MESSAGES: Final = 64
EARLY_WAIT_S: Final = 0.25
"""For how long messages wait for the first frame of a client that may speak v1: it speaks as soon as it is connected."""


class Wire:
    """One connection's conversation, from messages to the frames that cross, and back.

    The wire version is that of the client's first frame. A client whose offer declares chunking or trailers may speak v1, and
    then reads no v0: what is said to it before is held, until it has spoken or :meth:`release` is called.
    """

    def __init__(self, now: float, times: ChannelTimes, max_bytes: int = MAX_CHUNKED_BYTES) -> None:
        self._max_bytes = max_bytes
        self._channel = Channel(Role.SERVER, now, times)
        self._assemblies: dict[str, Assembly] = {}
        self._early: list[ServerMessage] | None = None
        self._fragment = CHUNK_BYTES

    def hear_offer(self, sdp: str) -> None:
        """Takes note of what the client's description declares."""
        limit = offered(sdp)
        self._channel.max_bytes = self._fragment = max_message_bytes(sdp)
        if limit is not None:
            self._channel.max_bytes = min(limit, self._max_bytes)
            # Only steps are large, and they go over the data channel.
            self._assemblies = {CHANNEL_DATA: Assembly(self._max_bytes), CHANNEL_CONTROL: Assembly(MAX_CHUNKED_BYTES)}
        if limit is not None or declares_trailers(sdp):
            self._early = []

    def declare(self, answer: str) -> str:
        """The answer with what this side declares."""
        return with_agreement(answer, self._max_bytes) if self._assemblies else answer

    @property
    def largest(self) -> int | None:
        """The largest message (bytes) that the client takes in fragments; None where there is no agreement on them."""
        return self._channel.max_bytes if self._assemblies else None

    def frames(self, message: ServerMessage) -> list[Frame]:
        """The frames of a message; none while it waits, or where the wire version has no words for it.

        Raises :class:`MessageTooLargeError`, :class:`DecodeError`, and :class:`TransportError` when too many messages wait.
        """
        if self._early is not None:
            if len(self._early) >= MAX_EARLY_MESSAGES:
                raise TransportError(f"more than {MAX_EARLY_MESSAGES} messages wait for the client's first word")
            self._early.append(message)
            return []
        if not self._channel.can_say(message):
            return []
        frame = self._channel.send(message)
        if not self._assemblies:
            return [frame]
        return [Frame(frame.label, piece) for piece in split(frame.payload, self._fragment)]

    def release(self) -> list[ServerMessage]:
        """The messages that have waited, in order: nothing waits any more."""
        waited, self._early = self._early or [], None
        return waited

    def assemble(self, frame: Frame, now: float) -> Frame | FrameRefused | None:
        """The whole message that a frame completes, unread, or None while more of it is to come."""
        self._channel.hear(now)
        assembly = self._assemblies.get(frame.label)
        if assembly is None:
            return frame
        try:
            payload = assembly.feed(frame.payload)
        except DecodeError as error:
            return FrameRefused(frame.label, str(error))
        return None if payload is None else Frame(frame.label, payload)

    def read(self, whole: Frame, now: float) -> ChannelEvent | None:
        """What a whole message of the client means, or None where it means nothing."""
        return self._channel.receive(whole, now)

    def receive(self, frame: Frame, now: float) -> ChannelEvent | None:
        """Both at once: what a frame of the client means, or None where it means nothing, or nothing yet."""
        whole = self.assemble(frame, now)
        return self.read(whole, now) if isinstance(whole, Frame) else whole

    def hear(self, now: float) -> None:
        """The client is known to be there, though it has said nothing."""
        self._channel.hear(now)

    @property
    def spoken(self) -> bool:
        """Whether the client's wire version is known."""
        return self._channel.latched

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timeout` has to be called next; None where silence is no reason to go."""
        return self._channel.next_deadline()

    def handle_timeout(self, now: float) -> list[ChannelEvent]:
        """What has become due."""
        events, _ = self._channel.handle_timeout(now)
        return events
