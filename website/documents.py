"""The OpenAPI documents of both servers, without serving anything: routes only reach for their parts when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from reactor_coordinator.app import build_app as build_coordinator
from reactor_coordinator.config import CloudConfig
from reactor_coordinator.service import Service
from reactor_runtime.app import build_app as build_runtime
from reactor_runtime.config import Manifest, Settings
from reactor_runtime.runtime import Runtime
from reactor_testing.fake_peer import FakeNetwork


def runtime_document() -> dict[str, Any]:
    """What a runtime answers, whatever its model."""
    manifest = Manifest(Path(), "model:Model", "model", None)
    return build_runtime(Runtime(manifest, Settings(), FakeNetwork().make_peer)).openapi()


def coordinator_document() -> dict[str, Any]:
    """What a coordinator answers."""
    absent = cast(Any, None)
    service = Service(CloudConfig(models={}), *[absent] * 11)
    return build_coordinator(service).openapi()
