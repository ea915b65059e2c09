"""A whole runtime in this process, asked over TCP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import uvicorn
from tests.reactor_runtime.runtime_support import House, opened

from reactor_http.listen import Server, bind
from reactor_rtc.port import PeerFactory
from reactor_runtime.app import build_app
from reactor_runtime.config import Settings


@contextlib.asynccontextmanager
async def served(settings: Settings | None = None, factory: PeerFactory | None = None) -> AsyncIterator[House]:
    """A runtime whose routes are asked over TCP."""
    async with opened(settings=settings, factory=factory) as house:
        listener = bind("127.0.0.1", 0)
        server = Server(uvicorn.Config(build_app(house.runtime), log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        limits = httpx.Limits(max_connections=20)
        async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as http:
            house.http = http
            await house.start()
            try:
                yield house
            finally:
                server.should_exit = True
                await serving
