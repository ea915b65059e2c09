"""The example models, from one file each, give the same schema document under our runtime and under the published one."""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tests.interop.children import Child
from tests.interop.servers import START_SECONDS, Server
from tests.ports import free_port

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIFE_SECONDS = 150.0
BOTH = pytest.mark.against("runtime", "reactor-runtime", "3.10.0", "our example models from one file each: schema, service")


def schema(python: str | Path, model: str, folder: Path, name: str) -> dict[str, Any]:
    """What ``python -m reactor_runtime.schema`` of that interpreter writes about an example."""
    out = folder / "made" / f"{name}.json"
    words = ["--path", EXAMPLES / model, "--version", "v1.0.0", "--out", out]
    argv = [python, "-m", "reactor_runtime.schema", *words]
    with Child(argv, cwd=folder, env={}, log=folder / name, seconds=LIFE_SECONDS) as child:
        assert child.wait() == 0, child.log()
    document: dict[str, Any] = json.loads(out.read_text())
    return document


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where two documents differ, key by key; the order of keys, which is that of declaration, counts too."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = [f"{path}: keys {list(ours)} and {list(theirs)}"] if list(ours) != list(theirs) else []
        for key in ours.keys() & theirs.keys():
            found += differences(ours[key], theirs[key], f"{path}/{key}")
        return found
    same = type(ours) is type(theirs) and ours == theirs
    return [] if same else [f"{path}: {ours!r} and {theirs!r}"]


@pytest.mark.network
@BOTH
@pytest.mark.parametrize("model", ["echo", "brightness"])
def test_an_example_has_the_same_schema_under_both_runtimes(model: str, published_runtime_python: Path, tmp_path: Path) -> None:
    ours = schema(sys.executable, model, tmp_path, "ours")
    theirs = schema(published_runtime_python, model, tmp_path, "theirs")
    assert ours["info"]["title"] == model
    assert ours["info"]["version"] == "v1.0.0"
    assert differences(ours, theirs) == []


@pytest.mark.network
@BOTH
@pytest.mark.parametrize("model", ["echo", "brightness"])
@pytest.mark.parametrize("runtime", ["ours", "published"])
def test_an_example_is_served_by_both_runtimes(model: str, runtime: str, published_runtime_python: Path, tmp_path: Path) -> None:
    port = free_port()
    python = sys.executable if runtime == "ours" else published_runtime_python
    env = {"HOST": "127.0.0.1", "PORT": str(port), "STUN_SERVERS": "stun:stun.invalid:3478", "SIGTERM_GRACE_PERIOD": "2"}
    argv = [python, "-m", "reactor_runtime.serve"]
    with Child(argv, cwd=EXAMPLES / model, env=env, log=tmp_path / runtime, seconds=LIFE_SECONDS) as child:
        server = Server(f"http://127.0.0.1:{port}", child)
        server.wait_for("/health", "available", START_SECONDS)
        with urlopen(Request(f"{server.url}/start_session", b"{}", {"Content-Type": "application/json"}), timeout=40) as answer:
            assert answer.status == 200
        server.wait_for("/session", "waiting", START_SECONDS)
        with urlopen(f"{server.url}/schema", timeout=40) as answer:
            assert json.load(answer)["info"]["title"] == model


def test_differences_are_found() -> None:
    assert differences({"a": 1, "b": [1]}, {"a": 1.0, "b": [1]}) == ["/a: 1 and 1.0"]
    assert differences({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}) == ["/a: keys ['b'] and ['b', 'c']"]
    assert differences({"a": 1, "b": 2}, {"b": 2, "a": 1}) == [": keys ['a', 'b'] and ['b', 'a']"]
