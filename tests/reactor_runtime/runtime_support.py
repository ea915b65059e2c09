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
from reactor_runtime.config import Manifest, Settings, WorkerSettings
from reactor_runtime.fetching import Fetcher
from reactor_runtime.runtime import Runtime
from reactor_testing.fake_peer import FakeNetwork

MODELS = Path(__file__).parent / "models"
STUDIO = Manifest(MODELS, "studio_model:Studio", "studio", None)
WORKER = Settings(worker=WorkerSettings("w-1", "hunter2", ("http://coordinator:8090",)))


@dataclass
class House:
    """A runtime and the way to it."""

    runtime: Runtime
    http: httpx.AsyncClient
    factory: PeerFactory

    @property
    def root(self) -> str:
        session_id = self.runtime.table.session_id if self.runtime.settings.worker is not None else None
        return f"/sessions/{session_id or NIL_SESSION_ID}/transport/webrtc"

    def visitor(self, *, legacy: bool = False) -> Visitor:
        visitor = Visitor(self.http, self.factory, legacy=legacy)
        visitor.root = self.root
        return visitor

    async def start(self, session_id: str | None = None) -> None:
        response = await self.http.post("/start_session", json={} if session_id is None else {"session_id": session_id})
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
    manifest: Manifest = STUDIO,
    settings: Settings | None = None,
    factory: PeerFactory | None = None,
    *,
    wait_for: str = "ready",
    fetcher: Fetcher | None = None,
) -> AsyncIterator[House]:
    """The runtime of a model, once it has reached a state. Requests to a worker carry its secret."""
    factory = factory or FakeNetwork().make_peer
    path = list(sys.path)
    settings = settings or Settings()
    runtime = Runtime(manifest, settings, factory, fetcher)
    transport = httpx.ASGITransport(build_app(runtime))
    headers = {"Authorization": f"Bearer {settings.worker.secret}"} if settings.worker is not None else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://runtime:8080", headers=headers) as http:
        house = House(runtime, http, factory)
        runtime.start()
        try:
            await house.until(wait_for)
            yield house
        finally:
            await runtime.close()
            sys.path[:] = path
