"""Reads ``/events`` of an application, part by part, as fast or as slowly as a test likes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from tests.reactor_runtime.waiting import Changes

DEADLINE_S = 40.0

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class EventReader:
    """One reader. ``text`` is all that it was sent; while ``taking`` is cleared it takes nothing."""

    def __init__(self) -> None:
        self.text = ""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.over = False
        self.taking = asyncio.Event()
        self.taking.set()
        self._leaving = asyncio.Event()
        self.changes = Changes()

    async def receive(self) -> Message:
        await self._leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.taking.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message["body"].decode()
            self.over = not message.get("more_body", False)
        self.changes.announce()

    def leave(self) -> None:
        self._leaving.set()

    @property
    def blocks(self) -> list[list[str]]:
        """The lines of each message, comments included."""
        return [block.split("\n") for block in self.text.split("\n\n") if block]

    @property
    def events(self) -> list[tuple[int, dict[str, Any]]]:
        """Id and content of each event."""
        found = []
        for lines in self.blocks:
            if lines[0].startswith("id: "):
                assert len(lines) == 2, lines
                assert lines[1].startswith("data: "), lines
                found.append((int(lines[0].removeprefix("id: ")), json.loads(lines[1].removeprefix("data: "))))
        return found

    @property
    def names(self) -> list[str]:
        return [body["event"] for _, body in self.events]

    def details(self, event: str) -> list[dict[str, Any]]:
        return [body["detail"] for _, body in self.events if body["event"] == event]

    async def until(self, event: str, times: int = 1) -> dict[str, Any]:
        """The detail of the so-manieth event of that name."""
        await self.changes.until(lambda: len(self.details(event)) >= times, DEADLINE_S)
        return self.details(event)[times - 1]


def _scope(query: str, headers: Sequence[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"runtime:8080"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("runtime", 8080),
    }


@contextlib.asynccontextmanager
async def reading(app: App, query: str = "", *headers: tuple[bytes, bytes]) -> AsyncIterator[EventReader]:
    """A reader of ``/events?query``, once it has been answered."""
    reader = EventReader()
    task = asyncio.ensure_future(app(_scope(query, headers), reader.receive, reader.send))
    try:
        await reader.changes.until(lambda: reader.text or task.done(), DEADLINE_S)
        yield reader
    finally:
        reader.leave()
        reader.taking.set()
        async with asyncio.timeout(DEADLINE_S):
            await task
