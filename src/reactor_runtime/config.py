"""Settings from the environment and the manifest; the only module here that reads either."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.names import (
    ENV_WORKER_COORDINATORS,
    ENV_WORKER_ID,
    ENV_WORKER_PATIENCE,
    ENV_WORKER_SECRET,
    PING_TIMEOUT_S,
    WORKER_PATIENCE_S,
)
from reactor_rtc.port import IceServer, PeerConfig
from reactor_runtime.floods import FloodLimits
from reactor_runtime.manifest_keys import slips
from reactor_runtime.playground import Playground, read_playground
from reactor_runtime.quality import Quality, over, quality_of_environment, quality_of_manifest
from reactor_runtime.recording.options import RecordingOptions, read_recording
from reactor_runtime.second_generation import first_in, told_as_first

logger = logging.getLogger(__name__)

MANIFEST = "reactor.yaml"


class ConfigError(InvalidArgumentError):
    """A setting or manifest that cannot be used; the message names it and says what would do."""

    code = "BAD_CONFIGURATION"


@dataclass(frozen=True)
class Manifest:
    """What ``reactor.yaml`` says: where the model is, and what it is called."""

    directory: Path
    import_path: str
    name: str
    config: Path | None
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    media: Quality = field(default_factory=Quality)
    playground: Playground = field(default_factory=Playground)
    generation: Literal[2, 3] = 3
    """Of the authoring API that the model is written for."""
    weights: Path | None = None
    """Where weights are, unless the environment says otherwise."""


@dataclass(frozen=True)
class WorkerSettings:
    """What makes a runtime a worker: who it is, what it is known by, and the base URLs of its coordinators, without a last slash.

    ``patience`` is for how many seconds it goes on without a session and without an answer; 0 or less is for ever.
    """

    id: str
    secret: str = field(repr=False)
    coordinators: tuple[str, ...]
    patience: float = WORKER_PATIENCE_S


@dataclass(frozen=True)
class ModelSettings:
    """How the model runs. Times are in seconds, and 0 or less switches a deadline off.

    ``isolate`` gives it a process of its own: only there can a crash be survived, and a deadline be kept. ``crash_limit`` crashes
    in a row are its end. ``step_deadline`` is for how long a step or a handler may block the model's loop, ``handler_deadline``
    for how long a handler or hook may take in all. ``reload`` begins the model anew whenever its sources change.
    """

    isolate: bool = False
    crash_limit: int = 5
    step_deadline: float = 60.0
    handler_deadline: float = 60.0
    reload: bool = False


@dataclass(frozen=True)
class Settings:
    """Settings of a runtime. Times are in seconds, and 0 or less switches a timeout off. ``worker`` is set in a worker.

    ``recordings_dir`` is where recordings are kept; None is a temporary folder.
    """

    host: str = "0.0.0.0"
    port: int = 8080
    ping_timeout: float = PING_TIMEOUT_S
    orphan_timeout: float = 60.0
    negotiation_timeout: float = 30.0
    disconnect_grace: float = 10.0
    max_connections: int = 64
    floods: FloodLimits = field(default_factory=FloodLimits)
    log_level: str = "INFO"
    log_format: str = "text"
    peer: PeerConfig = field(default_factory=PeerConfig)
    worker: WorkerSettings | None = None
    recordings_dir: Path | None = None
    model: ModelSettings = field(default_factory=ModelSettings)


def read_manifest(path: Path) -> Manifest:
    """Reads ``reactor.yaml`` in a folder, or the file itself (reference: runtime, 2.1)."""
    file = path / MANIFEST if path.is_dir() else path
    if not file.is_file():
        if path.is_dir() and (old := first_in(path)) is not None:
            raise ConfigError(told_as_first(f"{path / old}"))
        raise ConfigError(f"there is no {MANIFEST} in {path}: give the folder of a model, or write one")
    try:
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not YAML: {_mistake(error)}") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    if not isinstance(body, dict):
        raise ConfigError(f"{file} must be a mapping, with model: and runtime:")
    for key, meant in slips(body):
        logger.warning("%s: nothing reads %s: did you mean %s?", file, key, meant)
    flat = isinstance(body.get("model"), str) and "runtime" not in body
    runtime = body if flat else _section(file, body, "runtime")
    entry, import_path = ("model", body["model"]) if flat else ("runtime.import", runtime.get("import"))
    if not isinstance(import_path, str) or import_path.count(":") != 1:
        raise ConfigError(f'{file}: {entry} must say where the model is, as "module:Class"; got {import_path!r}')
    config = runtime.get("config")
    directory = file.parent.resolve()
    return Manifest(
        directory=directory,
        import_path=import_path,
        name=str((body if flat else _section(file, body, "model")).get("name") or ""),
        config=(directory / str(config)).resolve() if config else None,
        generation=2 if flat else 3,
        weights=(directory / Path(str(weights)).expanduser()).resolve() if (weights := runtime.get("weights_path")) else None,
        recording=_recording(file, body, runtime),
        media=_media(file, runtime),
        playground=_playground(file, body),
    )


def _mistake(error: Exception) -> str:
    """What is wrong with YAML, and where, in one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _media(file: Path, runtime: Mapping[str, Any]) -> Quality:
    try:
        return quality_of_manifest(_section(file, runtime, "media"))
    except ConfigError:
        raise
    except InvalidArgumentError as error:
        raise ConfigError(f"{file}: runtime.{error}") from error


