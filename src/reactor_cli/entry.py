"""Where the installed ``reactor`` script begins: it says so when the client was installed without the rest."""

from __future__ import annotations

import sys

try:
    from reactor_cli.main import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.startswith("reactor_"):
        raise
    sys.exit(f'reactor: {error.name} is missing: the command comes with "openreactor[runtime]"')

__all__ = ["main"]
