"""What Tab offers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reactor_cli.completion import command_names, commands_of, model_folders

COMPLETE = "import sys; sys.argv = ['reactor']; from reactor_cli.main import main; main()"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sky", "deep/sea", "empty", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("sky", "deep/sea", ".hidden"):
        (tmp_path / name / "reactor.yaml").touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("", ["deep", "sky"]), ("s", ["sky"]), ("deep/", ["deep/sea"]), ("x", []), ("nowhere/", [])],
)
def test_folders_with_a_model(typed: str, offered: list[str]) -> None:
    assert model_folders(typed) == offered


def test_this_folder() -> None:
    Path("reactor.yaml").touch()
    assert model_folders("")[0] == "."


def test_commands_of_a_document() -> None:
    document = {"paths": {"/events/jump": {"post": {"description": "Jumps."}}, "/events/stop": {"post": {}}, "/other/x": {}}}
    assert commands_of(document) == [("jump", "Jumps."), ("stop", "")]
    nothings: list[object] = [None, [], {"paths": 1}, {"paths": {"/events/x": 1}}]
    for nothing in nothings:
        assert commands_of(nothing) == []


def test_no_commands_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://127.0.0.1:9", "file:///etc/passwd", "nonsense"):
        monkeypatch.setenv("REACTOR_LOCAL_URL", url)
        assert command_names("") == []


@pytest.mark.parametrize(
    ("shell", "typed", "offered"),
    [
        ("bash", {"COMP_WORDS": "reactor run s", "COMP_CWORD": "2"}, "sky\n"),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "reactor d"}, '"doctor":'),
        ("fish", {"_TYPER_COMPLETE_ARGS": "reactor d", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "doctor\tFind out what"),
    ],
)
def test_shells(shell: str, typed: dict[str, str], offered: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", COMPLETE],
        env={**os.environ, "_REACTOR_COMPLETE": f"complete_{shell}", **typed},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0
    assert offered in ended.stdout
