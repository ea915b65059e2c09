"""Schemathesis over every route of a runtime: whatever is sent, the answer is no mistake of ours."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from tests.reactor_runtime.runtime_support import opened

from reactor_http.listen import Server, bind
from reactor_protocol.names import NIL_SESSION_ID
from reactor_runtime.app import build_app

EXAMPLES = 8
"""Of each route, of what fits its schema and of what does not."""

KNOWN = {"session_id": NIL_SESSION_ID, "connection_id": 1002, "upload_id": "known"}


class Served:
    """A runtime over TCP, in a thread of its own, for clients that block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.url = ""
        # One for all: each client of its own would read the machine's certificates anew.
        self._http = httpx.Client(timeout=40)

    async def _serve(self) -> None:
        async with opened() as house:
            listener = bind("127.0.0.1", 0)
            server = Server(uvicorn.Config(build_app(house.runtime), log_config=None, lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._ready.set()
            await self._over.wait()
            server.should_exit = True
            await serving

    def __enter__(self) -> "Served":
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        self._loop.close()
        self._http.close()

    def begin(self) -> None:
        """A session runs, and an upload and a connection are known to it."""
        if self._http.post(f"{self.url}/start_session").status_code == 200:
            body = {"name": "a", "size": 3, "mime_type": "text/plain", "upload_id": KNOWN["upload_id"]}
            assert self._http.post(f"{self.url}/sessions/{NIL_SESSION_ID}/uploads", json=body).status_code == 201


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served() as served_runtime:
        yield served_runtime


def test_no_route_answers_with_a_mistake_of_ours(served: Served) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    asked = 0
    for operation in schema.get_all_operations():
        found = operation.ok()
        asked += 1
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & found.definition.raw.keys():
                exercise(served, found, mode)
    assert asked >= 18


def exercise(served: Served, operation: Any, mode: GenerationMode) -> None:
    """Sends what fits, or does not fit, the schema of an operation: to things that exist, and to things that do not."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        served.begin()
        check(case)
        if mode is GenerationMode.POSITIVE:
            case.path_parameters.update({name: value for name, value in KNOWN.items() if name in case.path_parameters})
            check(case)

    with contextlib.suppress(Unsatisfiable):  # there are routes where everything fits
        send()


def check(case: Case[Any]) -> None:
    reply = case.call(timeout=40)
    assert reply.status_code < 500 or reply.status_code == 503, (case.method, case.path, reply.status_code, reply.text)
