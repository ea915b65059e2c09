"""The `reactor` command: its errors are one line each."""

import re
import socket
from importlib.metadata import version
from pathlib import Path

import pytest

from reactor_cli.main import main

MANIFEST = "runtime: {import: 'no_model_here:Model'}\n"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "HOST", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr("sys.argv", ["reactor", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error."""
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("reactor: ")
    return line.removeprefix("reactor: ")


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"openreactor {version('openreactor')}\n"


def test_a_folder_without_a_manifest(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(monkeypatch, "run", str(tmp_path)) == 1
    assert error(capsys) == f"there is no reactor.yaml in {tmp_path}: give the folder of a model, or write one"


def test_a_malformed_manifest(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text("runtime: {import: nowhere}")
    assert run(monkeypatch, "run", str(tmp_path)) == 1
    assert 'runtime.import must say where the model is, as "module:Class"' in error(capsys)


def test_a_malformed_variable(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setenv("ORPHAN_TIMEOUT_SECONDS", "soon")
    assert run(monkeypatch, "run", str(tmp_path)) == 1
    assert error(capsys) == "ORPHAN_TIMEOUT_SECONDS must be a number, not 'soon'"


def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text(MANIFEST)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("reactor_runtime.serve.configure_logging", lambda *_: None)
        assert run(monkeypatch, "run", str(tmp_path), "--host", "127.0.0.1", "--port", str(port)) == 1
    assert re.match(
        rf"cannot listen on 127\.0\.0\.1:{port}: .*stop whatever listens there, or give another --port", error(capsys)
    )


@pytest.mark.parametrize("port", ["-1", "65536", "many"])
def test_a_port_that_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert run(monkeypatch, "run", ".", "--port", port) == 2
    assert "--port" in capsys.readouterr().err
