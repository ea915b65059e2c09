"""FakeWorker: one worker without a model. What it says and does is the real worker's; only the session is empty."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import aiohttp

from reactor_protocol.errors import ModelFailedError, ServerError
from reactor_protocol.lifecycles import RuntimeState
from reactor_protocol.names import EXTENSION_ACKS, FIRST_CONNECTION_ID
from reactor_protocol.resources import (
    Candidate,
    Capabilities,
    Notice,
    Offer,
    Track,
    UploadRequest,
    WorkerOrders,
    WorkerReport,
)
from reactor_rtc.scope import TaskScope
from reactor_runtime.fetching import HttpFetcher
from reactor_runtime.reporting import Reporting, report_of
from reactor_runtime.session import STOPPED, EndReason, SessionTable
from reactor_runtime.worker import HttpReportLine, Reporter

CAPABILITIES: Final = Capabilities(
    tracks=[Track(name="main_video", kind="video", direction="recvonly")], emission_fps=30.0, extensions={EXTENSION_ACKS: 1}
)
DEADLINE_S: Final = 40.0
FAKE_PID: Final = 4242


@dataclass(frozen=True, slots=True)
class WorkerKind:
    """What a worker is like.

    ``load_delay`` is in seconds; 0: loaded from the start, None: not before :meth:`FakeWorker.load`. With ``joins`` an offer
    opens a connection. ``patience`` is in seconds.
    """

    load_delay: float | None = 0.0
    joins: bool = False
    patience: float = 60.0
    capabilities: Capabilities = field(default_factory=lambda: CAPABILITIES)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker lives: its coordinators, the port of its server, and the HTTP client that it reports with."""

    coordinators: tuple[str, ...]
    port: int
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Asked:
    """What a worker was asked for, in order.

    ``stop_reasons`` stand beside ``stopped``, and ``moved`` are those of them that go on elsewhere. ``orders`` are the answers to
    reports.
    """

    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    stop_reasons: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    uploads: dict[str, UploadRequest] = field(default_factory=dict)
    orders: list[WorkerOrders] = field(default_factory=list)


