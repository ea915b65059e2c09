"""The composition root of the runtime: builds everything, serves it, and ends it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import uvicorn

from reactor_http.listen import Server, address, bind
from reactor_http.signals import when_asked_to_end
from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.engine import video_codecs
from reactor_rtc.peer_proxy import make_peer
from reactor_runtime.app import build_app
from reactor_runtime.config import Manifest, Settings, WorkerSettings, read_manifest, read_settings, with_manifest
from reactor_runtime.fetching import HttpFetcher
from reactor_runtime.logs import configure_logging
from reactor_runtime.quality import CODECS, with_codecs_of
from reactor_runtime.reporting import Reporting
from reactor_runtime.runtime import Runtime
from reactor_runtime.worker import HttpReportLine, Reporter, RuntimeWorker

logger = logging.getLogger(__name__)

_HTTP_GRACE_S = 1
_SWITCH_INTERVAL_S = 0.0005


async def serve(manifest: Manifest, settings: Settings, on_ready: Callable[[str], None] | None = None) -> None:
    """Serves a model until SIGINT or SIGTERM, or until a worker's coordinator has no more use for it.

    ``on_ready`` is told the address once it is bound.
    """
    listener = bind(settings.host, settings.port)
    stop = asyncio.Event()
    when_asked_to_end(lambda _number: stop.set())
    async with contextlib.AsyncExitStack() as stack:
        runtime = await _runtime(manifest, settings, stack)
        await stack.enter_async_context(_listening(runtime, listener))
        runtime.start()
        if settings.worker is not None:
            await stack.enter_async_context(_reporting(runtime, settings.worker, listener.getsockname()[1], stop))
        # Left first: clients are told before the server ends, and while a worker's coordinator still hears of it.
        stack.push_async_callback(runtime.close)
        if on_ready is not None:
            on_ready(address(listener))
        await stop.wait()
        logger.info("shutting down")


async def _runtime(manifest: Manifest, settings: Settings, stack: contextlib.AsyncExitStack) -> Runtime:
    if settings.worker is None:
        return Runtime(manifest, settings, make_peer)
    http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    return Runtime(manifest, settings, make_peer, HttpFetcher(http))


@contextlib.asynccontextmanager
async def _listening(runtime: Runtime, listener: socket.socket) -> AsyncIterator[None]:
    """Answers requests; at the end those under way have a second."""
    config = uvicorn.Config(
        build_app(runtime), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_HTTP_GRACE_S
    )
    server = Server(config)
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def _reporting(runtime: Runtime, settings: WorkerSettings, port: int, stop: asyncio.Event) -> AsyncIterator[None]:
    """Reports to the coordinators. When there is nothing more to report for, ``stop`` is set."""
    worker = RuntimeWorker(runtime, port)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        plan = Reporting(settings.coordinators, settings.patience, time.monotonic())
        reporter = Reporter(plan, worker, HttpReportLine(settings.id, settings.secret, http))
        runtime.on_change = reporter.changed
        reports = asyncio.get_running_loop().create_task(_report(reporter), name="reports")
        reports.add_done_callback(lambda _: stop.set())
        try:
            yield
        finally:
            reports.cancel()
            await asyncio.wait({reports})
            await worker.close()
            await reporter.finish()
        if not reports.cancelled():
            reports.result()


async def _report(reporter: Reporter) -> None:
    logger.info("this worker exits: %s", await reporter.run())


def run(path: Path, settings: Settings, on_ready: Callable[[str], None] | None = None) -> None:
    """Serves the model that ``path/reactor.yaml`` names; returns after SIGINT or SIGTERM."""
    # The model's thread computes; the loop that moves frames and commands must not wait 5 ms for the interpreter lock.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    configure_logging(settings.log_level, settings.log_format)
    manifest = read_manifest(path)
    settings = with_manifest(settings, manifest)
    if settings.model.isolate and os.name != "posix":
        logger.warning("on this system the model runs in the process of the server: a crash ends both")
        settings = replace(settings, model=replace(settings.model, isolate=False))
    if settings.peer.video_codecs != CODECS:
        peer, missing = with_codecs_of(settings.peer, video_codecs())
        settings = replace(settings, peer=peer)
        if missing:
            logger.warning("this WebRTC engine has no %s: left out of the codecs", ", ".join(missing))
    asyncio.run(serve(manifest, settings, on_ready))


def main() -> None:
    """``python -m reactor_runtime.serve``: the model in the working directory, settings from the environment."""
    try:
        run(Path.cwd(), read_settings())
    except InvalidArgumentError as error:
        raise SystemExit(f"reactor: {error}") from None


if __name__ == "__main__":
    main()
