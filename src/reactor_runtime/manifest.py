"""The manifest of a model, ``reactor.yaml``, for tests that ask what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reactor_runtime.config import MANIFEST, read_manifest


@dataclass(frozen=True)
class RuntimeConfig:
    """What names a model: ``model_ref`` is ``"module:Class"``, ``config_path`` the absolute path of its configuration."""

    model_ref: str
    model_name: str | None = None
    config_path: Path | None = None


def load_config(manifest: Path) -> RuntimeConfig:
    """Reads a manifest, or the one in a folder. Raises :class:`reactor_runtime.config.ConfigError` where it cannot be used."""
    read = read_manifest(Path(manifest))
    return RuntimeConfig(read.import_path, read.name or None, read.config)


__all__ = ["MANIFEST", "RuntimeConfig", "load_config"]
