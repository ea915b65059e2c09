"""reactor-cloud.yaml, and what is found without one."""

from pathlib import Path
from typing import Any

import pytest

from reactor_coordinator.config import CloudConfigError, LocalPoolSpec, RayPoolSpec, parse_config, read_config

MODEL = "model: {name: plain}\nruntime: {import: 'm:M'}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model(folder: Path, text: str = MODEL) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reactor.yaml").write_text(text)


def test_without_a_file_every_model_found_has_a_worker(here: Path) -> None:
    model(here / "examples" / "restyle", "runtime: {import: 'm:M'}\n")
    model(here / "mine")
    config = read_config(None)
    assert sorted(config.models) == ["plain", "restyle"]
    assert config.models["restyle"].path == here / "examples" / "restyle"
    assert config.models["plain"].warm == 1
    assert (config.host, config.port) == ("127.0.0.1", 8090)
    assert config.database == f"sqlite:///{here}/.reactor/coordinator.db"
    assert config.uploads == f"file:{here}/.reactor/uploads"
    assert config.pool == LocalPoolSpec()


def test_models_are_found_at_any_depth(here: Path) -> None:
    named = "model: {{name: {}}}\nruntime: {{import: 'm:M'}}\n"
    for folder in ("a/b/c/d", "worlds/car", ".hidden/x", "node_modules/y", "tests/models/z", "env/lib/w"):
        model(here / folder, named.format(folder.rpartition("/")[2]))
    (here / "env" / "pyvenv.cfg").touch()
    (here / "a" / "linked").symlink_to(here / "tests" / "models" / "z")
    config = read_config(None)
    assert {name: str(spec.path.relative_to(here)) for name, spec in config.models.items()} == {
        "car": "worlds/car",
        "d": "a/b/c/d",
        "z": "tests/models/z",
    }


def test_of_models_with_one_name_the_nearest_has_it(here: Path) -> None:
    for folder in ("far/away/echo", "echo", "other/echo"):
        model(here / folder, "model: {name: echo}\nruntime: {import: 'm:M'}\n")
    models = read_config(None).models
    assert {name: str(spec.path.relative_to(here)) for name, spec in models.items()} == {
        "echo": "echo",
        "other/echo": "other/echo",
        "far/away/echo": "far/away/echo",
    }


def test_a_manifest_of_the_2x_generation_has_its_name_at_the_top(here: Path) -> None:
    model(here / "folder", "model: m:M\nname: sky\n")
    assert list(read_config(None).models) == ["sky"]


def test_without_anything_the_error_says_what_to_do(here: Path) -> None:
    with pytest.raises(CloudConfigError, match="--config FILE"):
        read_config(None)


def test_the_file_of_the_folder_is_read_by_itself(here: Path) -> None:
    model(here / "m")
    (here / "reactor-cloud.yaml").write_text("models: {a: {path: m, warm: 0}}\npool: {workers: 3}\n")
    config = read_config(None)
    assert config.models["a"].warm == 0
    assert config.pool == LocalPoolSpec(workers=3)


def test_paths_are_those_of_the_file_and_not_of_the_caller(here: Path) -> None:
    model(here / "sub" / "m")
    file = here / "sub" / "cloud.yaml"
    file.write_text("models: {a: {path: m}}\ndatabase: sqlite:///state/c.db\n")
    config = read_config(file)
    assert config.models["a"].path == here / "sub" / "m"
    assert config.database == f"sqlite:///{here}/sub/state/c.db"


def test_other_databases_and_stores_are_left_as_they_are(here: Path) -> None:
    model(here / "m")
    body = {
        "models": {"a": {"path": "m"}},
        "database": "postgresql://u:p@h/db",
        "uploads": "s3://bucket/x",
        "pool": {"kind": "ray"},
    }
    config = parse_config(body, here)
    assert (config.database, config.uploads) == ("postgresql://u:p@h/db", "s3://bucket/x")
    assert config.pool == RayPoolSpec(kind="ray")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("/srv/files", "file:/srv/files"),
        ("files", "file:{here}/files"),
        ("./up/files", "file:{here}/up/files"),
        ("file:/srv/files", "file:/srv/files"),
        ("file:///srv/files", "file:/srv/files"),
        ("gs://bucket/x", "gs://bucket/x"),
    ],
)
def test_uploads_go_to_a_folder_by_its_plain_path(here: Path, given: str, meant: str) -> None:
    model(here / "m")
    config = parse_config({"models": {"a": {"path": "m"}}, "uploads": given}, here)
    assert config.uploads == meant.format(here=here)


def test_a_database_may_be_named_by_its_plain_path(here: Path) -> None:
    model(here / "m")
    config = parse_config({"models": {"a": {"path": "m"}}, "database": "state/c.db"}, here)
    assert config.database == f"sqlite:///{here}/state/c.db"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "models"),
        ({"models": {"a": {"path": "nowhere"}}}, "models.a.path"),
        ({"models": {"a b": {"path": "m"}}}, "models"),
        ({"models": {"a": {"path": "m", "warn": 1}}}, "models.a.warn"),
        ({"models": {"a": {"path": "m", "warm": -1}}}, "models.a.warm"),
        ({"models": {"a": {"path": "m"}}, "port": 70000}, "port"),
        ({"models": {"a": {"path": "m"}}, "limits": {"session_seconds": 0}}, "limits.session_seconds"),
        ({"models": {"a": {"path": "m"}}, "pool": {"kind": "cloud"}}, "pool"),
        ({"models": {"a": {"path": "m"}}, "ice": {"turn": {"urls": ["turn:h"], "secret": "short"}}}, "ice.turn.secret"),
    ],
)
def test_a_mistake_is_named_by_its_place(here: Path, body: dict[str, Any], told: str) -> None:
    model(here / "m")
    with pytest.raises(CloudConfigError, match=told.replace(".", r"\.")) as failed:
        parse_config(body, here)
    assert "short" not in str(failed.value).split("secret")[-1].split(":")[0]


@pytest.mark.parametrize(("text", "told"), [("a: [", "not YAML"), ("- 1", "must be a mapping")])
def test_a_file_that_is_no_configuration(here: Path, text: str, told: str) -> None:
    file = here / "c.yaml"
    file.write_text(text)
    with pytest.raises(CloudConfigError, match=told):
        read_config(file)


def test_a_file_that_is_not_there(here: Path) -> None:
    with pytest.raises(CloudConfigError, match="cannot be read"):
        read_config(here / "nothing.yaml")


def test_secrets_are_not_shown(here: Path) -> None:
    model(here / "m")
    turn = {"urls": ["turn:h:3478"], "secret": "a-long-secret"}
    config = parse_config({"models": {"a": {"path": "m", "env": {"TOKEN": "hush"}}}, "ice": {"turn": turn}}, here)
    assert "a-long-secret" not in repr(config)
    assert "hush" not in repr(config)
