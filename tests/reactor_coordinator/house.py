"""A whole coordinator in this process: real database, real HTTP, and workers without a model."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from reactor_coordinator.app import build_app
from reactor_coordinator.board import Snapshot
from reactor_coordinator.config import CloudConfig, parse_config
from reactor_coordinator.keys import new_key
from reactor_coordinator.records import Key
from reactor_coordinator.serve import Coordinator, build
from reactor_coordinator.store import keys as key_rows
from reactor_http.listen import Server, address, bind
from reactor_protocol.names import EVENT_STREAM, HEADER_API_KEY
from reactor_testing.fake_pool import FakePool
from reactor_testing.fake_worker import FakeFleet, FakeWorker, WorkerKind

MODELS = Path(__file__).parent / "models"
DEADLINE_S = 40.0


@dataclass
class Answer:
    """What the coordinator answered."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class House:
    """A coordinator that serves, and the way to it."""

    coordinator: Coordinator
    url: str
    pool: FakePool
    http: aiohttp.ClientSession
    _stop: list[Any] = field(default_factory=list)

    async def key(self, **properties: Any) -> str:
        """A new API key."""
        made = new_key(Key(id="", name="test", prefix="", digest="", created_at=0.0, **properties))
        await self.coordinator.database.write(key_rows.add, made.record)
        return made.text

    async def token(self, key: str, **body: Any) -> str:
        reply = await self.ask("POST", "/tokens", headers={HEADER_API_KEY: key}, json=body or None)
        assert reply.status == 200, reply.body
        return str(reply.body["jwt"])

    async def ask(self, method: str, path: str, token: str = "", **request: Any) -> Answer:
        headers = {**request.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        async with self.http.request(method, self.url + path, headers=headers, **request) as reply:
            text = await reply.text()
            body = await reply.json() if reply.content_type == "application/json" and text else text
            return Answer(reply.status, body, dict(reply.headers))

    async def begin(self, token: str, model: str = "echo", **body: Any) -> dict[str, Any]:
        reply = await self.ask("POST", "/sessions", token, json={"model": {"name": model}, **body})
        assert reply.status == 201, reply.body
        return dict(reply.body)

    async def until(self, token: str, session_id: str, state: str) -> dict[str, Any]:
        """The session once it is in a state."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                reply = await self.ask("GET", f"/sessions/{session_id}", token)
                if reply.status == 200 and reply.body["state"] == state:
                    return dict(reply.body)
                await self.coordinator.service.board.shown()

    async def events(self, token: str, session_id: str) -> AsyncIterator[dict[str, Any] | str]:
        """What the stream of a session says: bodies, and comments as text."""
        headers = {"Accept": EVENT_STREAM, "Authorization": f"Bearer {token}"}
        async with self.http.get(f"{self.url}/sessions/{session_id}", headers=headers) as reply:
            assert reply.status == 200
            assert reply.content_type == EVENT_STREAM
            while not reply.content.at_eof():
                line = (await reply.content.readline()).decode().strip()
                if line:
                    yield json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else line

    @property
    def workers(self) -> list[FakeWorker]:
        return list(self.pool.workers.values())

    def worker_of(self, session_id: str) -> FakeWorker:
        """The worker that runs a session."""
        (worker,) = [each for each in self.workers if each.session_id == session_id and not each.dead]
        return worker

    async def sees(self, condition: Callable[[Snapshot], object], seconds: float = DEADLINE_S) -> None:
        """Returns when the coordinator sees the house like that."""
        async with asyncio.timeout(seconds):
            while not condition(self.snapshot):
                await self.coordinator.service.board.shown()

    @property
    def snapshot(self) -> Snapshot:
        """The house as the coordinator saw it last."""
        return self.coordinator.service.board.snapshot

    async def idle(self, worker: FakeWorker, seconds: float = DEADLINE_S) -> None:
        """Returns when the coordinator sees that a worker is idle."""

        def is_idle(snapshot: Snapshot) -> bool:
            return worker.id in snapshot.workers and snapshot.workers[worker.id].state == "IDLE"

        await self.sees(is_idle, seconds)

    async def warm(self, count: int = 1) -> None:
        """Returns when so many workers are idle."""
        await self.sees(lambda snapshot: sum(each.state == "IDLE" for each in snapshot.workers.values()) >= count)

    async def looked(self, times: int = 2) -> None:
        """Returns when the control loop has looked at the house so many times more."""
        for _ in range(times):
            await self.coordinator.service.board.shown()

    async def kill(self) -> None:
        """Ends the coordinator without a word: no lease is given back, no worker is told."""
        for end in reversed(self._stop):
            await end()
        self._stop.clear()


def configuration(folder: Path, database: str = "", **changes: Any) -> CloudConfig:
    """A configuration for tests: one model, short times."""
    body = {
        "host": "127.0.0.1",
        "port": 0,
        "database": database or f"sqlite:///{folder}/coordinator.db",
        "uploads": f"file:{folder}/uploads",
        "models": {"echo": {"path": str(MODELS / "echo"), "warm": 1, **changes.pop("echo", {})}},
        **changes,
    }
    return parse_config(body, folder)


@contextlib.asynccontextmanager
async def opened(
    config: CloudConfig, slots: int = 2, kind: WorkerKind | None = None, *, listener: socket.socket | None = None
) -> AsyncIterator[House]:
    """A coordinator with a pool of so many fake workers."""
    listener = listener or bind("127.0.0.1", 0)
    async with FakeFleet([address(listener)]) as fleet, joined(config, FakePool(fleet, slots, kind), listener) as house:
        yield house


def _cut_off(server: uvicorn.Server) -> None:
    """Breaks all connections of a server, as its death does."""
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()


@contextlib.asynccontextmanager
async def joined(config: CloudConfig, pool: FakePool, listener: socket.socket) -> AsyncIterator[House]:
    """A coordinator over a pool that others may share."""
    coordinator = await build(config, pool)
    options = uvicorn.Config(
        build_app(coordinator.service), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = Server(options)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    url = address(listener)
    await coordinator.open([url])

    async def stop() -> None:
        # All at once, as far as that goes: no look at a house whose clients have been cut off, and no lease given back.
        coordinator.control.leads = False
        await coordinator._scope.close()
        server.should_exit = True
        server.force_exit = True
        _cut_off(server)
        await serving
        _cut_off(server)  # those who came back before the port was closed
        await coordinator.close()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        house = House(coordinator, url, pool, http)
        house._stop.append(stop)
        try:
            yield house
        finally:
            await house.kill()
