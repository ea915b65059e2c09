"""`reactor init`: what it makes runs, and its test passes."""

import subprocess
import sys
from pathlib import Path

import pytest

from reactor_cli.main import main
from reactor_cli.new_project import project_files
from reactor_cli.schema import read_schema
from reactor_protocol.errors import InvalidArgumentError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr("sys.argv", ["reactor", "init", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_a_new_model_passes_its_own_test_and_is_described(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "sky-painter") == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[1:] == [
        "  cd sky-painter",
        "  reactor run --host 127.0.0.1 --reload   # serves it; change it while it runs",
        "  reactor client send set_speed speed=2   # commands it, from another terminal",
        "  pip install pytest && python -m pytest  # tests it, without a network",
    ]
    folder = tmp_path / "sky-painter"
    assert sorted(each.name for each in folder.iterdir()) == [
        ".gitignore",
        "reactor.yaml",
        "sky_painter_model.py",
        "test_sky_painter_model.py",
    ]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout
    document = read_schema(str(folder))
    assert document["info"]["title"] == "sky-painter"
    assert list(document["paths"]) == ["/events/jump", "/events/set_speed", "/events/set_radius"]


def test_what_is_there_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep")
    assert run(monkeypatch, "mine") == 1
    assert "mine is there already, and not empty: choose another name" in capsys.readouterr().err
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["", "9lives", "a b", "../up", "x" * 64, "sky.painter"])
def test_a_name_that_no_module_can_have(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="a model's name is letters, digits, - and _"):
        project_files(name)


@pytest.mark.parametrize(("name", "model"), [("sky", "Sky"), ("sky_painter", "SkyPainter"), ("true", "TrueModel")])
def test_the_names_of_the_class(name: str, model: str) -> None:
    assert f"class {model}(ReactorApp):" in project_files(name)[f"{name}_model.py"]