def _recording(file: Path, body: Mapping[str, Any], runtime: Mapping[str, Any]) -> RecordingOptions:
    """The section below ``runtime``, or the one at the top where manifests used to have it."""
    given = runtime if runtime.get("recording") is not None else body
    section = _section(file, given, "recording")
    try:
        return read_recording(section)
    except InvalidArgumentError as error:
        raise ConfigError(f"{file}: {error}") from error


def _playground(file: Path, body: Mapping[str, Any]) -> Playground:
    section = _section(file, body, "playground")
    try:
        return read_playground(section, file.parent.resolve())
    except InvalidArgumentError as error:
        raise ConfigError(f"{file}: {error}") from error


def _section(file: Path, body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = body.get(name) or {}
    if not isinstance(section, dict):
        raise ConfigError(f"{file}: {name} must be a mapping")
    return section


def get_weights_path() -> Path:
    """The folder for a model's weights: ``REACTOR_WEIGHTS_PATH``, or ``~/.cache/reactor_registry``. It may not be there yet."""
    given = os.environ.get("REACTOR_WEIGHTS_PATH", "").strip()
    return Path(given).expanduser() if given else Path.home() / ".cache" / "reactor_registry"


def use_weights(manifest: Manifest) -> None:
    """Has :func:`get_weights_path` give what the manifest says, where the environment says nothing."""
    if manifest.weights is not None and not os.environ.get("REACTOR_WEIGHTS_PATH", "").strip():
        os.environ["REACTOR_WEIGHTS_PATH"] = str(manifest.weights)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (reference: runtime, 2.3). Raises :class:`ConfigError` for a malformed value."""
    env = os.environ if environ is None else environ
    port = _number(env, "PORT", 8080.0)
    if not 0 <= port <= 65535 or not port.is_integer():
        raise ConfigError(f"PORT must be a whole number of 0 to 65535, not {port:g}")
    return Settings(
        host=env.get("HOST") or "0.0.0.0",
        port=int(port),
        ping_timeout=_number(env, "WEBRTC_CLIENT_PING_TIMEOUT_SECONDS", PING_TIMEOUT_S),
        orphan_timeout=_number(env, "ORPHAN_TIMEOUT_SECONDS", 60.0),
        disconnect_grace=_number(env, "WEBRTC_DISCONNECT_GRACE_SECONDS", 10.0),
        max_connections=_count(env, "REACTOR_MAX_CONNECTIONS", 64, 1, 4096),
        floods=_floods(env),
        log_level=_choice(env, "REACTOR_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
        log_format=_choice(env, "REACTOR_LOG_FORMAT", "text", ("text", "json")),
        peer=_peer_config(env),
        worker=_worker(env),
        recordings_dir=_folder(env, "REACTOR_RECORDINGS_DIR"),
        model=_model(env),
    )


def _floods(env: Mapping[str, str]) -> FloodLimits:
    """What one client may send; bursts and waiting lines keep their proportions."""
    default = FloodLimits()
    messages = _count(env, "REACTOR_CLIENT_MESSAGES_PER_SECOND", round(default.messages), 1, 100_000)
    kib = _count(env, "REACTOR_CLIENT_KIB_PER_SECOND", round(default.size / 1024), 1, 1024 * 1024)
    many, large = messages / default.messages, kib * 1024 / default.size
    return FloodLimits(
        messages=float(messages),
        messages_burst=max(1.0, default.messages_burst * many),
        size=kib * 1024.0,
        size_burst=default.size_burst * large,
        waiting=max(1, round(default.waiting * many)),
        waiting_bytes=default.waiting_bytes,
        frames=max(default.frames, default.frames * many),
        frames_burst=max(default.frames_burst, default.frames_burst * many),
    )


def _model(env: Mapping[str, str]) -> ModelSettings:
    default = ModelSettings()
    return ModelSettings(
        isolate=_choice(env, "REACTOR_INLINE", "0", ("0", "1")) == "0",
        crash_limit=_count(env, "REACTOR_CRASH_LIMIT", default.crash_limit, 0, 1000),
        step_deadline=_number(env, "REACTOR_STEP_DEADLINE_SECONDS", default.step_deadline),
        handler_deadline=_number(env, "REACTOR_HANDLER_DEADLINE_SECONDS", default.handler_deadline),
    )


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    given = env.get(name, "").strip()
    return Path(given).expanduser().resolve() if given else None


_WORKER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRET = re.compile(r"[!-~]{1,512}")


def _worker(env: Mapping[str, str]) -> WorkerSettings | None:
    """The settings of a worker, or None where none are given: half of them would open a runtime to everybody."""
    worker_id, secret, urls = (env.get(name, "").strip() for name in (ENV_WORKER_ID, ENV_WORKER_SECRET, ENV_WORKER_COORDINATORS))
    if not (worker_id or secret or urls):
        return None
    for name, value in ((ENV_WORKER_ID, worker_id), (ENV_WORKER_SECRET, secret), (ENV_WORKER_COORDINATORS, urls)):
        if not value:
            raise ConfigError(
                f"{name} is missing: a worker needs {ENV_WORKER_ID}, {ENV_WORKER_SECRET} and {ENV_WORKER_COORDINATORS}"
            )
    if not _WORKER_ID.fullmatch(worker_id):
        raise ConfigError(f"{ENV_WORKER_ID} is at most 64 letters, digits, dots, dashes and underscores, not {worker_id!r}")
    if not _SECRET.fullmatch(secret):
        raise ConfigError(f"{ENV_WORKER_SECRET} is at most 512 visible ASCII characters, without blanks")
    return WorkerSettings(worker_id, secret, _coordinators(urls), _number(env, ENV_WORKER_PATIENCE, WORKER_PATIENCE_S))


def _coordinators(text: str) -> tuple[str, ...]:
    urls = [url.strip().rstrip("/") for url in text.split(",") if url.strip()]
    for number, url in enumerate(urls):
        if not _is_base_url(url):
            # The entry may hold a password: it is named by its place alone.
            raise ConfigError(
                f"{ENV_WORKER_COORDINATORS}: entry {number + 1} must be http://host:port or https://host:port, "
                "without user, query or fragment"
            )
    if not urls:
        raise ConfigError(f"{ENV_WORKER_COORDINATORS} names no coordinator: give http://host:port, with commas between several")
    return tuple(dict.fromkeys(urls))


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and plain and " " not in url


def _peer_config(env: Mapping[str, str]) -> PeerConfig:
    policy = _choice(env, "ICE_TRANSPORT_POLICY", "all", ("all", "relay"))
    peer = PeerConfig(
        ice_servers=(*_stun_servers(env), *_turn_servers(env)), relay_only=policy == "relay", port_range=_port_range(env)
    )
    return _with_quality(peer, _quality(env))


def _with_quality(peer: PeerConfig, quality: Quality) -> PeerConfig:
    try:
        return quality.applied(peer)
    except InvalidArgumentError as error:
        raise ConfigError(f"WEBRTC_BWE_MIN_KBPS, _INITIAL_KBPS, _MAX_KBPS: {error}") from error


def with_manifest(settings: Settings, manifest: Manifest, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings with what the manifest says of media, where the environment says nothing. Raises :class:`ConfigError`."""
    env = os.environ if environ is None else environ
    return replace(settings, peer=_with_quality(settings.peer, over(_quality(env), manifest.media)))


def _quality(env: Mapping[str, str]) -> Quality:
    try:
        return quality_of_environment(env)
    except InvalidArgumentError as error:
        raise ConfigError(str(error)) from error


def _stun_servers(env: Mapping[str, str]) -> list[IceServer]:
    urls = [url.strip() for url in env.get("STUN_SERVERS", "").split(",") if url.strip()]
    for url in urls:
        if not url.startswith(("stun:", "stuns:")):
            raise ConfigError(f"STUN_SERVERS: {url!r} must begin with stun: or stuns:")
    return [IceServer((url,)) for url in urls]


def _turn_servers(env: Mapping[str, str]) -> list[IceServer]:
    servers = []
    for number, entry in enumerate(part for part in env.get("TURN_SERVERS", "").split(",") if part.strip()):
        fields = [value.strip() for value in entry.split(";")]
        if len(fields) != 3 or not fields[2].startswith(("turn:", "turns:")):
            # The entry holds a password: it is named by its place alone.
            raise ConfigError(f"TURN_SERVERS: entry {number + 1} must be username;credential;turn:host:port")
        servers.append(IceServer((fields[2],), fields[0], fields[1]))
    return servers


def _port_range(env: Mapping[str, str]) -> tuple[int, int] | None:
    text = env.get("WEBRTC_PORT_RANGE", "").strip()
    if not text:
        return None
    low, separator, high = text.partition(":")
    try:
        ports = int(low or 1024), int(high or 65535)
    except ValueError:
        ports = (0, 0)
    if not separator or not 1024 <= ports[0] <= ports[1] <= 65535:
        raise ConfigError(f"WEBRTC_PORT_RANGE must be min:max within 1024:65535, not {text!r}")
    return ports


def _choice(env: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of ``choices``, in whichever case it is written."""
    text = env.get(name, "").strip() or default
    for choice in choices:
        if choice.lower() == text.lower():
            return choice
    raise ConfigError(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not {text!r}")


def _count(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    number = _number(env, name, float(default))
    if not number.is_integer() or not low <= number <= high:
        raise ConfigError(f"{name} must be a whole number of {low} to {high}, not {number:g}")
    return int(number)


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{name} must be a number, not {text!r}")
    return number
