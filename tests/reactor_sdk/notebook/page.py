"""A page as a panel sees it: what it was sent, and waiting for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

DEADLINE_S = 20.0


class Page:
    """Writes down what it is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.parts: list[list[bytes]] = []
        self._changed = asyncio.Event()

    def send(self, content: dict[str, Any], parts: list[bytes]) -> None:
        self.messages.append(content)
        self.parts.append(parts)
        self._changed.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    async def until(self, kind: str, wanted: Callable[[dict[str, Any]], bool] = lambda message: True) -> dict[str, Any]:
        """The first such message, as soon as it has come."""
        async with asyncio.timeout(DEADLINE_S):
            while not (found := [message for message in self.of(kind) if wanted(message)]):
                self._changed.clear()
                await self._changed.wait()
        return found[0]

    async def answer(self, number: int) -> dict[str, Any]:
        """How a request ended."""
        return await self.until("answer", lambda message: bool(message["id"] == number))
