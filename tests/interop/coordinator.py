"""Our coordinator as a process of its own, with one real worker: the way to it for clients, and for its operator."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml
from tests.interop.children import Child
from tests.interop.provisioning import ROOT
from tests.interop.servers import MODEL, POLL_SECONDS
from tests.ports import free_port

from reactor_coordinator.config import read_config
from reactor_coordinator.office import open_office
from reactor_coordinator.pools.process import WorkerProcess
from reactor_coordinator.records import Key, WorkerRecord

MODEL_NAME = "interop-echo"
QUEUE_LENGTH = 5
CONFIG = "cloud.yaml"

LIFE_SECONDS = 900.0
START_SECONDS = 90.0
ASK_SECONDS = 40.0
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What the coordinator answered; the names of the headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Hosted:
    """A coordinator that runs. ``key`` is the API key that it has printed."""

    url: str
    key: str
    folder: Path
    child: Child

    # ---------------------------------------------------------------------------------------------- as its clients

    def ask(self, method: str, path: str, *, key: str = "", body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request, with ``key`` (else the printed one) as the bearer."""
        sent = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json", **(headers or {})}
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=ASK_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        told = {name.lower(): value for name, value in response.getheaders()}
        is_json = text and told.get("content-type") == "application/json"
        return Answer(response.status, told, json.loads(text) if is_json else text)

    def token(self, **body: Any) -> str:
        answer = self.ask("POST", "/tokens", body=body or None, headers={"Reactor-API-Key": self.key})
        assert answer.status == 200, answer
        return str(answer.body["jwt"])

    def sessions(self) -> list[dict[str, Any]]:
        """The open sessions of the printed key."""
        return list(self.ask("GET", "/sessions").body["sessions"])

    def session(self, session_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/sessions/{session_id}")
        assert answer.status == 200, answer
        return dict(answer.body)

    def begin(self, key: str = "") -> str:
        """A session that no client connects to."""
        answer = self.ask("POST", "/sessions", key=key, body={"model": {"name": MODEL_NAME}})
        assert answer.status == 201, answer
        return str(answer.body["session_id"])

    def end(self, session_id: str) -> None:
        answer = self.ask("DELETE", f"/sessions/{session_id}")
        assert answer.status == 204, answer

    def hold(self) -> str:
        """A session that holds the only worker, so that others have to wait."""
        session_id = self.begin()
        self.until(lambda: self.session(session_id)["state"] == "ACTIVE", "the session is active")
        return session_id

    # --------------------------------------------------------------------------------------------- as its operator

    def new_key(self, **limits: Any) -> str:
        """An API key with limits of its own."""

        async def work() -> str:
            async with open_office(read_config(self.folder / CONFIG)) as office:
                template = Key(id="", name="limited", prefix="", digest="", created_at=office.clock(), **limits)
                return (await office.create_key(template)).text

        return asyncio.run(work())

    def clear(self) -> None:
        """Ends all sessions, whose ever they are."""

        async def work() -> None:
            async with open_office(read_config(self.folder / CONFIG)) as office:
                for session in await office.sessions(1000, closed=False):
                    await office.end_session(session.id, "the test is over")

        asyncio.run(work())

    def worker(self) -> WorkerRecord:
        """The worker that runs a session."""

        async def work() -> list[WorkerRecord]:
            async with open_office(read_config(self.folder / CONFIG)) as office:
                return await office.workers()

        (found,) = [worker for worker in asyncio.run(work()) if worker.session_id is not None]
        return found

    # ----------------------------------------------------------------------------------------------------- waiting

    def until(self, condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Looks again until the condition holds; a coordinator that died, or is late, is told with its log."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.child.outlives(POLL_SECONDS):
                raise RuntimeError(f"the coordinator has ended before {what}:\n{self.child.log()}")
            if time.monotonic() >= deadline:
                raise TimeoutError(f"not within {seconds} s: {what}\n{self.child.log()}")

    def wait_until_free(self, seconds: float = WAIT_SECONDS) -> None:
        """Waits until nobody has a session, and the worker is ready for the next."""
        self.until(self._is_free, "no sessions, and a free worker", seconds)

    def _is_free(self) -> bool:
        models = self.ask("GET", "/models").body["models"]
        return not self.sessions() and models == [{"name": MODEL_NAME, "workers": 1, "free": 1, "waiting": 0}]

    def logs(self) -> dict[str, str]:
        workers = sorted(self.folder.glob(".reactor/workers/*.log"))
        told = {f"the worker {file.stem}": file.read_text(errors="replace")[-4000:] for file in workers}
        return {"the coordinator": self.child.log(), **told}


@contextmanager
def our_coordinator(folder: Path) -> Iterator[Hosted]:
    """Runs ``reactor coordinator`` until the end of the block, and makes sure that no worker outlives it."""
    config = {
        "models": {MODEL_NAME: {"path": str(MODEL)}},
        "pool": {"workers": 1},
        "limits": {"queue_length": QUEUE_LENGTH},
    }
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    port = free_port()
    reactor = Path(sys.executable).with_name("reactor")
    argv = [reactor, "coordinator", "--config", folder / CONFIG, "--port", port]
    # Only the signal of Ctrl-C ends sessions and workers too; after SIGTERM those that are busy would run on.
    child = Child(argv, cwd=ROOT, env={}, log=folder / "coordinator", seconds=LIFE_SECONDS, ends_by=signal.SIGINT)
    try:
        with child:
            hosted = Hosted(f"http://127.0.0.1:{port}", "", folder, child)
            hosted.until(
                lambda: child.output().startswith("rk_") and child.output().endswith("\n"), "it prints a key", START_SECONDS
            )
            hosted = Hosted(hosted.url, child.output().strip(), folder, child)
            hosted.wait_until_free(START_SECONDS)
            yield hosted
    finally:
        left = _end_workers(folder)
    assert left == [], f"the coordinator has left workers behind: {left}\n{child.log()}"


def _end_workers(folder: Path) -> list[str]:
    """Kills the workers that still run; their names."""
    left = []
    for file in folder.glob(".reactor/workers/*.json"):
        known = json.loads(file.read_text())
        process = WorkerProcess.found(int(known["pid"]), known["birth"])
        if process is not None:
            process.kill()
            left.append(file.stem)
    return left
