"""What a run selects by its marker is all that it reads: importing thousands of other tests takes each process seconds."""

from pathlib import Path

import pytest

MARKED = {"network and not timing": "mark.network", "timing": "mark.timing"}
"""By the selection (``-m``): what stands in every file that has such tests."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    marked = MARKED.get(config.option.markexpr)
    if marked is None or not collection_path.name.startswith("test_"):
        return None
    return marked not in collection_path.read_text(encoding="utf-8") or None
