"""What one client has sent: read as fast as it may send, and kept until somebody does it."""

from __future__ import annotations

import asyncio
from typing import Final, TypeAlias

from reactor_protocol.channel import ChannelEvent
from reactor_protocol.codec import Frame
from reactor_protocol.errors import TransportError
from reactor_protocol.messages import (
    Command,
    FileRef,
    PauseTrack,
    PublishTrack,
    RequestStep,
    ResumeTrack,
    RuntimeMessage,
    UnpublishTrack,
)
from reactor_protocol.names import NOTICE_RATE_LIMITED
from reactor_runtime.floods import DEAR_PER_S, Bucket, Floodgate, FloodLimits, FloodWatch, dear_requests, track_verbs
from reactor_runtime.wire import Wire

MAX_WAITING_COMMANDS: Final = 256

Task: TypeAlias = Command | FileRef | RequestStep
Verb: TypeAlias = PublishTrack | UnpublishTrack | PauseTrack | ResumeTrack


class Flooded(TransportError):
    """The client sends faster than its messages could even be refused."""


class Inbox:
    """The messages of one client. ``commands`` and ``verbs`` are what is to be done; they hold 256 each."""

    def __init__(self, wire: Wire, limits: FloodLimits, now: float) -> None:
        self._wire = wire
        self._limits = limits
        self._gate: Floodgate[Frame] = Floodgate(limits, now)
        self._watch = FloodWatch(now)
        self._dear = dear_requests(now)
        self._figures = Bucket(1.0, 2.0, now)
        self.verb_pace: Bucket = track_verbs(now)
        self.commands: asyncio.Queue[Task] = asyncio.Queue(MAX_WAITING_COMMANDS)
        self.verbs: asyncio.Queue[Verb] = asyncio.Queue(MAX_WAITING_COMMANDS)
        self._over = False

    def feed(self, frame: Frame, now: float) -> list[ChannelEvent]:
        """Takes a frame, and gives what may be done at once. Raises :class:`Flooded`, once, where there is no end to them."""
        if self._over:
            return []
        if not self._gate.endures(now):
            self._over = True
            raise Flooded(f"more than {self._limits.frames:g} frames came in a second, and then more")
        whole = self._wire.assemble(frame, now)
        if whole is None:
            return []
        if not isinstance(whole, Frame):
            return [whole]
        size = len(whole.payload)
        if not self._gate.arrive(whole, size, now):
            self._watch.refused()
            return []
        return self.due(now)

    def due(self, now: float) -> list[ChannelEvent]:
        """What may be done now of that which waited."""
        if self._over:
            return []
        events = [self._wire.read(frame, now) for frame in self._gate.due(now)]
        if self._gate.waiting:
            self._watch.slowed()
        return [event for event in events if event is not None]

    def next_due(self) -> float | None:
        """When :meth:`due` and :meth:`notice` have to be called next."""
        moments = [moment for moment in (self._gate.next_due(), self._watch.next_notice()) if moment is not None]
        return None if self._over else min(moments, default=None)

    def collapse(self, command: Command) -> list[Command]:
        """A command and those of its name that wait after it, which wait no more: the last one stands for all of them."""
        same: list[Command] = [command]
        others: list[Task] = []
        while not self.commands.empty():
            each = self.commands.get_nowait()
            if isinstance(each, Command) and each.type == command.type:
                same.append(each)
            else:
                others.append(each)
        for each in others:
            self.commands.put_nowait(each)
        return same

    def affords(self, now: float) -> bool:
        """Whether the client may ask for something dear; if not, it will be told."""
        if self._dear.take(now):
            return True
        self._watch.refused()
        return False

    def takes_figures(self, now: float) -> bool:
        """Whether the client's figures are looked at: once a second is enough."""
        return self._figures.take(now)

    def refused(self) -> None:
        """Something of the client's was not done: it will be told."""
        self._watch.refused()

    def notice(self, now: float) -> RuntimeMessage | None:
        """What to tell a client that sends too much, once a second at most."""
        notice = self._watch.notice(self._gate.waiting, now)
        if notice is None:
            return None
        reason = (
            f"this client sends more than is taken, at most {self._limits.messages:g} messages and {DEAR_PER_S:g} requests "
            f"for documents a second: {notice.waiting} wait, {notice.refused} were refused"
        )
        return RuntimeMessage(NOTICE_RATE_LIMITED, {"reason": reason, "waiting": notice.waiting, "refused": notice.refused})
