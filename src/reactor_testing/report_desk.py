"""ReportDesk: a coordinator of which there is nothing but the desk that workers report to, for tests of workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web

from reactor_protocol.resources import WorkerOrders, WorkerReport

DEADLINE_S = 40.0


@dataclass(frozen=True, slots=True)
class Received:
    """A report, who sent it, and with which header ``Authorization``."""

    worker_id: str
    authorization: str | None
    report: WorkerReport


class ReportDesk:
    """Takes reports at ``POST /workers/{id}/report`` on 127.0.0.1, and hands out files at ``GET /files/{name}``.

    ``orders`` is the answer to every report, unless ``status`` is another one than 200 or ``hangs`` is set. ``files`` are the
    bytes by name, 404 where there are none; ``fetched`` are the name and the headers of every request for one. ``port`` 0 is any.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.reports: list[Received] = []
        self.orders = WorkerOrders(interval_s=0.2)
        self.status = 200
        self.hangs = False
        self.files: dict[str, bytes] = {}
        self.fetched: list[tuple[str, dict[str, str]]] = []
        self.url = ""
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/workers/{id}/report", self._report)
        app.router.add_get("/files/{name}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def last(self) -> WorkerReport:
        """The newest report."""
        return self.reports[-1].report

    async def until(self, condition: Callable[[WorkerReport], object], seconds: float = DEADLINE_S) -> WorkerReport:
        """The newest report, as soon as it is as wanted. Raises TimeoutError, which says what the last one was."""
        try:
            async with asyncio.timeout(seconds):
                while not (self.reports and condition(self.last)):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"the last of {len(self.reports)} reports: {self.reports[-1:]}") from None
        return self.last

    async def _report(self, request: web.Request) -> web.Response:
        report = WorkerReport.model_validate_json(await request.read())
        self.reports.append(Received(request.match_info["id"], request.headers.get("Authorization"), report))
        self._changed.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.status != 200:
            return web.json_response({"code": "REFUSED", "message": "told to refuse"}, status=self.status)
        return web.json_response(self.orders.model_dump(exclude_none=True))

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.fetched.append((name, dict(request.headers)))
        self._changed.set()
        if name not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[name])
