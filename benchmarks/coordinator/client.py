"""What the parts of the load generator share: sessions of one key, and the CPU time of the processes that serve them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import procfs
from benchmarks.coordinator.stage import MODEL
from benchmarks.coordinator.wire import Connection, EventStream, request_bytes
from reactor_protocol.names import EVENT_STREAM

STARTED = b'"state":"ACTIVE"'


@dataclass(frozen=True)
class Task:
    """Where the coordinator is, a key of it, and the processes whose cost is measured."""

    port: int
    key: str
    pids: Mapping[str, int]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Client:
    """Sessions over one kept connection. Raises RuntimeError where an answer is not the one that is to be expected."""

    def __init__(self, task: Task, connection: Connection, token: str) -> None:
        self.task = task
        self.token = token
        self._connection = connection

    @classmethod
    async def open(cls, task: Task, token: str = "") -> "Client":
        """With a token of its own where none is given."""
        connection = await Connection.open(task.port)
        if not token:
            reply = await connection.ask("POST", "/tokens", Reactor_API_Key=task.key)
            token = str(reply.json()["jwt"])
        return cls(task, connection, token)

    async def begin(self) -> dict[str, Any]:
        """A new session."""
        reply = await self._connection.ask("POST", "/sessions", self.token, {"model": {"name": MODEL}})
        if reply.status != 201:
            raise RuntimeError(f"POST /sessions: {reply.status} {reply.body[:200]!r}")
        body: dict[str, Any] = reply.json()
        return body

    async def end(self, session_id: str) -> None:
        """The end of a session."""
        reply = await self._connection.ask("DELETE", f"/sessions/{session_id}", self.token)
        if reply.status != 204:
            raise RuntimeError(f"DELETE /sessions/...: {reply.status} {reply.body[:200]!r}")

    async def watch(self, session_id: str, heard: Callable[[bytes], None], ended: Callable[[], None]) -> EventStream:
        """The session as a stream of events, over a connection of its own."""
        port = self.task.port
        accept = {"Accept": EVENT_STREAM}
        request = request_bytes(f"127.0.0.1:{port}", "GET", f"/sessions/{session_id}", self.token, **accept)
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: EventStream(request, heard, ended), "127.0.0.1", port)
        return stream

    def close(self) -> None:
        self._connection.close()


class Meter:
    """Cores that each process has kept busy, on average, since the meter was made; this one is ``load``."""

    def __init__(self, task: Task) -> None:
        self._pids = task.pids
        self._cpu = self._seconds()
        self._load = time.process_time()
        self._began = time.monotonic()

    def _seconds(self) -> dict[str, float]:
        return {name: procfs.cpu_seconds(pid) for name, pid in self._pids.items()}

    def read(self) -> dict[str, float]:
        over = time.monotonic() - self._began
        cores = {name: (now - self._cpu[name]) / over for name, now in self._seconds().items()}
        return cores | {"load": (time.process_time() - self._load) / over}
