"""A miniature of the world's whole way: drives, a training, weights. Some minutes in all, each part made once."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

WORLD = Path(__file__).resolve().parents[2] / "examples/worlds/car_racing"
sys.path.insert(0, str(WORLD))


def run(script: str, *arguments: object) -> str:
    """Runs one of the scripts as it is typed; returns what it printed."""
    line = [sys.executable, "-W", "error::ResourceWarning", str(WORLD / script), *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@dataclass(frozen=True)
class Trained:
    """What a short training left."""

    drives: Path
    held: Path
    folder: Path
    printed: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """700 pictures of each of two drivers, and a training of 400 steps over them."""
    folder = tmp_path_factory.mktemp("world")
    run("collect.py", "--out", folder / "drives", "--frames", 700, "--seed", 3, "--workers", 2)
    run("collect.py", "--out", folder / "held", "--frames", 300, "--seed", 903, "--workers", 1)
    asked = ("--steps", 400, "--batch", 16, "--threads", 2, "--every", 60)
    printed = run("train.py", "--data", folder / "drives", "--out", folder, *asked)
    return Trained(folder / "drives", folder / "held", folder, printed)
