"""How a model's messages wait for room at its clients, and what a handler is told of one that nobody could be sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, InvalidStateError
from contextvars import ContextVar
from typing import Any, Final, Protocol, TypeAlias

from reactor_protocol.messages import ApplicationMessage, Refusal
from reactor_runtime.declared import CommandError

logger = logging.getLogger(__name__)

WINDOW_BYTES: Final = 64 * 1024
"""So much is sent without asking whether there is room: what most messages are, and no turn is lost over them."""

IN_COMMAND: ContextVar[bool] = ContextVar("IN_COMMAND", default=False)
"""Whether a command's handler runs: only it is told what could not be sent. A step or a hook goes on, and the log tells."""

Told: TypeAlias = Callable[[Refusal | None], object]
"""Called on any thread once there is room again: with why a message reached nobody, or None."""


class Sent(Protocol):
    """Hands a message over, for one client or for all. Does not block."""

    def __call__(self, message: ApplicationMessage, client: int | None, told: Told | None = None, /) -> None: ...


class Sender:
    """The way out of one model's messages. Lives on the model's loop."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._unasked = 0

    async def send(self, message: ApplicationMessage, client: int | None) -> None:
        """Returns at once while little is on its way, else when its receivers have room, or a few seconds have passed.

        In a command's handler raises :class:`CommandError` for what reached nobody: ``message_too_large``, ``send_queue_full``.
        """
        self._unasked += _weight(message.data)
        if self._unasked <= WINDOW_BYTES:
            self._sent(message, client)
            return
        self._unasked = 0
        settled: Future[Refusal | None] = Future()

        def told(refusal: Refusal | None) -> None:
            with contextlib.suppress(InvalidStateError):  # nobody waits any more
                settled.set_result(refusal)

        self._sent(message, client, told)
        refusal = await asyncio.wrap_future(settled)
        if refusal is None:
            return
        if IN_COMMAND.get():
            raise CommandError(refusal.code, refusal.message)
        logger.warning("a message of the model reached nobody: %s", refusal.message)


def _weight(value: object) -> int:
    """About how many bytes a value takes as JSON: what counts is text."""
    match value:
        case str():
            return len(value)
        case dict():
            return sum(len(key) + _weight(each) for key, each in value.items())
        case list():
            return sum(map(_weight, value))
    return 8


async def settle(refusals: Sequence[Refusal | None], rooms: Sequence[Coroutine[Any, Any, bool]], told: Told) -> None:
    """Tells once all receivers have room, or have had their time: what some of them missed is between them and the runtime."""
    await asyncio.gather(*rooms)
    missed = [refusal for refusal in refusals if refusal is not None]
    told(missed[0] if missed and len(missed) == len(refusals) else None)
