"""A worker reports to its coordinators and carries out what they answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from typing import Final, Protocol

import aiohttp
from pydantic import ValidationError

from reactor_protocol.errors import ReactorException
from reactor_protocol.resources import Capabilities, WorkerOrders, WorkerReport
from reactor_rtc.scope import TaskScope
from reactor_runtime.descriptor import capabilities_of
from reactor_runtime.reporting import ANSWER_LIMIT_S, Exit, Reporting, StopSession, report_of
from reactor_runtime.runtime import TAKEN_AWAY, Runtime
from reactor_runtime.session import EndReason

logger = logging.getLogger(__name__)

LAST_REPORT_S: Final = 0.5
"""How long the end of a worker waits for its coordinator."""


class Reported(Protocol):
    """What is reported on."""

    def report(self) -> WorkerReport: ...

    def release(self, session_id: str) -> None: ...


class Unanswered(Exception):
    """A report was not taken. ``status`` is that of HTTP, None where there was no answer at all."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class ReportLine(Protocol):
    """The way to a coordinator. Raises :class:`Unanswered`."""

    async def send(self, coordinator: str, report: WorkerReport) -> WorkerOrders: ...


class HttpReportLine:
    """Reports over HTTP. The session may be shared: the secret goes with each request."""

    def __init__(self, worker_id: str, secret: str, http: aiohttp.ClientSession) -> None:
        self._path = f"/workers/{worker_id}/report"
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self._http = http

    async def send(self, coordinator: str, report: WorkerReport) -> WorkerOrders:
        body = report.model_dump_json(exclude_none=True).encode()
        limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
        try:
            # The secret goes to the coordinator that was named, and nowhere else.
            async with self._http.post(
                coordinator + self._path, data=body, headers=self._headers, timeout=limit, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise Unanswered(f"HTTP {response.status}", response.status)
                return WorkerOrders.model_validate_json(await response.read())
        except TimeoutError:
            raise Unanswered(f"no answer within {ANSWER_LIMIT_S:g} s") from None
        except aiohttp.ClientError as error:
            raise Unanswered(str(error) or type(error).__name__) from error
        except ValidationError:
            raise Unanswered("its answer makes no sense") from None


class Reporter:
    """Reports at once when something has changed, and as a heartbeat in between."""

    def __init__(self, plan: Reporting, worker: Reported, line: ReportLine) -> None:
        self._plan = plan
        self._worker = worker
        self._line = line
        self._news = asyncio.Event()
        self._trouble: str | None = None

    def changed(self) -> None:
        """Something that is reported may have changed."""
        self._news.set()

    async def run(self) -> str:
        """Reports until there is a reason for the worker to exit, and returns it."""
        while True:
            await self._until_due()
            for order in await self._report():
                match order:
                    case StopSession(session_id):
                        self._worker.release(session_id)
                    case Exit(reason):
                        return reason

    async def finish(self) -> None:
        """Says the last word, if it has not been said and a coordinator takes it in time. Call it once :meth:`run` is over."""
        if self._plan.is_told(self._worker.report()):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_REPORT_S):
                await self._report()

    async def _until_due(self) -> None:
        while True:
            self._news.clear()
            self._plan.note(self._worker.report(), time.monotonic())
            wait = self._plan.next_deadline() - time.monotonic()
            if wait <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()

    async def _report(self) -> list[StopSession | Exit]:
        report = self._worker.report()
        coordinator = self._plan.begin(report)
        try:
            orders = await self._line.send(coordinator, report)
        except Unanswered as error:
            self._note_trouble(f"{coordinator}: {error}")
            return self._plan.failed(error.status, time.monotonic())
        if self._trouble is not None:
            self._trouble = None
            logger.info("the coordinator %s answers again", coordinator)
        return self._plan.answered(orders, time.monotonic())

    def _note_trouble(self, trouble: str) -> None:
        if self._trouble is None:
            logger.warning("a report was not taken, and is repeated: %s", trouble)
        self._trouble = trouble


class RuntimeWorker:
    """A runtime as its coordinator sees it. ``port`` is where it listens."""

    def __init__(self, runtime: Runtime, port: int) -> None:
        self._runtime = runtime
        self._port = port
        self._scope = TaskScope("worker")
        self._capabilities: Capabilities | None = None

    def report(self) -> WorkerReport:
        """What is so now."""
        if self._capabilities is None and self._runtime.model is not None:
            self._capabilities = capabilities_of(self._runtime.model)
        return report_of(self._runtime.table, self._port, os.getpid(), self._capabilities)

    def release(self, session_id: str) -> None:
        """Ends a session that the coordinator has given to somebody else, or ended; reports go on meanwhile."""
        table = self._runtime.table
        if table.running and table.session_id == session_id:
            self._scope.start(self._end_session(), f"end-session {session_id}")

    async def _end_session(self) -> None:
        try:
            await self._runtime.stop_session(EndReason.EVICTED, TAKEN_AWAY)
        except ReactorException as error:
            logger.warning("the session was not ended: %s", error)

    async def close(self) -> None:
        """Ends what is under way."""
        await self._scope.close()
