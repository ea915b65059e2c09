"""One runtime that serves the bench model, and the viewer processes that look at it."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import stun
from benchmarks.child import Child, Command, LegFailed, free_port, run_to_end
from benchmarks.environment import ROOT, clean_environment
from benchmarks.parties import Party

FPS = 30
START_S = 60.0
"""How long a runtime may take until its model is loaded, in seconds."""
SETTLE_S = 15.0
"""How long a runtime may take to be free again after a viewer left, in seconds."""
RUNTIME_S = 900.0
"""No runtime lives longer than this, in seconds."""
MARGIN_S = 15.0
"""Between a viewer's own deadline and the moment it is ended from outside, in seconds."""


@dataclass(frozen=True)
class Scene:
    """How a runtime is set up: what a frame costs its model in milliseconds, and whether STUN stays silent."""

    name: str
    compute_ms: float
    silent_stun: bool = False


class Stage:
    """A runtime that is up, with its model loaded."""

    def __init__(self, party: Party, runtime: Child, port: int, logs: Path) -> None:
        self.party = party
        self.runtime = runtime
        self.port = port
        self.logs = logs
        self._url = f"http://127.0.0.1:{port}"
        self._turn = count(1)

    def view(self, step: str, *, deadline_s: float, **options: float) -> dict[str, Any]:
        """Run one viewer process to its end; the samples that it brought. Raises LegFailed."""
        self._wait_until_free(SETTLE_S)
        name = f"{step}-{next(self._turn)}"
        result = self.logs / f"{name}.json"
        result.unlink(missing_ok=True)
        argv = [str(self.party.client_python), "-m", "benchmarks.viewer", step, "--api", self.party.client_api]
        argv += ["--url", self._url, "--result", str(result), "--runtime-pid", str(self.runtime.pid)]
        argv += ["--deadline-s", str(deadline_s)]
        for option, value in options.items():
            argv += [f"--{option.replace('_', '-')}", str(value)]
        command = Command(f"viewer {name}", argv, ROOT, clean_environment(), deadline_s + MARGIN_S)
        with Child(command, self.logs / f"{name}.log") as viewer:
            status = viewer.wait()
            # A client that stumbles while it leaves has been measured all the same.
            if not result.exists():
                raise LegFailed(f"viewer {name} ended with status {status}: {viewer.last_words()}")
        samples: dict[str, Any] = json.loads(result.read_text())
        return samples

    def gather(self, viewers: int, seconds: float, *, deadline_s: float) -> dict[str, Any]:
        """Run one process with so many viewers to its end, with our engine; the samples that it brought. Raises LegFailed."""
        self._wait_until_free(SETTLE_S)
        name = f"audience-{viewers}-{next(self._turn)}"
        result = self.logs / f"{name}.json"
        result.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "benchmarks.audience", "--viewers", str(viewers), "--url", self._url]
        argv += ["--result", str(result), "--seconds", str(seconds), "--runtime-pid", str(self.runtime.pid)]
        run_to_end(Command(name, argv, ROOT, clean_environment(), deadline_s + MARGIN_S), self.logs / f"{name}.log")
        samples: dict[str, Any] = json.loads(result.read_text())
        return samples

    def wait_until_loaded(self) -> None:
        """Return once the model is loaded. Raises LegFailed."""
        self._wait_for_state("available", START_S)

    def _wait_until_free(self, timeout_s: float) -> None:
        """Return once no session is left; one that its viewer left behind is ended first."""
        try:
            self._wait_for_state("available", timeout_s / 3)
        except LegFailed:
            self._request("/stop_session", {})
            self._wait_for_state("available", timeout_s)

    def _wait_for_state(self, wanted: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        state = "not answering"
        while time.monotonic() < deadline:
            if not self.runtime.running:
                raise LegFailed(f"the runtime ended: {self.runtime.last_words()} (log: {self.runtime.log})")
            state = self._request("/health").get("state", state)
            if state == wanted:
                return
            if state == "terminated":
                raise LegFailed(f"the runtime gave up: {self.runtime.last_words()} (log: {self.runtime.log})")
            time.sleep(0.1)
        raise LegFailed(f"the runtime is not {wanted} after {timeout_s:.0f} s, but {state} (log: {self.runtime.log})")

    def _request(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One HTTP request, a POST if there is a body; the answer, whatever its status, or {} when there is none."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data=data, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
        except OSError:
            return {}
        try:
            document = json.loads(text)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


@contextmanager
def staged(party: Party, scene: Scene, logs: Path) -> Iterator[Stage]:
    """A runtime from start to end, on a free port of the loopback. Raises LegFailed when it does not come up."""
    port = free_port()
    with ExitStack() as stack:
        settings = {"BENCH_COMPUTE_MS": str(scene.compute_ms), "BENCH_FPS": str(FPS)} | party.runtime_bind(port)
        if scene.silent_stun:
            settings["STUN_SERVERS"] = stack.enter_context(stun.silent_server())
        elif party.asks_internet:
            # A server that answers at once, in place of one on the Internet: the best case, and the same everywhere.
            settings["STUN_SERVERS"] = stack.enter_context(stun.answering_server())
        environment = clean_environment() | settings
        command = Command("runtime", party.runtime_argv(port), party.runtime_cwd, environment, RUNTIME_S)
        folder = logs / party.name / scene.name
        runtime = stack.enter_context(Child(command, folder / "runtime.log"))
        stage = Stage(party, runtime, port, folder)
        stage.wait_until_loaded()
        yield stage
