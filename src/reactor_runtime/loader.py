"""Finds the model that a manifest names, and reads its contract."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field

from reactor_protocol.errors import ModelFailedError
from reactor_runtime.config import Manifest
from reactor_runtime.contract import Contract, read_contract
from reactor_runtime.model import ReactorApp
from reactor_runtime.playground import Playground, check_playground
from reactor_runtime.surroundings import authored


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model's class, what it offers, and what its manifest says of the playground."""

    model_class: type[ReactorApp]
    contract: Contract
    playground: Playground = field(default_factory=Playground)


def load_model(manifest: Manifest) -> LoadedModel:
    """Imports the class that the manifest names; its folder is put first on ``sys.path``.

    Raises :class:`ModelFailedError` that says what could not be imported, or what is wrong with the class or the manifest.
    """
    module_name, _, class_name = manifest.import_path.partition(":")
    directory = str(manifest.directory)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
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
        return LoadedModel(model, contract, manifest.playground)
    except (TypeError, ValueError) as error:
        raise ModelFailedError(f"the model failed to load: {error}") from error


def _is_told(error: BaseException) -> bool:
    """Whether the runtime itself has refused what an author has declared: the message says all then."""
    tail = error.__traceback__
    while tail is not None and tail.tb_next is not None:
        tail = tail.tb_next
    return tail is not None and str(tail.tb_frame.f_globals.get("__name__")).startswith("reactor_runtime.")
