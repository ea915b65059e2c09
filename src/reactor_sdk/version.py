"""The version of this client, as it is told to servers."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed() -> str:
    try:
        return version("openreactor")
    except PackageNotFoundError:  # imported from a source tree that nobody installed
        return "0.0.0"


__version__: Final = _installed()

SDK_TYPE: Final = "python"
CLIENT_INFO: Final = {"sdk_version": __version__, "sdk_type": SDK_TYPE}
