"""The composition root of the runtime: builds everything, serves it, and ends it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from reactor_rtc.wrtc_peer import make_peer
from reactor_runtime.app import build_app
from reactor_runtime.config import ConfigError, Manifest, Settings, read_manifest, read_settings
from reactor_runtime.logs import configure_logging
from reactor_runtime.runtime import Runtime

logger = logging.getLogger(__name__)

_HTTP_GRACE_S = 1
_SWITCH_INTERVAL_S = 0.0005


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the runtime tells its clients first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(manifest: Manifest, settings: Settings, on_ready: Callable[[str], None] | None = None) -> None:
    """Serves a model until SIGINT or SIGTERM. ``on_ready`` is told the address once it is bound."""
    listener = _bind(settings)
    runtime = Runtime(manifest, settings, make_peer)
    config = uvicorn.Config(
        build_app(runtime), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_HTTP_GRACE_S
    )
    server = _Server(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runtime.start()
    serving = loop.create_task(server.serve(sockets=[listener]))
    try:
        if on_ready is not None:
            on_ready(_address(listener))
        await stop.wait()
        logger.info("shutting down")
    finally:
        await runtime.close()
        server.should_exit = True
        await serving


def _bind(settings: Settings) -> socket.socket:
    """Listens at once, so that a client which comes before uvicorn does waits instead of failing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=256)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {reason}; stop whatever listens there, or give another --port"
        ) from error
    # asyncio sets it only where it made the socket itself; without it an answer waits 40 ms for the client's delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{shown}:{port}"


def run(path: Path, settings: Settings, on_ready: Callable[[str], None] | None = None) -> None:
    """Serves the model that ``path/reactor.yaml`` names; returns after SIGINT or SIGTERM."""
    # The model's thread computes; the loop that moves frames and commands must not wait 5 ms for the interpreter lock.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    manifest = read_manifest(path)
    configure_logging(settings.log_level, settings.log_format)
    asyncio.run(serve(manifest, settings, on_ready))


def main() -> None:
    """``python -m reactor_runtime.serve``: the model in the working directory, settings from the environment."""
    try:
        run(Path.cwd(), read_settings())
    except ConfigError as error:
        raise SystemExit(f"reactor: {error}") from None


if __name__ == "__main__":
    main()
