"""The installed script: what it says when the client was installed alone."""

from __future__ import annotations

import subprocess
import sys

_WITHOUT_TYPER = """
import sys
sys.modules["typer"] = None
import reactor_cli.entry
"""


def test_a_client_installed_alone_is_told_what_the_command_needs() -> None:
    ended = subprocess.run([sys.executable, "-c", _WITHOUT_TYPER], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.strip() == 'reactor: typer is missing: the command comes with "openreactor[runtime]"'
