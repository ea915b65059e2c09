"""Fixtures of the interop suite: the published packages, the logs of a failed test's processes, and the table of what was run."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest
from tests.interop.compatibility import MARK, Against, Results, table, write_page
from tests.interop.coordinator import Hosted, our_coordinator
from tests.interop.observations import Observations
from tests.interop.provisioning import Say, python_3_12, virtual_environment
from tests.interop.visits import Visits

RESULTS = pytest.StashKey[Results]()


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
def native_client_python(say: Say) -> Path:
    """The later published client, whose core is native code."""
    return virtual_environment("reactor-sdk-1.13.0", "reactor-sdk==1.13.0", say)


@pytest.fixture(scope="session")
def published_runtime_python(say: Say) -> Path:
    return virtual_environment("reactor-runtime-3.10.0", "reactor-runtime==3.10.0", say, python_3_12())


@pytest.fixture(scope="session")
def coordinator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """One coordinator for the whole suite: it and its worker take seconds to start."""
    with our_coordinator(tmp_path_factory.mktemp("coordinator")) as hosted:
        yield hosted


@pytest.fixture(scope="session")
def visits(request: pytest.FixtureRequest, say: Say, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    """What the clients have observed in the scenario; each visit is made once for the whole suite."""
    with ExitStack() as stack:
        yield Visits(request, say, stack, tmp_path_factory.mktemp("visits"))


@pytest.fixture
def hosted(coordinator: Hosted) -> Iterator[Hosted]:
    """The coordinator with its worker free; whatever the test leaves there ends with it."""
    coordinator.wait_until_free()
    yield coordinator
    coordinator.clear()


@pytest.fixture
def ran_against(record_property: Callable[[str, object], None]) -> Callable[[str, str, str, str], None]:
    """Tells of a thing whose version only the run knows: kind, name, version, what was tried (see ``compatibility``)."""

    def tell(kind: str, name: str, version: str, tried: str) -> None:
        Against(kind, name, version, tried)
        record_property(MARK, [kind, name, version, tried])

    return tell


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = Results()
    config.pluginmanager.register(_Table(config.stash[RESULTS]), "compatibility-table")


class _Table:
    """Collects the reports of all processes of the run, and shows and writes the table at its end."""

    def __init__(self, results: Results) -> None:
        self._results = results

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        for mark in item.iter_markers(MARK):
            Against(*mark.args)
            item.user_properties.append((MARK, list(mark.args)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._results.take(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._results.counts:
            return
        terminalreporter.section("what was run against what")
        terminalreporter.write_line(table(self._results))
        if page := os.environ.get("INTEROP_PAGE"):
            write_page(Path(page), self._results)
            terminalreporter.write_line(f"written to {page}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the processes of a failed test wrote."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        observed, hosted = item.funcargs.get("observed"), item.funcargs.get("hosted")
        logs = observed.logs if isinstance(observed, Observations) else hosted.logs() if isinstance(hosted, Hosted) else {}
        report.sections.extend((f"log of {name}", log) for name, log in logs.items())
    return report
