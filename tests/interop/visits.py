"""Makes the visits of the scenario: each client on each server once, whoever asks for what it observed."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.interop import browser
from tests.interop.children import Child
from tests.interop.coordinator import MODEL_NAME, Hosted
from tests.interop.observations import Observations
from tests.interop.provisioning import Say, command
from tests.interop.scenario import SCRIPT, Pairing
from tests.interop.servers import HERE, Server, our_runtime, published_runtime

VISIT_SECONDS = 130.0
SCOPE = {"type": "session", "resources": {"models": {"match": [MODEL_NAME]}}, "constraints": {"max_sessions": 1}}

EXTRA_STEPS = {"1.13.0": ("reasons", "large", "tags", "schema", "stats")}
"""What a client shows besides the scenario, before it leaves."""


class Visits:
    """One visit for each pairing. Servers and what the clients need are made when they are first wanted."""

    def __init__(self, request: pytest.FixtureRequest, say: Say, stack: ExitStack, folder: Path) -> None:
        self._request = request
        self._say = say
        self._stack = stack
        self._folder = folder
        self._servers: dict[str, Server | Hosted] = {}
        self._made: dict[Pairing, Observations] = {}

    def server(self, name: str) -> Server | Hosted:
        """The server that pairings know by that name."""
        if name not in self._servers:
            self._servers[name] = self._open(name)
        return self._servers[name]

    def _open(self, name: str) -> Server | Hosted:
        if name == "coordinator":
            hosted: Hosted = self._request.getfixturevalue("coordinator")
            return hosted
        if name == "runtime":
            return self._stack.enter_context(our_runtime(self._folder))
        python: Path = self._request.getfixturevalue("published_runtime_python")
        return self._stack.enter_context(published_runtime(python, self._folder))

    def of(self, pairing: Pairing) -> Observations:
        """What the client has observed on that server."""
        if pairing not in self._made:
            server = self.server(pairing.server)
            server.wait_until_free()
            make: Callable[[Pairing, Server | Hosted], Observations] = self._page if pairing.client == "2.9.0" else self._process
            self._made[pairing] = make(pairing, server)
        return self._made[pairing]

    def _script(self, pairing: Pairing) -> dict[str, Any]:
        *steps, last = SCRIPT["steps"]
        return {**SCRIPT, "steps": [*steps, *EXTRA_STEPS.get(pairing.client, ()), last]}

    def _python(self, client: str) -> Path:
        fixture = {"0.8.0": "published_client_python", "1.13.0": "native_client_python"}.get(client)
        return Path(sys.executable) if fixture is None else self._request.getfixturevalue(fixture)

    def _process(self, pairing: Pairing, server: Server | Hosted) -> Observations:
        driver = "native_local.py" if pairing.client == "1.13.0" else "python_client.py"
        argv = [self._python(pairing.client), HERE / "drivers" / driver, server.url]
        way = {"INTEROP_API_KEY": server.key} if isinstance(server, Hosted) else {"REACTOR_LOCAL_URL": server.url}
        env = {**way, "INTEROP_SCRIPT": json.dumps(self._script(pairing))}
        with Child(argv, cwd=self._folder, env=env, log=self._folder / f"{pairing}.client", seconds=VISIT_SECONDS) as child:
            child.wait()
            return Observations.read(child.output().splitlines(), {"the client": child.log(), **server.logs()})

    def _page(self, pairing: Pairing, server: Server | Hosted) -> Observations:
        """A coordinator's token is what the page's own server would have handed to it."""
        chromium = command("chromium", ["chromium"], self._say)
        site = browser.bundle_site(self._say)
        token = server.token(authorization_details=[SCOPE]) if isinstance(server, Hosted) else None
        with browser.serve_site(site) as page_url:
            visited = browser.visit(chromium, page_url, [self._script(pairing), server.url, token])
        return Observations.read(visited.console, {"the page": visited.log(), **server.logs()})
