"""Writes down what a client says, and waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from reactor_sdk import Reactor, ReactorEvent

EVENTS: tuple[ReactorEvent, ...] = (
    "status_changed",
    "session_id_changed",
    "message",
    "runtime_message",
    "track_received",
    "error",
    "session_expiration_changed",
    "capabilities_received",
    "queue_changed",
)

DEADLINE_S = 40.0


class Observer:
    """All events of a client, in order."""

    def __init__(self, reactor: Reactor) -> None:
        self.seen: list[tuple[str, tuple[Any, ...]]] = []
        self._changed = asyncio.Event()
        for event in EVENTS:
            self._listen(reactor, event)

    def _listen(self, reactor: Reactor, event: ReactorEvent) -> None:
        def note(*payload: Any) -> None:
            self.seen.append((event, payload))
            self._changed.set()

        reactor.on(event, note)

    def of(self, event: ReactorEvent) -> list[Any]:
        """The payloads of an event; a single value stands for itself."""
        return [payload[0] if len(payload) == 1 else payload for name, payload in self.seen if name == event]

    async def until(self, event: ReactorEvent, count: int = 1) -> Any:
        """The payload of the ``count``-th such event, as soon as it has come."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self.of(event)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(event)[count - 1]

    async def until_status(self, status: str) -> None:
        """Returns once the newest status is that one."""
        async with asyncio.timeout(DEADLINE_S):
            while not self.of("status_changed") or self.of("status_changed")[-1] != status:
                self._changed.clear()
                await self._changed.wait()
