"""The processes of one leg: a coordinator, its workers, the load generator; and what passes between them."""

import json
import resource
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.child import Child, Command, LegFailed, free_port
from benchmarks.coordinator.stores import Store
from benchmarks.environment import LOGS_FOLDER, ROOT, clean_environment

ECHO_MODEL = ROOT / "tests" / "reactor_coordinator" / "models" / "echo"
MODEL = "echo"
SESSION_S = 1200.0
"""How long a session may last, in seconds: no benchmark does."""
START_S = 60.0
"""How long a process may take until it is ready, in seconds."""
LIFE_S = 600.0
"""No process of a leg lives longer than this, in seconds."""
LOGS = LOGS_FOLDER / "coordinator"


@dataclass(frozen=True)
class House:
    """A coordinator that is up. ``pids`` are those of the processes that it needs, by name."""

    name: str
    port: int
    key: str
    pids: Mapping[str, int] = field(default_factory=dict)

    def metrics(self) -> str:
        """What it tells Prometheus; empty while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except (OSError, urllib.error.HTTPError):
            return ""

    def wait_for_idle(self, workers: int, timeout_s: float = START_S) -> None:
        """Returns once so many workers are idle. Raises LegFailed."""
        wanted = f'coordinator_workers{{model="{MODEL}",state="IDLE"}}'
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = [line for line in self.metrics().splitlines() if line.startswith(wanted)]
            if found and float(found[0].split()[-1]) >= workers:
                return
            time.sleep(0.1)
        raise LegFailed(f"there are no {workers} idle workers after {timeout_s:.0f} s")


@contextmanager
def coordinator(store: Store, workers: int = 0) -> Iterator[House]:
    """A coordinator with workers that have no model, from start to end; its workers are idle. Raises LegFailed."""
    with _folder() as folder, ExitStack() as stack:
        config, crowd_ready, ready = folder / "reactor-cloud.yaml", folder / "crowd.json", folder / "ready.json"
        config.write_text(yaml.safe_dump(_configuration(store.new(folder), workers, folder)))
        module = "benchmarks.coordinator"
        crowd = stack.enter_context(_python("crowd", [f"{module}.crowd", "--ready", str(crowd_ready)], store.name))
        arguments = ["--config", str(config), "--ready", str(ready), "--workers", str(workers)]
        where = ["--crowd", _ready(crowd, crowd_ready)["url"]]
        house = stack.enter_context(_python("house", [f"{module}.house", *arguments, *where], store.name))
        told = _ready(house, ready)
        pids = {"coordinator": house.pid, "workers": crowd.pid}
        if store.pid is not None:
            pids["database"] = store.pid
        found = House(store.name, int(told["url"].rpartition(":")[2]), told["key"], pids)
        if workers:
            found.wait_for_idle(workers)
        yield found


@contextmanager
def real_coordinator(name: str) -> Iterator[House]:
    """``reactor coordinator`` as an operator starts it, with a model and one worker that is idle. Raises LegFailed."""
    with _folder() as folder:
        shutil.copytree(ECHO_MODEL, folder / MODEL, ignore=shutil.ignore_patterns("__pycache__"))
        port = free_port()
        program = str(Path(sys.executable).parent / "reactor")
        argv = [program, "coordinator", "--port", str(port)]
        command = Command("reactor coordinator", argv, folder, clean_environment(), LIFE_S)
        with Child(command, LOGS / name / "coordinator.log") as child:
            house = House(name, port, _key(child), {"coordinator": child.pid})
            house.wait_for_idle(1)
            yield house


def load(house: House, part: str, **options: object) -> dict[str, Any]:
    """Runs one part of the load generator to its end; the samples that it brought. Raises LegFailed."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        result = Path(folder) / "result.json"
        task = {"part": part, "port": house.port, "key": house.key, "pids": dict(house.pids), "options": options}
        (Path(folder) / "task.json").write_text(json.dumps(task))
        arguments = ["benchmarks.coordinator.load", str(Path(folder) / "task.json"), str(result)]
        with _python(f"load-{part}", arguments, house.name) as child:
            status = child.wait()
            if status != 0 or not result.exists():
                raise LegFailed(f"the load generator ended with status {status}: {child.last_words()} (log: {child.log})")
        samples: dict[str, Any] = json.loads(result.read_text())
        return samples


def raise_file_limit() -> None:
    """As many open files as this process may have: a waiting client is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def write_whole(file: Path, text: str) -> None:
    """Writes a file that is there with all its content, or not at all."""
    part = file.with_suffix(".part")
    part.write_text(text)
    part.rename(file)


def _configuration(database: str, workers: int, folder: Path) -> dict[str, Any]:
    limits = {
        "requests_per_second": 1_000_000,
        "request_burst": 1_000_000,
        "queue_length": 1_000_000,
        "session_seconds": SESSION_S,
        "drain_seconds": 0.1,
    }
    return {
        "port": 0,
        "database": database,
        "uploads": f"file:{folder}/uploads",
        "limits": limits,
        "models": {MODEL: {"path": str(ECHO_MODEL), "warm": workers}},
    }


def _python(name: str, arguments: list[str], leg: str) -> Child:
    argv = [sys.executable, "-m", *arguments]
    return Child(Command(name, argv, ROOT, clean_environment(), LIFE_S), LOGS / leg / f"{name}.log")


def _ready(child: Child, file: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if file.exists():
            told: dict[str, Any] = json.loads(file.read_text())
            return told
        if not child.running:
            raise LegFailed(f"{child.name} ended: {child.last_words()} (log: {child.log})")
        time.sleep(0.05)
    raise LegFailed(f"{child.name} is not ready after {START_S:.0f} s (log: {child.log})")


def _key(child: Child) -> str:
    """The API key that a coordinator prints when it has started for the first time."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and child.running:
        for line in child.log.read_text(errors="replace").splitlines():
            if line.startswith("rk_"):
                return line.strip()
        time.sleep(0.05)
    raise LegFailed(f"{child.name} printed no key: {child.last_words()} (log: {child.log})")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        yield Path(folder)
