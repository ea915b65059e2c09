"""Finds the model that a manifest names, and reads its contract."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reactor_protocol.errors import ModelFailedError
from reactor_runtime.config import Manifest, use_weights
from reactor_runtime.contract import Contract, read_contract
from reactor_runtime.model import ReactorApp
from reactor_runtime.playground import Playground, check_playground
from reactor_runtime.second_generation import is_of_first, read_configuration, told_as_first, wants_mapping
from reactor_runtime.surroundings import authored


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model's class, what it offers, and what its manifest says of the playground."""

    model_class: type[ReactorApp]
    contract: Contract
    playground: Playground = field(default_factory=Playground)
    config: Path | dict[str, Any] | None = None
    """What ``load`` is given: where the configuration is, or, in the second generation, what it says."""


def load_model(manifest: Manifest) -> LoadedModel:
    """Imports the class that the manifest names; its folder is put first on ``sys.path``.

    Raises :class:`ModelFailedError` that says what could not be imported, or what is wrong with the class or the manifest.
    """
    module_name, _, class_name = manifest.import_path.partition(":")
    directory = str(manifest.directory)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    use_weights(manifest)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        if is_of_first(error):
            raise ModelFailedError(f"the model failed to load: {told_as_first(manifest.import_path)}") from error
        if isinstance(error, TypeError | ValueError) and _is_told(error):
            raise ModelFailedError(f"the model failed to load: {error}") from error
        raise ModelFailedError(
            f"the model failed to load: {module_name} in {directory} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    model = getattr(module, class_name, None)
    if not (isinstance(model, type) and issubclass(model, ReactorApp) and authored(model)):
        known = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, ReactorApp) and authored(v)]
        raise ModelFailedError(
            f"the model failed to load: {manifest.import_path} is not a ReactorModel; "
            f"{module_name} has: {', '.join(known) or 'none'}"
        )
    try:
        contract = read_contract(model, manifest.name)
        check_playground(manifest.playground, contract)
        return LoadedModel(model, contract, manifest.playground, _configuration(manifest, model))
    except (TypeError, ValueError) as error:
        raise ModelFailedError(f"the model failed to load: {error}") from error


def _configuration(manifest: Manifest, model: type[ReactorApp]) -> Path | dict[str, Any] | None:
    if manifest.generation == 2 or wants_mapping(model):
        return read_configuration(manifest.config)
    return manifest.config


def _is_told(error: BaseException) -> bool:
    """Whether the runtime itself has refused what an author has declared: the message says all then."""
    tail = error.__traceback__
    while tail is not None and tail.tb_next is not None:
        tail = tail.tb_next
    return tail is not None and str(tail.tb_frame.f_globals.get("__name__")).startswith("reactor_runtime.")
