"""What an operator decides: ``reactor-cloud.yaml``, or what is found on this machine without one. The only reader of either."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reactor_protocol.errors import InvalidArgumentError

DEFAULT_FILE = "reactor-cloud.yaml"
MODEL_FILE = "reactor.yaml"

_NO_MODELS = frozenset({"tests", "node_modules", "site-packages", "__pycache__"})
"""Folders whose models nobody means to serve; nor those of hidden folders and of environments."""
_MOST_FOLDERS = 20_000

PositiveSeconds = Annotated[float, Field(gt=0, le=7 * 86400)]


class CloudConfigError(InvalidArgumentError):
    """A configuration that cannot be used; the message names the place and says what would do."""

    code = "BAD_CONFIGURATION"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSpec(_Section):
    """One model: the folder with its ``reactor.yaml``, how many workers it may and should have, and what each of them needs.

    ``warm`` workers are kept ready although nobody waits; there are never more than ``max`` (None: as many as the pool holds).
    """

    path: Path
    warm: int = Field(default=1, ge=0, le=10_000)
    max: int | None = Field(default=None, ge=1, le=100_000)
    gpus: float = Field(default=0, ge=0, le=64)
    cpus: float = Field(default=1, ge=0, le=1024)
    max_session_seconds: PositiveSeconds | None = None
    load_seconds: PositiveSeconds = 600
    env: dict[str, str] = Field(default_factory=dict, repr=False)


class LocalPoolSpec(_Section):
    """Workers are processes on this machine: ``workers`` of them, else one for each GPU, else one for each model."""

    kind: Literal["local"] = "local"
    workers: int | None = Field(default=None, ge=1, le=1024)


class RayPoolSpec(_Section):
    """Workers are placed on a Ray cluster by the resources that their models ask for."""

    kind: Literal["ray"]
    address: str = "auto"
    namespace: str = "openreactor"
    max_workers: int = Field(default=64, ge=1, le=100_000)


class TurnSpec(_Section):
    """A TURN server with the usual shared secret (``use-auth-secret`` of coturn). Credentials live for ``ttl_seconds``."""

    urls: list[str] = Field(min_length=1, max_length=8)
    secret: str = Field(min_length=8, repr=False)
    ttl_seconds: int = Field(default=7200, ge=60, le=7 * 86400)


class IceSpec(_Section):
    """The STUN and TURN servers that clients and workers are told of."""

    stun: list[str] = Field(default_factory=list, max_length=8)
    turn: TurnSpec | None = None


class Limits(_Section):
    """Bounds and times, in seconds where they are times."""

    queue_length: int = Field(default=10_000, ge=0, le=1_000_000)
    sessions_per_key: int | None = Field(default=None, ge=1)
    sessions_per_minute: int | None = Field(default=None, ge=1)
    requests_per_second: float = Field(default=50, gt=0)
    request_burst: int = Field(default=200, ge=1)
    connections_per_session: int = Field(default=64, ge=1, le=1024)
    session_seconds: PositiveSeconds = 1200
    token_seconds: PositiveSeconds = 3600
    expiry_warning_seconds: PositiveSeconds = 60
    unseen_seconds: PositiveSeconds = 20
    claim_seconds: PositiveSeconds = 60
    resume_seconds: PositiveSeconds = 60
    restarts: int = Field(default=5, ge=0, le=1000)
    upload_bytes: int = Field(default=256 * 1024 * 1024, ge=1)
    uploads_per_session: int = Field(default=256, ge=1)
    upload_bytes_per_session: int = Field(default=2 * 1024**3, ge=1)
    upload_seconds: PositiveSeconds = 900
    drain_seconds: PositiveSeconds = 30
    closed_session_days: float = Field(default=30, gt=0)


class CloudConfig(_Section):
    """All of it. Paths are absolute once the file is read."""

    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    cluster: str = Field(default="local", max_length=64)
    public_url: str | None = None
    """Where clients reach this server, where that is not the address that they call it by."""
    internal_urls: list[str] = Field(default_factory=list, max_length=16)
    """Where workers reach the coordinators; else this one, on this machine."""
    database: str = Field(default="sqlite:///.reactor/coordinator.db", min_length=1, repr=False)
    """``postgresql://``, ``sqlite:///``, or the path of a file for SQLite."""
    uploads: str = Field(default="file:.reactor/uploads", min_length=1, repr=False)
    """A folder, or an object store: ``s3://``, ``gs://``, ``az://``."""
    allowed_origins: list[str] = Field(default_factory=lambda: ["*"])
    pool: LocalPoolSpec | RayPoolSpec = Field(default_factory=LocalPoolSpec, discriminator="kind")
    ice: IceSpec = Field(default_factory=IceSpec)
    limits: Limits = Field(default_factory=Limits)
    models: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")], ModelSpec]

    @model_validator(mode="before")
    @classmethod
    def _pool_kind(cls, body: Any) -> Any:
        if isinstance(body, dict) and isinstance(body.get("pool"), dict):
            return {**body, "pool": {"kind": "local", **body["pool"]}}
        return body


