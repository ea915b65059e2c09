"""``/events``: the journal as a stream of server-sent events (reference: runtime, 3.4)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reactor_protocol.names import EVENT_STREAM
from reactor_runtime.watching.journal import Journal, JournalName

HEARTBEAT_S: Final = 15.0
"""A stream that is silent for longer is broken."""

_BATCH: Final = 128
_RETRY_MS: Final = 1000
_HEADERS: Final = [(b"content-type", EVENT_STREAM.encode()), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


class EventStream(Response):
    """An endless answer: what came after ``since``, what comes, and a comment as a heartbeat in between.

    It ends when the journal is closed. What a slow reader has missed is said: in a stream of one ``part`` as the event ``skipped
    {first, last}``, in the whole one as a comment, since its ids have no gaps otherwise.
    """

    def __init__(self, journal: Journal, since: int | None, part: JournalName | None, heartbeat_s: float = HEARTBEAT_S) -> None:
        super().__init__()
        self._journal = journal
        self._part = part
        self._seq = journal.beginning(since)
        self._heartbeat_s = heartbeat_s
        self._woken = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket = self._journal.attach(self._woken.set)
        leaving = asyncio.ensure_future(_left(receive))
        leaving.add_done_callback(lambda _: self._woken.set())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send(_part(f": openreactor\nretry: {_RETRY_MS}\n\n".encode()))
            while not leaving.done():
                self._woken.clear()
                text = self._next()
                if text:
                    await send(_part(text))
                elif self._journal.closed:
                    break
                elif not await self._news():
                    await send(_part(b": heartbeat\n\n"))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._journal.detach(ticket)
            leaving.cancel()

    def _next(self) -> bytes:
        """The next part of the stream; empty where nothing has happened."""
        batch = self._journal.after(self._seq, self._part, _BATCH)
        self._seq = batch.seq
        return (self._notice(*batch.missed) if batch.missed is not None else b"") + b"".join(batch.parts)

    def _notice(self, first: int, last: int) -> bytes:
        if self._part is None:
            return f": skipped {first} to {last}\n\n".encode()
        return f"event: skipped\ndata: {json.dumps({'first': first, 'last': last})}\n\n".encode()

    async def _news(self) -> bool:
        """Waits for something to tell; False when a heartbeat is due first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._heartbeat_s):
                await self._woken.wait()
        return self._woken.is_set()


def _part(text: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": text, "more_body": True}


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
