"""A session as a stream of events: the client hears of every change, and asks nothing meanwhile."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from reactor_coordinator.board import Board, is_final
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_protocol.names import EVENT_STREAM


class SessionStream:
    """An ASGI answer: the session as it is now, again after every change, and its end once nothing more is to be waited for.

    With ``whole`` it ends with the session. It costs one suspended task and a few kilobytes, so that thousands may wait.
    """

    def __init__(self, board: Board, session: SessionRecord, worker: WorkerRecord | None, *, whole: bool = False) -> None:
        self._board = board
        self._session = session
        self._worker = worker
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch = self._board.watch(self._session.id, whole=self._whole)
        leaving = asyncio.ensure_future(_left(receive))
        leaving.add_done_callback(lambda _: watch.end())
        headers = [(b"content-type", EVENT_STREAM.encode()), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send(_part(self._board.greet(watch, self._session, self._worker)))
            if is_final(self._session, self._worker, whole=self._whole):
                watch.end()
            while (text := await watch.next()) is not None:
                if text:
                    await send(_part(text))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._board.unwatch(watch)
            leaving.cancel()


def _part(text: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": text, "more_body": True}


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
