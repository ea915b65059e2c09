"""Serves the suite's model, by our runtime or by the published one."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.interop.children import Child
from tests.interop.provisioning import ROOT
from tests.ports import free_port

HERE = Path(__file__).parent
MODEL = HERE / "models" / "echo"

LIFE_SECONDS = 600.0
START_SECONDS = 90.0
END_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Server:
    url: str
    child: Child

    def logs(self) -> dict[str, str]:
        return {"the runtime": self.child.log()}

    def wait_for(self, path: str, state: str, seconds: float) -> None:
        """Asks again until the answer tells the state; a server that died is told with its log."""
        deadline = time.monotonic() + seconds
        told = "nothing"
        while time.monotonic() < deadline:
            told = self._state(path)
            if told == state:
                return
            if not self.child.outlives(POLL_SECONDS):
                raise RuntimeError(f"{self.child.name} has ended:\n{self.child.log()}")
        raise TimeoutError(f"{path} still tells {told}, not {state}, after {seconds} s:\n{self.child.log()}")

    def wait_until_free(self) -> None:
        """Waits for the session to have ended."""
        self.wait_for("/session", "ready", END_SECONDS)

    def _state(self, path: str) -> str:
        try:
            with urlopen(self.url + path, timeout=5) as response:
                return str(json.load(response)["state"])
        except HTTPError as error:
            with error:
                return f"{error.code} {error.read().decode(errors='replace')}"
        except (URLError, ConnectionError, TimeoutError) as error:
            return repr(error)


@contextmanager
def our_runtime(logs: Path, model: Path = MODEL) -> Iterator[Server]:
    port = free_port()
    reactor = Path(sys.executable).with_name("reactor")
    argv = [reactor, "run", model, "--host", "127.0.0.1", "--port", str(port)]
    with Child(argv, cwd=ROOT, env={}, log=logs / "our-runtime", seconds=LIFE_SECONDS) as child:
        yield _available(Server(f"http://127.0.0.1:{port}", child))


@contextmanager
def published_runtime(python: Path, logs: Path, model: Path = MODEL) -> Iterator[Server]:
    port = free_port()
    # Left alone it asks a public STUN server; a name that is reserved for not existing keeps it on this machine.
    env = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "STUN_SERVERS": "stun:stun.invalid:3478",
        "SIGTERM_GRACE_PERIOD": "2",
    }
    argv = [python, "-m", "reactor_runtime.serve"]
    with Child(argv, cwd=model, env=env, log=logs / "published-runtime", seconds=LIFE_SECONDS) as child:
        yield _available(Server(f"http://127.0.0.1:{port}", child))


def _available(server: Server) -> Server:
    server.wait_for("/health", "available", START_SECONDS)
    return server
