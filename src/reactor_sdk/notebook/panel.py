"""A client on a page of a notebook: what it shows goes out, what the user does there comes in. Knows no widget library."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reactor_protocol.errors import InvalidArgumentError, InvalidStateError, ReactorException
from reactor_protocol.lifecycles import ReactorStatus
from reactor_rtc.scope import TaskScope
from reactor_sdk.frames import FrameFeed
from reactor_sdk.notebook.documents import document_of, unwrapped
from reactor_sdk.notebook.gate import FrameGate
from reactor_sdk.notebook.page_uploads import PageUploads, announced
from reactor_sdk.notebook.pictures import jpeg
from reactor_sdk.stats import MAIN_VIDEO
from reactor_sdk.types import MessageScope, ReactorError, ReactorEvent

if TYPE_CHECKING:
    from reactor_sdk.reactor import Reactor

Send: TypeAlias = Callable[[dict[str, Any], list[bytes]], None]
"""Sends a message to every page that shows the panel: JSON, and binary parts."""

MAX_FPS: Final = 30.0
MAX_WAITING: Final = 32
"""Commands and uploads that are under way."""
SCHEMA_LIMIT_S: Final = 5.0
"""For how long a server may take to tell its schema document, before the page gets what the session says of the commands."""


@dataclass(frozen=True, slots=True)
class PanelOptions:
    """What the page shows: ``track`` (None: the main video), at most ``fps`` pictures a second and ``max_width`` pixels wide.

    Raises :class:`InvalidArgumentError` for a rate or a width that makes no sense.
    """

    track: str | None = None
    fps: float = 15.0
    max_width: int = 960

    def __post_init__(self) -> None:
        if not 0 < self.fps <= MAX_FPS:
            raise InvalidArgumentError(f"fps is above 0 and at most {MAX_FPS:g}, got {self.fps!r}")
        if not 16 <= self.max_width <= 4096:
            raise InvalidArgumentError(f"max_width is 16 to 4096 pixels, got {self.max_width!r}")


class Panel:
    """One client's panel. Lives on the client's event loop, as long as :meth:`close` is not called."""

    def __init__(self, reactor: Reactor, feed: FrameFeed, title: str, send: Send, options: PanelOptions) -> None:
        self._reactor = reactor
        self._feed = feed
        self._title = title
        self._send = send
        self._track = options.track
        self._schema: dict[str, Any] | None = None
        self._makeshift = False
        self._uploads = PageUploads()
        self._pictures = _Pictures(options)
        self._work = _Work(send)
        for event, handler in self._handlers().items():
            reactor.on(event, handler)
        if reactor.get_status() is ReactorStatus.READY:
            self._begin()

    def _handlers(self) -> dict[ReactorEvent, Callable[[Any], None]]:
        return {
            "status_changed": self._status_changed,
            "capabilities_received": self._changed,
            "queue_changed": self._changed,
            "error": self._failed,
            "runtime_message": self._told,
        }

    async def close(self) -> None:
        """Hears and sends nothing more; what was under way is given up."""
        for event, handler in self._handlers().items():
            self._reactor.off(event, handler)
        await self._pictures.stop()
        await self._work.close()

    # ------------------------------------------------------------------------------------------------- the client

    def _status_changed(self, status: ReactorStatus) -> None:
        self._changed(status)
        if status is ReactorStatus.READY:
            self._begin()
        else:
            self._pictures.halt()

    def _begin(self) -> None:
        self._show()
        self._work.start(self._learn(), "schema")

    def _changed(self, _what: object) -> None:
        self._send(self._state(), [])

    def _failed(self, error: ReactorError) -> None:
        self._send({"type": "error", "code": error.code, "message": error.message}, [])

    def _told(self, message: dict[str, Any]) -> None:
        if message["type"] == "modelSchema":
            self._build(message["data"], makeshift=False)

    def _build(self, schema: dict[str, Any], *, makeshift: bool) -> None:
        self._schema, self._makeshift = schema, makeshift
        self._send({"type": "schema", "schema": schema}, [])

    async def _learn(self) -> None:
        """Asks for the schema document, whose answer is a message of its own."""
        self._schema = None
        with suppress(ReactorException):
            await self._reactor.send_command("requestSchema", {}, MessageScope.RUNTIME)
        await asyncio.sleep(SCHEMA_LIMIT_S)
        offered = self._reactor.get_capabilities()
        if self._schema is None and offered is not None:
            self._build(document_of(offered), makeshift=True)

    def _state(self) -> dict[str, Any]:
        place = self._reactor.get_queue()
        return {
            "type": "state",
            "title": self._title,
            "status": str(self._reactor.get_status()),
            "queue": None if place is None else {"position": place.position, "waiting": place.waiting},
            "tracks": self._videos(),
            "track": self._shown(),
        }

    def _videos(self) -> list[str]:
        offered = self._reactor.get_capabilities()
        tracks = offered["tracks"] if offered is not None else []
        return [track["name"] for track in tracks if track["kind"] == "video" and track["direction"] == "recvonly"]

    def _shown(self) -> str | None:
        videos = self._videos()
        if self._track in videos:
            return self._track
        return MAIN_VIDEO if MAIN_VIDEO in videos else next(iter(videos), None)

    def _show(self) -> None:
        name = self._shown()
        if name is not None and self._reactor.get_status() is ReactorStatus.READY:
            self._pictures.show(self._feed, name, self._picture)

    def _picture(self, number: int, size: tuple[int, int], data: bytes) -> None:
        newest = self._reactor.stats_history()[-1:]
        figures = {
            "rtt": newest[0].rtt if newest else None,
            "fps": newest[0].frames_per_second if newest else None,
            "bitrate": newest[0].bitrate if newest else None,
        }
        self._send({"type": "frame", "number": number, "width": size[0], "height": size[1], "figures": figures}, [data])

    # --------------------------------------------------------------------------------------------------- the page

    def receive(self, content: object, parts: Sequence[bytes | memoryview] = ()) -> None:
        """Takes a message of a page; one that makes no sense is ignored."""
        match content:
            case {"type": "hello"}:
                self._welcome()
            case {"type": "drawn", "number": int(number)}:
                self._pictures.drawn(number)
            case {"type": "track", "name": str(name)} if name in self._videos():
                self._track = name
                self._changed(name)
                self._show()
            case {"type": "command", "id": int(number), "name": str(name), "data": dict(data)}:
                self._work.answer(number, self._command(name, data))
            case {"type": "upload", "id": int(number), "key": str(key)}:
                self._work.answer(number, self._upload(key, content, parts[0] if parts else b""))
            case _:
                pass

    def _welcome(self) -> None:
        self._send(self._state(), [])
        if (error := self._reactor.get_last_error()) is not None and self._reactor.get_status() is not ReactorStatus.READY:
            self._failed(error)
        if self._schema is not None:
            self._send({"type": "schema", "schema": self._schema}, [])
        self._pictures.opened()
        self._show()

    async def _command(self, name: str, data: dict[str, Any]) -> dict[str, Any] | None:
        told = unwrapped(self._reactor.get_capabilities(), name, data) if self._makeshift else data
        return await self._reactor.send_command(name, self._uploads.resolved(told))

    async def _upload(self, key: str, told: object, part: bytes | memoryview) -> dict[str, Any] | None:
        file = self._uploads.take(key, announced(told), part)
        if not file.complete:
            return None
        sent = await self._reactor.upload_file(file.content, name=file.name or None, mime_type=file.mime_type or None)
        self._uploads.uploaded(sent)
        return asdict(sent)


class _Pictures:
    """Sends the newest picture of a track whenever the page is ready for one."""

    def __init__(self, options: PanelOptions) -> None:
        self._gate = FrameGate(options.fps)
        self._max_width = options.max_width
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._scope = TaskScope("reactor.pictures")

    def opened(self) -> None:
        self._gate.opened()
        self._wake.set()

    def drawn(self, number: int) -> None:
        self._gate.drawn(number)
        self._wake.set()

    def show(self, feed: FrameFeed, name: str, send: Callable[[int, tuple[int, int], bytes], None]) -> None:
        """Shows that track from now on, beginning with the picture that is there."""
        self.halt()
        self._task = self._scope.start(self._pump(feed, name, send), name)

    def halt(self) -> None:
        """Shows nothing."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def stop(self) -> None:
        await self._scope.close()

    async def _pump(self, feed: FrameFeed, name: str, send: Callable[[int, tuple[int, int], bytes], None]) -> None:
        outlet = feed.subscribe(name)
        while True:
            await self._ready()
            frame = await outlet.get()
            if frame is None:
                return
            data = await asyncio.to_thread(jpeg, frame, self._max_width)
            send(self._gate.sent(time.monotonic()), (frame.width, frame.height), data)

    async def _ready(self) -> None:
        while (pause := self._gate.wait(time.monotonic())) != 0.0:
            if pause is not None:
                await asyncio.sleep(pause)
                continue
            self._wake.clear()
            await self._wake.wait()


