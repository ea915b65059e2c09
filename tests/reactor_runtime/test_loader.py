"""The loader: finds the model, and says what is wrong with it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reactor_protocol.errors import ModelFailedError
from reactor_runtime.config import Manifest
from reactor_runtime.loader import load_model

MODEL = """
from reactor_runtime import Output, ReactorModel, Video, event


class Out(Output):
    main_video: Video


class Sky(ReactorModel):
    @event(name="go")
    def go(self, x: int{default}) -> None: ...
"""


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def manifest(folder: Path, import_path: str, name: str = "") -> Manifest:
    return Manifest(folder, import_path, name, None)


def failure(folder: Path, import_path: str) -> str:
    with pytest.raises(ModelFailedError) as caught:
        load_model(manifest(folder, import_path))
    assert caught.value.status == 503
    return str(caught.value)


def test_the_model_beside_the_manifest_is_found(tmp_path: Path) -> None:
    (tmp_path / "sky_model.py").write_text(MODEL.format(default=""))
    loaded = load_model(manifest(tmp_path, "sky_model:Sky", "sky-painter"))
    assert loaded.model_class.__name__ == "Sky"
    assert loaded.contract.name == "sky-painter"
    assert [track.name for track in loaded.contract.tracks] == ["main_video"]
    assert list(loaded.contract.commands) == ["go"]


def test_a_module_in_a_package(tmp_path: Path) -> None:
    (tmp_path / "sky_pkg").mkdir()
    (tmp_path / "sky_pkg" / "deep.py").write_text(MODEL.format(default=""))
    assert load_model(manifest(tmp_path, "sky_pkg.deep:Sky")).contract.name == "sky"


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    message = failure(tmp_path, "no_such_module:Sky")
    assert message.startswith(f"the model failed to load: no_such_module in {tmp_path} cannot be imported: ModuleNotFoundError")


def test_a_class_that_is_not_there_or_no_model(tmp_path: Path) -> None:
    (tmp_path / "sky_other.py").write_text(MODEL.format(default=""))
    for name in ("Skye", "Out"):
        message = failure(tmp_path, f"sky_other:{name}")
        assert message == f"the model failed to load: sky_other:{name} is not a ReactorModel; sky_other has: Sky"


def test_a_module_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "sky_empty.py").write_text("")
    assert failure(tmp_path, "sky_empty:Sky").endswith("sky_empty has: none")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('no GPU here')", "RuntimeError: no GPU here"),
        ("import sys; sys.exit('bad arguments')", "SystemExit: bad arguments"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_an_import_that_breaks_carries_its_own_message(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "sky_broken.py").write_text(source)
    assert f"sky_broken in {tmp_path} cannot be imported: {message}" in failure(tmp_path, "sky_broken:Sky")


def test_a_mistake_of_the_author_is_told(tmp_path: Path) -> None:
    (tmp_path / "sky_mistake.py").write_text(MODEL.format(default="='a'"))
    assert failure(tmp_path, "sky_mistake:Sky") == (
        "the model failed to load: Sky.go(x): the default does not fit: expected integer, got str"
    )