class FakeWorker:
    """A worker. Its attributes may be read at any time; what changes it is a method."""

    def __init__(self, worker_id: str, secret: str, place: Place, kind: WorkerKind) -> None:
        self.id = worker_id
        self.kind = kind
        self.place = place
        self.asked = Asked()
        self.table = SessionTable(orphan_timeout=0)
        self.exited: str | None = None
        self._line = HttpReportLine(worker_id, secret, place.http)
        self._reports = _Reports()
        self._pretence = _Pretence()
        self._scope = TaskScope(f"fake worker {worker_id}")

    # ---------------------------------------------------------------------------------------------------- what it is

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.place.url

    @property
    def state(self) -> RuntimeState:
        """The state of its runtime."""
        return self.table.state

    @property
    def session_id(self) -> str | None:
        """The running session."""
        return self.table.session_id

    @property
    def dead(self) -> bool:
        """Whether it answers nobody any more."""
        return self._pretence.dead

    @property
    def started(self) -> list[str]:
        """The sessions that it was told to start and did."""
        return self.asked.started

    @property
    def stopped(self) -> list[str]:
        """The sessions that it was told to stop."""
        return self.asked.stopped

    @property
    def notices(self) -> list[Notice]:
        """What its clients were to be told."""
        return self.asked.notices

    @property
    def offers(self) -> list[Offer]:
        """The offers of clients."""
        return self.asked.offers

    async def until(self, condition: Callable[[], object], seconds: float = DEADLINE_S) -> None:
        """Returns once ``condition()`` is true; it is asked again after everything that happens here. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._reports.happened.clear()
                await self._reports.happened.wait()

    # ------------------------------------------------------------------------------------------- what it can be told

    def load(self) -> None:
        """The model is ready."""
        self.table.loaded()
        self.changed()

    def fail_load(self, message: str) -> None:
        """The model will never be ready."""
        self.table.load_failed(message)
        self.changed()

    def crash(self, message: str = "the model stopped: RuntimeError: boom") -> None:
        """The model crashes; the session, if any, ends with it."""
        if self.table.model_failed(message, time.monotonic()):
            self.table.cleaned_up()
        self.changed()

    def end_session(self, reason: str) -> None:
        """The session ends by itself, as one does that nobody is connected to."""
        self.table.stop(EndReason.TIMED_OUT, reason, time.monotonic())
        self._cleaned_up()

    def open_connection(self) -> int:
        """A client connects. Returns its number."""
        number = self.register()
        self.table.opened(number, time.monotonic())
        self.changed()
        return number

    def close_connection(self, number: int | None = None) -> None:
        """A client leaves; the newest where none is named."""
        self.table.closed(max(self.table.clients) if number is None else number, time.monotonic())
        self.changed()

    def fail_start(self, times: int = 1, status: int = 503) -> None:
        """The next ``times`` starts are refused with this status."""
        self._pretence.refusals.extend([status] * times)

    def lie(self, session_id: str | None) -> None:
        """Reports a session that it does not have; None: the truth again."""
        self._pretence.session_id = session_id
        self.changed()

    @property
    def silent(self) -> bool:
        """Whether it does not report; it answers all the same. May be set."""
        return self._reports.task is None

    @silent.setter
    def silent(self, silent: bool) -> None:
        if self._reports.task is not None:
            self._reports.task.cancel()
            self._reports.task = None
        if not silent and not self.dead:
            now = time.monotonic()
            self._reports.reporter = Reporter(Reporting(self.place.coordinators, self.kind.patience, now), self, self)
            self._reports.task = self._scope.start(self._run(self._reports.reporter), "reports")

    def die(self) -> None:
        """Neither answers nor reports any more, from now on."""
        self._pretence.dead = True
        self.silent = True
        self._reports.happened.set()

    async def fetch(self, upload_id: str) -> bytes:
        """The bytes of an upload from its source. Raises what :class:`reactor_runtime.fetching.Fetcher` raises."""
        source = self.asked.uploads[upload_id].source
        assert source is not None, f"the upload {upload_id} has no source"
        async with aclosing(HttpFetcher(self.place.http).fetch(source)) as parts:
            return b"".join([part async for part in parts])

    # -------------------------------------------------------------------------------------------- what its server calls

    def begin(self) -> None:
        """Begins to live."""
        self.silent = False
        if self.kind.load_delay == 0:
            self.load()
        elif self.kind.load_delay is not None:
            self._scope.start(self._load(self.kind.load_delay), "load")

    async def close(self) -> None:
        """Ends all."""
        await self._scope.close()

    def start(self, session_id: str) -> None:
        """Begins a session. Raises what the real worker raises, or what :meth:`fail_start` said."""
        if self._pretence.refusals:
            raise ServerError("told to fail", status=self._pretence.refusals.popleft())
        if self.state is RuntimeState.CREATED:
            raise ServerError("the model is loading", status=503, retry_after=1)
        if self.state is RuntimeState.TERMINATED:
            raise ModelFailedError(self.table.failure or "the model has stopped")
        if not (self.table.running and self.session_id == session_id):
            self.table.start(time.monotonic(), session_id)
            self.asked.started.append(session_id)
        self.changed()

    def stop(self, reason: str, *, moved: bool = False) -> None:
        """Ends the session. Raises :class:`ConflictError` when there is none."""
        session_id = self.session_id or ""
        self.table.stop(EndReason.EVICTED if moved else EndReason.STOPPED, reason or STOPPED, time.monotonic())
        self.asked.stopped.append(session_id)
        self.asked.stop_reasons.append(reason)
        if moved:
            self.asked.moved.append(session_id)
        self._cleaned_up()

    def register(self) -> int:
        """A connection id that nobody has."""
        return next(self._reports.numbers)

    def take_offer(self, connection_id: int, offer: Offer) -> None:
        """A client offers; where the kind says so, it is connected at once."""
        self.asked.offers.append(offer)
        self._reports.offered.add(connection_id)
        if self.kind.joins:
            self.table.opened(connection_id, time.monotonic())
        self.changed()

    def has_offer(self, connection_id: int) -> bool:
        """Whether there is an answer to give."""
        return connection_id in self._reports.offered

    def changed(self) -> None:
        """Something has happened."""
        self._reports.happened.set()
        if self._reports.reporter is not None:
            self._reports.reporter.changed()

    # ------------------------------------------------------------------------------------------ what its reporter calls

    def report(self) -> WorkerReport:
        """What it says of itself."""
        loaded = self.state not in (RuntimeState.CREATED, RuntimeState.TERMINATED)
        report = report_of(self.table, self.place.port, FAKE_PID, self.kind.capabilities if loaded else None)
        if self._pretence.session_id is None:
            return report
        return report.model_copy(update={"session_id": self._pretence.session_id, "state": str(RuntimeState.WAITING)})

    def release(self, session_id: str) -> None:
        """The coordinator takes the session away."""
        if self._pretence.session_id == session_id:
            self._pretence.session_id = None
        if self.table.running and self.session_id == session_id:
            self.stop("", moved=True)
        self.changed()

    async def send(self, coordinator: str, report: WorkerReport) -> WorkerOrders:
        """Reports, and remembers what was ordered."""
        orders = await self._line.send(coordinator, report)
        self.asked.orders.append(orders)
        self._reports.happened.set()
        return orders

    async def _run(self, reporter: Reporter) -> None:
        reason = await reporter.run()
        self.table.evicted(time.monotonic())
        await reporter.finish()
        self.exited = reason
        self._reports.task = None
        self.die()

    async def _load(self, delay: float) -> None:
        await asyncio.sleep(delay)
        self.load()

    def _cleaned_up(self) -> None:
        self.table.cleaned_up()
        self.asked.uploads.clear()
        self._reports.offered.clear()
        self.changed()


@dataclass(slots=True)
class _Pretence:
    """How a worker deviates from the truth."""

    dead: bool = False
    session_id: str | None = None
    refusals: deque[int] = field(default_factory=deque)


class _Reports:
    """The reports of a worker, who waits for something to happen to it, and the connection ids that it gave and answered."""

    def __init__(self) -> None:
        self.reporter: Reporter | None = None
        self.task: asyncio.Task[None] | None = None
        self.happened = asyncio.Event()
        self.numbers = count(FIRST_CONNECTION_ID)
        self.offered: set[int] = set()
