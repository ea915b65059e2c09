"""Fixtures of the tests from a model's ``emit`` to a client's frames, over HTTP and WebRTC between two processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.served import MODELS
from tests.interop.servers import Server, our_runtime


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The runtime of the model that the module names in ``MODEL``."""
    model: Path = MODELS / request.module.MODEL
    with our_runtime(tmp_path_factory.mktemp("runtime"), model) as serving:
        yield serving


@pytest.fixture(autouse=True)
def at_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local clients find the runtime, whose session before has ended."""
    server.wait_until_free()
    monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
