"""Virtual environments for the published packages: made once under ``.cache/venvs``, then reused."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import Command, LegFailed, run_to_end
from benchmarks.environment import ROOT, clean_environment

INSTALL_S = 600.0
"""How long one installation may take, in seconds."""
STAMP = "complete.txt"
"""Written last, so that a half-made environment is made again. The interoperability tests use the same names."""
PYTHON_312 = "import sys; raise SystemExit(sys.version_info[:2] != (3, 12))"


@dataclass(frozen=True)
class Venvs:
    """The folder of environments, the Python 3.12 that they are made with, and where progress is told."""

    folder: Path
    logs: Path
    tell: Callable[[str], None]

    def python(self, *requirements: str) -> Path:
        """The interpreter of an environment that holds `requirements`. Raises LegFailed when it cannot be made."""
        wanted = " ".join(requirements)
        name = wanted.replace("==", "-").replace(" ", "-")
        venv = self.folder / name
        interpreter, stamp = venv / "bin" / "python", venv / STAMP
        if stamp.is_file() and stamp.read_text() == wanted and interpreter.exists():
            return interpreter
        base = find_python_312()
        if base is None:
            raise LegFailed("no Python 3.12 on this machine")
        self.tell(f"installing {wanted} under {venv}")
        venv.parent.mkdir(parents=True, exist_ok=True)
        self._run(f"venv-{name}", [str(base), "-m", "venv", "--clear", str(venv)])
        self._run(f"install-{name}", [str(interpreter), "-m", "pip", "install", "--no-input", *requirements])
        stamp.write_text(wanted)
        return interpreter

    def _run(self, name: str, argv: list[str]) -> None:
        run_to_end(Command(name, argv, ROOT, clean_environment(), INSTALL_S), self.logs / f"{name}.log")


def find_python_312() -> Path | None:
    """A Python 3.12 that really starts: on PATH, or among pyenv's versions."""
    on_path = shutil.which("python3.12")
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted(Path.home().glob(".pyenv/versions/3.12*/bin/python"), reverse=True)
    for candidate in candidates:
        # A shim on PATH may exist and still have no version behind it.
        probe = subprocess.run([candidate, "-c", PYTHON_312], capture_output=True, timeout=30, check=False)
        if probe.returncode == 0:
            return candidate
    return None
