"""For parallel runs: which files have tests of the selection, and which tests stay together since they share servers."""

from pathlib import Path

import pytest

MARKED = {"network and not timing": "mark.network", "timing": "mark.timing"}
"""By the selection (``-m``): what stands in every file that has such tests. Importing the others takes seconds."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    marked = MARKED.get(config.option.markexpr)
    if marked is None or not collection_path.name.startswith("test_"):
        return None
    return marked not in collection_path.read_text(encoding="utf-8") or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With ``--dist=loadgroup`` the tests of a file run in one process, and so do files of the same ``xdist_group``."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
