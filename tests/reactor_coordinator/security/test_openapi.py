"""Schemathesis over every route: whatever is sent, the answer is one that the OpenAPI document promises, and no mistake."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.reactor_coordinator.house import House, configuration, opened
from tests.reactor_coordinator.security.addresses import OF_A_SESSION, OF_THE_HOUSE, WITHOUT_A_SESSION, WITHOUT_A_TOKEN

from reactor_coordinator.records import Role
from reactor_protocol.names import HEADER_API_KEY

T = TypeVar("T")

UNBOUNDED = {"requests_per_second": 1e9, "request_burst": 10**9, "uploads_per_session": 10**6, "connections_per_session": 1024}
CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
EXAMPLES = 10
"""Of each route, of what fits its schema and of what does not."""

WITH_A_TOKEN = (*OF_A_SESSION, *WITHOUT_A_SESSION, *OF_THE_HOUSE)
ROUTES = sorted({(method, path.split("?")[0]) for method, path, _ in WITH_A_TOKEN} | WITHOUT_A_TOKEN)


class Served:
    """A house in a thread of its own, for clients that block."""

    def __init__(self, folder: Any) -> None:
        self._config = configuration(folder, limits=UNBOUNDED)
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.house: House

    async def _serve(self) -> None:
        async with opened(self._config, slots=64) as self.house:
            self._ready.set()
            await self._over.wait()

    def __enter__(self) -> "Served":
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of something that the house does."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(40)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")) as served_house:
        yield served_house


@pytest.fixture(scope="module")
def schema(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.house.url}/openapi.json")


async def a_session(house: House, token: str) -> str:
    """A new session that runs."""
    session_id = str((await house.begin(token))["session_id"])
    await house.until(token, session_id, "ACTIVE")
    return session_id


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_every_answer_is_one_that_was_promised(served: Served, schema: Any, method: str, path: str) -> None:
    key = served.do(served.house.key(role=Role.ADMIN))
    token = served.do(served.house.token(key))
    session_id = served.do(a_session(served.house, token))
    worker_id = served.house.worker_of(session_id).id
    secret = served.house.coordinator.service.signer.worker_secret(worker_id)
    known = {"session_id": session_id, "worker_id": worker_id, "connection_id": 1002}
    operation = schema[path][method]
    for bearer, examples in (token, EXAMPLES), (secret, EXAMPLES if "worker" in path else 2), (key, 2), ("", 2):
        headers = {"Authorization": f"Bearer {bearer}", HEADER_API_KEY: key} if bearer else {}
        exercise(operation, GenerationMode.POSITIVE, examples, headers, known)
        if {"parameters", "requestBody"} & operation.definition.raw.keys():
            exercise(operation, GenerationMode.NEGATIVE, examples, headers, known)
    served.do(served.house.ask("DELETE", f"/sessions/{session_id}", token))


def exercise(operation: Any, mode: GenerationMode, examples: int, headers: dict[str, str], known: dict[str, Any]) -> None:
    """Sends what fits, or does not fit, the schema of an operation: to things that exist, and to things that do not."""

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        validate(case, headers)
        if mode is GenerationMode.POSITIVE:
            for place in (case.path_parameters, case.query):
                place.update({name: value for name, value in known.items() if name in place})
            validate(case, headers)

    send()


def validate(case: Case[Any], headers: dict[str, str]) -> None:
    reply = case.call(headers=headers, timeout=40)
    # A body that is too large is refused before anybody asks whether it fits the schema.
    refusable = [negative_data_rejection] if headers and reply.status_code != 413 else []
    case.validate_response(reply, [*CHECKS, *refusable], headers=headers)
    assert reply.status_code < 500 or reply.status_code == 503, (reply.status_code, reply.text)
