"""A whole runtime in this process, with its HTTP routes and a factory of peers."""

import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_protocol.lifecycles import RuntimeState
from reactor_protocol.names import NIL_SESSION_ID
from reactor_rtc.port import PeerFactory
from reactor_runtime.app import build_app
from reactor_runtime.config import Manifest, Settings
from reactor_runtime.runtime import Runtime
from reactor_testing.fake_peer import FakeNetwork

MODELS = Path(__file__).parent / "models"
STUDIO = Manifest(MODELS, "studio_model:Studio", "studio", None)


@dataclass
class House:
    """A runtime and the way to it."""

    runtime: Runtime
    http: httpx.AsyncClient
    factory: PeerFactory

    @property
    def root(self) -> str:
        return f"/sessions/{NIL_SESSION_ID}/transport/webrtc"

    def visitor(self, *, legacy: bool = False) -> Visitor:
        return Visitor(self.http, self.factory, legacy=legacy)

    async def start(self) -> None:
        response = await self.http.post("/start_session")
        assert response.status_code == 200, response.text

    async def welcome(self) -> Visitor:
        """A client that has joined the session."""
        visitor = self.visitor()
        await visitor.connect()
        return visitor

    async def until(self, state: str) -> None:
        async def reached() -> bool:
            return self.runtime.table.state == RuntimeState(state)

        await poll(reached)


@contextlib.asynccontextmanager
async def opened(
    manifest: Manifest = STUDIO, settings: Settings | None = None, factory: PeerFactory | None = None, *, wait_for: str = "ready"
) -> AsyncIterator[House]:
    """The runtime of a model, once it has reached a state."""
    factory = factory or FakeNetwork().make_peer
    path = list(sys.path)
    runtime = Runtime(manifest, settings or Settings(), factory)
    transport = httpx.ASGITransport(build_app(runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://runtime:8080") as http:
        house = House(runtime, http, factory)
        runtime.start()
        try:
            await house.until(wait_for)
            yield house
        finally:
            await runtime.close()
            sys.path[:] = path
