"""The `reactor` command: its errors are one line each."""

import json
import re
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from reactor_cli.main import main

MANIFEST = "runtime: {import: 'no_model_here:Model'}\n"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "HOST", "FORCE_COLOR", "REACTOR_DEBUG"):
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


def test_an_address_of_another_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "reactor.yaml").write_text(MANIFEST)
    monkeypatch.setattr("reactor_runtime.serve.configure_logging", lambda *_: None)
    assert run(monkeypatch, "run", str(tmp_path), "--host", "203.0.113.1", "--port", "0") == 1
    assert error(capsys) == (
        "cannot listen on 203.0.113.1:0: Cannot assign requested address; give an address of this machine as --host"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "many"])
def test_a_port_that_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert run(monkeypatch, "run", ".", "--port", port) == 2
    assert "--port" in capsys.readouterr().err


def test_errors_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(monkeypatch, "run", str(tmp_path), "--json") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err) == {
        "error": {
            "code": "BAD_CONFIGURATION",
            "message": f"there is no reactor.yaml in {tmp_path}: give the folder of a model, or write one",
        }
    }
    assert run(monkeypatch, "schema", "--josn", "--json") == 2
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "USAGE"


def test_yaml_with_a_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "reactor.yaml").write_text("model: {name: sky\nruntime: x")
    assert run(monkeypatch, "run", str(tmp_path)) == 1
    assert error(capsys) == f"{tmp_path}/reactor.yaml is not YAML: line 2, column 8: expected ',' or '}}', but got ':'"


def test_misuse_names_the_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "client", "send") == 2
    assert error(capsys) == "Missing argument 'command' (reactor client send --help)"
    assert run(monkeypatch, "clien") == 2
    assert error(capsys) == "No such command 'clien'. Did you mean 'client'? (reactor --help)"


@pytest.mark.parametrize("switch", ["option", "variable"])
def test_a_traceback_only_where_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, switch: str
) -> None:
    if switch == "variable":
        monkeypatch.setenv("REACTOR_DEBUG", "1")
    assert run(monkeypatch, "run", str(tmp_path), *(["--debug"] if switch == "option" else [])) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == f"reactor: there is no reactor.yaml in {tmp_path}: give the folder of a model, or write one"


def test_what_cannot_be_written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    document = tmp_path / "schema.json"
    document.write_text("{}")
    assert run(monkeypatch, "schema", str(document), "-o", f"{document}/below.json") == 1
    assert error(capsys) == f"{document}: File exists"


PANELS = {
    "Make a model": ["init", "run", "schema"],
    "Use a model": ["client", "codegen"],
    "Find out what is wrong, and how fast it is": ["doctor", "bench"],
    "Serve many clients": ["coordinator", "keys", "sessions", "workers"],
}


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_commands_are_listed_in_the_order_in_which_they_are_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(monkeypatch, *arguments) == 0
    text = capsys.readouterr().out
    panels: dict[str, list[str]] = {}
    for line in text.splitlines():
        if match := re.match(r"╭─ (.*?) ─", line):
            panels[match[1]] = []
        elif (match := re.match(r"│ ([a-z]+)  ", line)) and panels:
            list(panels.values())[-1].append(match[1])
    assert {name: names for name, names in panels.items() if name != "Options"} == PANELS
    assert "reactor init sky && cd sky && reactor run" in text


def test_every_command_shows_how_it_is_typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (name for names in PANELS.values() for name in names):
        assert run(monkeypatch, name, "--help") == 0
        text = capsys.readouterr().out
        assert f"For example\n $ reactor {name}" in "\n".join(line.rstrip() for line in text.splitlines()), text


_WITHOUT = """
import sys
from reactor_cli.main import main
slow = {"aiohttp", "numpy", "pydantic", "sqlalchemy", "webrtc", "yaml", "fastapi", "av"} & set(sys.modules)
assert not slow, slow
sys.argv = ["reactor", *sys.argv[1:]]
main()
"""


def test_nothing_slow_is_loaded_to_show_the_help_and_mistakes_of_ours_are_one_line() -> None:
    ended = subprocess.run([sys.executable, "-c", _WITHOUT, "--help"], capture_output=True, text=True, timeout=50, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    broken = _WITHOUT.replace("main()\n", "import reactor_cli.main as m; m.get_command = None; main()\n")
    ended = subprocess.run([sys.executable, "-c", broken, "--help"], capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 1
    assert ended.stderr == (
        "reactor: this is a mistake of ours, not of yours: TypeError: 'NoneType' object is not callable "
        "(--debug shows where; please report it)\n"
    )


def test_nobody_reads_on() -> None:
    script = "import os, sys\nread, write = os.pipe()\nos.close(read)\nos.dup2(write, 1)\n" + _WITHOUT
    ended = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, timeout=50, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
