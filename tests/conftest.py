"""For parallel runs: which files have tests of the selection, and which stay together since they share servers."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

MARKED = {"network and not timing": "mark.network", "timing": "mark.timing"}
"""By the selection (``-m``): what stands in every file that has such tests. Importing the others takes seconds."""

POOLS = "tests/reactor_coordinator/pools"
SHARED = {
    f"{POOLS}/test_conformance.py": "the Ray cluster",
    f"{POOLS}/test_ray.py": "the Ray cluster",
    f"{POOLS}/test_coordinator_on_ray.py": "the Ray cluster",
    "tests/interop/test_scenario.py": "the visits",
    "tests/interop/test_native_client.py": "the visits",
}
"""What the tests of these files have in common, and would each process start anew."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    marked = MARKED.get(config.option.markexpr)
    if marked is None or not collection_path.name.startswith("test_"):
        return None
    return marked not in collection_path.read_text(encoding="utf-8") or None


class TogetherScheduling(LoadFileScheduling):  # type: ignore[misc]
    """The tests of a file run in one process, and so do those of files that share something."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return SHARED.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling | None:
    return TogetherScheduling(config, log) if config.option.dist == "loadfile" else None
