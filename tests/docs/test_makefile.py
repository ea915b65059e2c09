"""What each target of the Makefile installs: what it needs, and nothing that another one has installed."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

INSTALLED = re.compile(r'pip install [^"]*"\.\[([a-z,]+)\]"')


def installs(target: str, venv: Path) -> list[str]:
    """The extras that a target would install into that environment, in order."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    command = ["make", "--dry-run", "--no-print-directory", f"VENV={venv}", target]
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=True, timeout=30)
    assert "--quiet" not in " ".join(line for line in done.stdout.splitlines() if "pip install" in line)
    return INSTALLED.findall(done.stdout)


@pytest.mark.parametrize(
    ("target", "extras"),
    [("demo", ["runtime"]), ("play", ["worlds"]), ("test-fast", ["dev"]), ("lint", ["dev"]), ("miniature", ["dev", "train"])],
)
def test_a_fresh_clone_installs_what_the_target_needs(target: str, extras: list[str], tmp_path: Path) -> None:
    assert installs(target, tmp_path / "venv") == extras


@pytest.mark.parametrize(
    ("stamps", "target", "extras"),
    [
        ([".runtime"], "demo", []),
        ([".runtime"], "test-fast", ["dev"]),
        ([".runtime", ".worlds"], "play", []),
        ([".runtime", ".worlds", ".ready"], "demo", []),
        ([".runtime", ".worlds", ".ready"], "miniature", ["train"]),
    ],
)
def test_what_is_there_is_not_installed_again(stamps: list[str], target: str, extras: list[str], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for made in ["bin/pip", *stamps]:
        (tmp_path / made).touch()
    assert installs(target, tmp_path) == extras