def read_config(file: Path | None) -> CloudConfig:
    """The configuration in ``file``; without one, in ``reactor-cloud.yaml`` here, else what is found here.

    Raises :class:`CloudConfigError`.
    """
    if file is None and Path(DEFAULT_FILE).is_file():
        file = Path(DEFAULT_FILE)
    return _found(Path.cwd()) if file is None else _read(file)


def _read(file: Path) -> CloudConfig:
    try:
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CloudConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CloudConfigError(f"{file} is not YAML: {_mistake(error)}") from error
    if not isinstance(body, dict):
        raise CloudConfigError(f"{file} must be a mapping, with models: at least")
    return parse_config(body, file.parent.resolve(), str(file))


def parse_config(body: dict[str, Any], base: Path, name: str = "the configuration") -> CloudConfig:
    """The configuration that a mapping says, with paths below ``base``. Raises :class:`CloudConfigError`."""
    try:
        config = CloudConfig.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise CloudConfigError(f"{name}: {place}: {first['msg']}") from error
    models = {slug: spec.model_copy(update={"path": (base / spec.path).resolve()}) for slug, spec in config.models.items()}
    for slug, spec in models.items():
        if not (spec.path / MODEL_FILE).is_file():
            raise CloudConfigError(f"{name}: models.{slug}.path: there is no {MODEL_FILE} in {spec.path}")
    return config.model_copy(
        update={
            "models": models,
            "database": _anchored(config.database, "sqlite:///", base),
            "uploads": _anchored(config.uploads, "file:", base),
        }
    )


def _anchored(url: str, scheme: str, base: Path) -> str:
    """A URL of a local file, or its plain path, as a URL with the path made absolute; other URLs as they are."""
    if url == f"{scheme}:memory:" or ("://" in url and not url.startswith(scheme)):
        return url
    return f"{scheme}{(base / url.removeprefix(scheme)).resolve()}"


def _found(here: Path) -> CloudConfig:
    """Every model below this folder, one worker each. Of several with one name the nearest has it, others go by their path."""
    folders = sorted(_model_folders(here), key=lambda each: (len(each.parts), each))
    if not folders:
        raise CloudConfigError(
            f"there is no {DEFAULT_FILE} here and no model ({MODEL_FILE}) in {here} or below: "
            "give --config FILE, or start where your models are"
        )
    models: dict[str, Any] = {}
    for folder in folders:
        slug = _slug(folder / MODEL_FILE)
        path = folder.relative_to(here).as_posix()
        models[path if slug in models else slug] = {"path": str(folder)}
    return parse_config({"models": models}, here)


def _model_folders(here: Path) -> Iterator[Path]:
    """Folders with a model, at any depth; links to folders are looked into, and not below."""
    for count, (folder, below, files) in enumerate(os.walk(here)):
        if count >= _MOST_FOLDERS:
            raise CloudConfigError(
                f"{here} has too many folders to look for models in: give --config FILE, or start where they are"
            )
        if "pyvenv.cfg" in files:
            below.clear()
            continue
        if MODEL_FILE in files:
            yield Path(folder)
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in _NO_MODELS)
        for name in below:
            if (link := Path(folder, name)).is_symlink() and (link / MODEL_FILE).is_file():
                yield link


def _mistake(error: Exception) -> str:
    """What is wrong with YAML, and where, in one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _slug(file: Path) -> str:
    """What a model is called: its own name in ``reactor.yaml``, else that of its folder."""
    try:
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CloudConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CloudConfigError(f"{file} is not YAML: {_mistake(error)}; mend it, or give --config FILE") from error
    model = body.get("model") if isinstance(body, dict) else None
    name = model.get("name") if isinstance(model, dict) else body.get("name") if isinstance(body, dict) else None
    return str(name or file.parent.resolve().name)