class _Work:
    """What the page has asked for and waits for, within a bound. Every request gets one answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting = 0
        self._scope = TaskScope("reactor.panel")

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._scope.start(work, name)

    def answer(self, number: int, work: Coroutine[Any, Any, dict[str, Any] | None]) -> None:
        """Does the work and tells the page how it ended, under the number that it gave."""
        if self._waiting >= MAX_WAITING:
            work.close()
            self._refuse(number, InvalidStateError(f"{MAX_WAITING} commands of this page wait for an answer"))
            return
        self._waiting += 1
        self._scope.start(self._answered(number, work), "answer")

    async def _answered(self, number: int, work: Coroutine[Any, Any, dict[str, Any] | None]) -> None:
        try:
            reply = await work
        except ReactorException as error:
            self._refuse(number, error)
        except Exception as error:
            self._refuse(number, ReactorException(f"{type(error).__name__} in the notebook's kernel: see its log"))
            raise
        else:
            self._send({"type": "answer", "id": number, "reply": reply}, [])
        finally:
            self._waiting -= 1

    def _refuse(self, number: int, error: ReactorException) -> None:
        self._send({"type": "answer", "id": number, "error": {"code": error.code, "message": str(error)}}, [])

    async def close(self) -> None:
        await self._scope.close()
