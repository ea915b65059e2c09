"""What the suite needs on the machine: found, or installed where that can be done, or a skip that says so."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"

INSTALL_SECONDS = 240.0

Say = Callable[[str], None]


def cache_folder(name: str) -> Path:
    """A folder that outlives the run; the cache keeps itself out of version control."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Lets one process at a time make what is missing: test runs have several, which share the cache."""
    with (cache_folder("locks") / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(argv: Sequence[str | Path], *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Runs an installation step to its end; what it printed is in the error when it fails."""
    done = subprocess.run(
        argv,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))} exited with {done.returncode}:\n{done.stdout}")


def command(name: str, packages: Sequence[str], say: Say) -> str:
    """The path of a program, installed from the distribution's packages when it is missing and that is allowed."""
    if found := shutil.which(name):
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(f"{name} is not on this machine, and cannot be installed here")
    with alone("apt"):
        if not shutil.which(name):
            say(f"installing {name}")
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            run(["apt-get", "update"], env=quiet)
            run(["apt-get", "install", "--yes", "--no-install-recommends", *packages], env=quiet)
    found = shutil.which(name)
    assert found, f"{name} is not there after its installation"
    return found


def apt_packages(name: str, packages: Sequence[str], is_there: Callable[[], bool], say: Say) -> None:
    """Installs the distribution's packages of something that is no program, when it is missing and that is allowed."""
    if is_there():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(f"{name} is not on this machine, and cannot be installed here")
    with alone("apt"):
        if not is_there():
            say(f"installing {name}")
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            run(["apt-get", "update"], env=quiet)
            run(["apt-get", "install", "--yes", "--no-install-recommends", *packages], env=quiet)
    assert is_there(), f"{name} is not there after its installation"


def python_3_12() -> str:
    candidates: list[str | Path] = ["python3.12", *sorted(Path.home().glob(".pyenv/versions/3.12*/bin/python"))]
    for candidate in candidates:
        if _is_python_3_12(candidate):
            return str(candidate)
    pytest.skip("the published runtime needs Python 3.12, which is not on this machine")


def _is_python_3_12(candidate: str | Path) -> bool:
    """Asks the interpreter itself: a version switcher's shim can be on the path without the version behind it."""
    question = "import sys; sys.exit(sys.version_info[:2] != (3, 12))"
    try:
        answer = subprocess.run([candidate, "-c", question], capture_output=True, timeout=20, check=False)
    except OSError:
        return False
    return answer.returncode == 0


def virtual_environment(name: str, requirement: str, say: Say, python: str = sys.executable) -> Path:
    """The interpreter of a virtual environment that holds one published package, built when it is missing."""
    folder = cache_folder("venvs") / name
    interpreter = folder / "bin" / "python"
    complete = folder / "complete.txt"
    with alone(name):
        if not (complete.is_file() and complete.read_text() == requirement):
            say(f"building a virtual environment for {requirement}")
            run([python, "-m", "venv", "--clear", folder])
            run([interpreter, "-m", "pip", "install", "--quiet", "--no-compile", requirement])
            complete.write_text(requirement)
    return interpreter
