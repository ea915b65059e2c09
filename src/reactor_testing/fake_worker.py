"""FakeFleet and FakeWorker: workers without a model, for tests and benchmarks of coordinators.

    async with FakeFleet([coordinator_url]) as fleet:           # one listening port, hundreds of workers
        worker = fleet.add("w1", "its secret")                  # reports from now on
        await worker.until(lambda: worker.started == [session_id])
        worker.open_connection()                                # STREAMING, one connection
        worker.end_session("it has ended by itself")

What a worker is: ``id``, ``url``, ``state``, ``session_id``, ``dead``, ``exited`` (why it has exited, else None), ``silent``.

What it was asked for, in order: ``started`` and ``stopped`` (session ids), ``notices``, ``offers``; and in ``asked`` besides:
``stop_reasons`` (beside ``stopped``; "" where none was given), ``moved`` (those of them that were to go on elsewhere),
``candidates``, ``uploads`` (by id, of the running session) and ``orders`` (the answers to its reports).

What it can be told: ``die()`` (neither answers nor reports any more), ``silent = True`` (answers, but does not report),
``lie(session_id)``, ``fail_start(times, status)``, ``load()``, ``fail_load(message)``, ``crash(message)``,
``end_session(reason)``, ``open_connection()``, ``close_connection()``, ``await fetch(upload_id)``. ``WorkerKind`` says how it is
from the start: ``load_delay``, ``joins`` (an offer opens a connection), ``patience``, ``capabilities``.

Reports and sessions are the real worker's own (:mod:`reactor_runtime.reporting`, :mod:`reactor_runtime.session`), and
:mod:`reactor_testing.worker_conformance` holds the fake to the answers of the real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from reactor_testing.fake_worker_model import CAPABILITIES, FakeWorker, Place, WorkerKind
from reactor_testing.fake_worker_routes import FAKE_ANSWER, application

__all__ = ["CAPABILITIES", "FAKE_ANSWER", "FakeFleet", "FakeWorker", "WorkerKind"]


class FakeFleet:
    """Any number of workers behind one port of 127.0.0.1, as an async context manager. Each is known by its bearer secret."""

    def __init__(self, coordinators: Sequence[str]) -> None:
        self._coordinators = tuple(coordinators)
        self._by_secret: dict[str, FakeWorker] = {}
        self._place: Place | None = None
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(application(self._by_secret), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024).start()
        port = self._runner.addresses[0][1]
        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._place = Place(self._coordinators, port, http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self.workers:
            await worker.close()
        if self._place is not None:
            await self._place.http.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def workers(self) -> list[FakeWorker]:
        """All that were added, in order; the dead ones too."""
        return list(self._by_secret.values())

    @property
    def url(self) -> str:
        """Where all of them answer."""
        return self._entered().url

    @property
    def port(self) -> int:
        """The port of :attr:`url`."""
        return self._entered().port

    def add(
        self, worker_id: str, secret: str, kind: WorkerKind | None = None, *, coordinators: Sequence[str] | None = None
    ) -> FakeWorker:
        """A worker that reports from now on, to coordinators of its own where they are given.

        Raises ValueError for a secret that a living worker has.
        """
        known = self._by_secret.get(secret)
        if known is not None and not known.dead:
            raise ValueError(f"the worker {known.id} has that secret")
        place = self._entered()
        if coordinators is not None:
            place = replace(place, coordinators=tuple(coordinators))
        worker = FakeWorker(worker_id, secret, place, kind or WorkerKind())
        self._by_secret[secret] = worker
        worker.begin()
        return worker

    def _entered(self) -> Place:
        if self._place is None:
            raise RuntimeError("enter the fleet first: async with FakeFleet(...) as fleet")
        return self._place
