"""Modules that need the packages of the extra ``notebook``."""

from __future__ import annotations

import importlib
from typing import Any, Final

from reactor_protocol.errors import MissingExtraError

INSTALL: Final = "pip install 'openreactor[notebook]'"
PACKAGES: Final = ("anywidget", "ipywidgets", "matplotlib", "traitlets")


def module(name: str, what: str) -> Any:
    """A module of this package. Raises :class:`MissingExtraError` where ``what`` needs a package that is not installed."""
    try:
        return importlib.import_module(f"reactor_sdk.notebook.{name}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in PACKAGES:
            raise
        raise MissingExtraError(f"{what} needs the package {missing}: {INSTALL}") from error
