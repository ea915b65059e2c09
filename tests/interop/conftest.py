"""Fixtures of the interop suite: the published packages, and the logs of a failed test's processes."""

from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.interop.observations import Observations
from tests.interop.provisioning import Say, python_3_12, virtual_environment


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Say:
    """Tells on the terminal what takes long, past pytest's capture."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")

    def write(line: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            print(f"\n[interop] {line}", flush=True)

    return write


@pytest.fixture(scope="session")
def published_client_python(say: Say) -> Path:
    return virtual_environment("reactor-sdk-0.8.0", "reactor-sdk==0.8.0", say)


@pytest.fixture(scope="session")
def published_runtime_python(say: Say) -> Path:
    return virtual_environment("reactor-runtime-3.10.0", "reactor-runtime==3.10.0", say, python_3_12())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the processes of a failed test wrote."""
    report = yield
    observed = item.funcargs.get("observed") if isinstance(item, pytest.Function) else None
    if report.failed and isinstance(observed, Observations):
        report.sections.extend((f"log of {name}", log) for name, log in observed.logs.items())
    return report
