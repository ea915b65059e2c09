"""``python -m reactor_runtime.schema``: the document of a model that is not loaded."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reactor_runtime.schema import main

MODEL = """
import sys
from reactor_runtime import Output, ReactorApp, Video
print("a model may print")


class Out(Output):
    main_video: Video


class Sky(ReactorApp):
    def load(self, config_path):
        sys.exit("it was loaded")
"""


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sky_schema_model.py").write_text(MODEL)
    (tmp_path / "reactor.yaml").write_text('model: {name: sky}\nruntime: {import: "sky_schema_model:Sky"}\n')
    return tmp_path


def test_the_document_is_printed_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--path", str(folder)])
    printed = capsys.readouterr()
    assert json.loads(printed.out)["info"] == {"title": "sky", "version": "v0.0.0", "description": ""}
    assert printed.err == "a model may print\n"


@pytest.mark.parametrize(("given", "stamped"), [("1.4.0", "v1.4.0"), ("v1.4.0", "v1.4.0"), ("1.4.0-gac767ec", "v1.4.0-gac767ec")])
def test_it_is_written_with_its_version(folder: Path, given: str, stamped: str) -> None:
    out = folder / "deep" / "schema.json"
    main(["-p", str(folder), "-v", given, "-o", str(out)])
    assert json.loads(out.read_text())["info"]["version"] == stamped


def test_a_version_that_is_none_and_a_folder_without_a_model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(SystemExit, match="a version is X.Y.Z or X.Y.Z-g<hex>, with or without a leading v; got 'banana'"):
        main(["-p", str(folder), "-v", "banana"])
    with pytest.raises(SystemExit, match=r"there is no reactor\.yaml in"):
        main(["-p", str(tmp_path_factory.mktemp("empty"))])
    (folder / "sky_schema_model.py").write_text(MODEL.replace("main_video: Video", "main_video = Video"))
    with pytest.raises(SystemExit, match="the model failed to load: Out.main_video: a track is an annotation"):
        main(["-p", str(folder)])
