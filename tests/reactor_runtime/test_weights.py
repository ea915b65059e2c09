"""Where a model's weights are."""

from pathlib import Path

import pytest

from reactor_runtime import get_weights_path


def test_the_folder_is_that_of_the_environment_or_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REACTOR_WEIGHTS_PATH", str(tmp_path / "w"))
    assert get_weights_path() == tmp_path / "w"
    monkeypatch.delenv("REACTOR_WEIGHTS_PATH")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert get_weights_path() == tmp_path / ".cache" / "reactor_registry"
