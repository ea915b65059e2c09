"""The composition root of the coordinator: builds everything, serves it, and ends it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvicorn
from sqlalchemy.ext.asyncio import AsyncConnection

from reactor_coordinator.app import build_app
from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Board
from reactor_coordinator.callers import Doorkeeper
from reactor_coordinator.clock import SteadyClock
from reactor_coordinator.config import CloudConfig
from reactor_coordinator.control import Control
from reactor_coordinator.crew import Crew
from reactor_coordinator.intake import Intake
from reactor_coordinator.keys import NewKey, new_key
from reactor_coordinator.limits import RateLimiter
from reactor_coordinator.metrics import Metrics
from reactor_coordinator.pools.factory import make_pool
from reactor_coordinator.pools.port import Pool
from reactor_coordinator.records import Key, SessionRecord, WorkerRecord
from reactor_coordinator.reports import Reports
from reactor_coordinator.service import Service
from reactor_coordinator.steward import Steward, Tools
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_coordinator.store.database import Database
from reactor_coordinator.store.migrate import migrate
from reactor_coordinator.tokens import Signer, new_signing_key
from reactor_coordinator.uploads import Uploads, check_store
from reactor_coordinator.worker_client import WorkerClient
from reactor_http.listen import Server, address, bind
from reactor_http.signals import when_asked_to_end
from reactor_protocol.errors import ReactorException
from reactor_protocol.lifecycles import SESSION_PLACED, WorkerState
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

SHUTTING_DOWN: Final = "the coordinator was stopped"
_HTTP_GRACE_S: Final = 1
_SWEEP_S: Final = 60.0
_DAY_S: Final = 86_400.0


@dataclass(slots=True)
class Coordinator:
    """One coordinator, built and not yet begun; :meth:`open` begins it, :meth:`close` ends it."""

    config: CloudConfig
    database: Database
    service: Service
    control: Control
    steward: Steward
    crew: Crew
    pool: Pool
    _scope: TaskScope = field(default_factory=lambda: TaskScope("coordinator"))

    async def open(self, urls: list[str]) -> None:
        """Begins to look after the house. ``urls`` are where workers reach it."""
        self.crew.urls = self.config.internal_urls or urls
        self.service.uploads.base_url = self.crew.urls[0]
        await self.pool.open()
        self.service.bell.start()
        self._scope.start(self.control.run(self.config.limits, self.service.clock), "control")
        self._scope.start(self._sweep(), "sweep")

    async def _sweep(self) -> None:
        """Forgets what is over, once in a while."""
        while True:
            try:
                if self.control.leads:
                    await self.service.uploads.sweep()
                    before = self.service.clock() - self.config.limits.closed_session_days * _DAY_S
                    await self.database.write(_forget, before)
            except ReactorException as error:
                logger.warning("what is over could not be forgotten: %s", error)
            await asyncio.sleep(_SWEEP_S)

    async def drain(self, limit_s: float) -> None:
        """Takes no new sessions, and waits until the running ones have ended or ``limit_s`` seconds have passed.

        Where other coordinators share the house, they go on with the running ones, and nothing is waited for.
        """
        self.service.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.database.is_sqlite and self._placed():
                    await self.service.board.shown()

    def _placed(self) -> int:
        return sum(session.state in SESSION_PLACED for session in self.service.board.snapshot.sessions.values())

    async def end_everything(self) -> None:
        """Ends all sessions, telling their clients, and stops all workers."""
        await self._rest()
        now = self.service.clock()

        async def end(connection: AsyncConnection) -> list[WorkerRecord]:
            for session in await session_rows.all_open(connection):
                await session_rows.close(connection, session.id, SHUTTING_DOWN, now)
            return await worker_rows.alive(connection)

        workers = await self.database.write(end)
        await asyncio.gather(*(self.steward.tell_over(worker, SHUTTING_DOWN) for worker in workers if worker.session_id))
        ids = [worker.id for worker in workers]
        await self.crew.stop_all(ids)
        await self.database.write(_stopped, ids)
        await self.service.uploads.sweep()

    async def _rest(self) -> None:
        """Decides nothing any more, and lets what has been begun come to its end."""
        self.service.draining = True
        await self._scope.close()
        await self.crew.settle()

    async def stop_idle(self) -> None:
        """Stops the workers that run no session; the others go on, for the next coordinator."""
        await self._rest()
        alive = await self.database.read(worker_rows.alive)
        idle = [worker.id for worker in alive if worker.state is not WorkerState.BUSY]
        await self.crew.stop_all(idle)
        await self.database.write(_stopped, idle)

    async def close(self) -> None:
        """Lets go of everything. Workers that run a session run on."""
        await self._scope.close()
        try:
            await self.control.resign()
        except ReactorException as error:
            logger.warning("the lease was not given back: %s", error)
        await self.steward.close()
        await self.crew.close()
        await self.service.intake.close()
        await self.service.bell.close()
        await self.service.client.close()
        await self.database.close()


async def _forget(connection: AsyncConnection, before: float) -> None:
    await session_rows.forget_closed(connection, before)
    await worker_rows.forget_gone(connection, before)


async def _stopped(connection: AsyncConnection, worker_ids: list[str]) -> None:
    for worker_id in worker_ids:
        await worker_rows.stopped(connection, worker_id)


async def build(config: CloudConfig, pool: Pool) -> Coordinator:
    """Everything of one coordinator. Brings the database to the present schema."""
    await check_store(config.uploads)
    database = Database(config.database)
    await migrate(database)
    clock = SteadyClock(await database.now())
    signer = Signer(await _signing_key(database, clock()), clock)
    bell, board = Bell(database), Board(config.cluster)
    metrics = Metrics(board)
    client = WorkerClient(signer)
    limits = config.limits
    uploads = Uploads(config.uploads, database, signer, limits, clock)
    reports = Reports(database, bell, board, clock)
    intake = Intake(database, bell, board, limits, clock)

    def on_started(session: SessionRecord, waited_s: float) -> None:
        metrics.queue_wait_seconds.labels(session.model).observe(max(0.0, waited_s))
        metrics.placements.labels(session.model).inc()

    steward = Steward(Tools(config, database, bell, client, uploads, clock), on_started)
    crew = Crew(config, pool, database, bell, signer, clock)
    control = Control(database, bell, board, reports, steward, crew)
    intake.estimates = control.outlook.estimates
    doorkeeper = Doorkeeper(database, signer, RateLimiter(limits.requests_per_second, limits.request_burst), clock)
    service = Service(config, database, bell, board, signer, doorkeeper, intake, reports, uploads, client, metrics, clock)
    return Coordinator(config, database, service, control, steward, crew, pool)


async def _signing_key(database: Database, now: float) -> str:
    """The key that all coordinators of a database sign with; the first of them makes it."""
    made = new_signing_key()

    async def work(connection: AsyncConnection) -> str:
        known = await key_rows.signing_pem(connection)
        if known is None:
            await key_rows.add_signing_pem(connection, made, now)
        return known or made

    return await database.write(work)


async def first_key(database: Database, now: float) -> NewKey | None:
    """A key for a house that has none."""
    made = new_key(Key(id="", name="first", prefix="", digest="", created_at=now))

    async def work(connection: AsyncConnection) -> NewKey | None:
        if await key_rows.count(connection):
            return None
        await key_rows.add(connection, made.record)
        return made

    return await database.write(work)


def state_folder(config: CloudConfig) -> Path:
    """Where logs of workers are kept: beside the database, or in the working directory."""
    if config.database.startswith("sqlite:///"):
        return Path(config.database.removeprefix("sqlite:///")).parent
    return Path(".reactor").resolve()


async def serve(config: CloudConfig, on_ready: Callable[[str, NewKey | None], None]) -> None:
    """Serves until SIGINT, which ends all sessions and workers, or SIGTERM, which lets them come to their end.

    ``on_ready`` is told the address, and the first API key where one had to be made.
    """
    listener = bind(config.host, config.port)
    url = address(listener)
    if config.pool.kind == "ray" and not config.internal_urls:
        logger.warning("internal_urls is not set: workers on other machines cannot reach this coordinator at %s", url)
    pool = make_pool(config.pool, state_folder(config), len(config.models))
    coordinator = await build(config, pool)
    server = Server(
        uvicorn.Config(
            build_app(coordinator.service),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_HTTP_GRACE_S,
        )
    )
    loop = asyncio.get_running_loop()
    asked: asyncio.Queue[signal.Signals] = asyncio.Queue()
    when_asked_to_end(asked.put_nowait)
    serving = loop.create_task(server.serve(sockets=[listener]))
    try:
        await coordinator.open([url])
        # What is there by now stays: the collector need not look through it while clients wait.
        gc.collect()
        gc.freeze()
        on_ready(url, await first_key(coordinator.database, coordinator.service.clock()))
        _search_less_for_garbage()
        await _until_asked(coordinator, asked)
    finally:
        server.should_exit = True
        await serving
        await coordinator.close()


def _search_less_for_garbage() -> None:
    """What is here by now stays, and thousands of waiting clients are no garbage: searching them over and over costs a third."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _until_asked(coordinator: Coordinator, asked: asyncio.Queue[signal.Signals]) -> None:
    """Waits for a signal and does what it asks for. A second one ends the waiting at once."""
    first = await asked.get()
    if first is signal.SIGTERM:
        logger.info("draining: no new sessions, and %g s for those that run", coordinator.config.limits.drain_seconds)
        draining = asyncio.ensure_future(coordinator.drain(coordinator.config.limits.drain_seconds))
        again = asyncio.ensure_future(asked.get())
        await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        again.cancel()
        if coordinator.database.is_sqlite:
            await coordinator.stop_idle()
        return
    logger.info("stopping: all sessions end")
    if coordinator.database.is_sqlite:
        await coordinator.end_everything()
