"""``python -m benchmarks.neighbours [LIBRARY ...]``: tries environments with libraries for training, and prints a table.

Each library is installed by itself, in a virtual environment below ``.cache/neighbours``; that takes minutes and gigabytes, so it
is no part of the tests. ``--page FILE`` writes the table between the two marks of a page. Exits with 1 where something does not
work.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import free_port
from benchmarks.environment import ROOT

MODEL = ROOT / "tests" / "end_to_end" / "models" / "digits"
ONE = Path(__file__).parent / "programs" / "one.py"
LIMIT_S = 900.0
BEGIN = "<!-- the table: written by `python -m benchmarks.neighbours --page docs/guides/gymnasium.md` -->"
END = "<!-- the end of the table -->"


@dataclass(frozen=True)
class Library:
    """What is installed for a program, and with which Python."""

    title: str
    requirements: tuple[str, ...]
    python: str = "python3.11"


_TORCH = "torch==2.13.0"
_CV = "opencv-python-headless"
LIBRARIES = {
    "gymnasium": Library("Gymnasium", ("gymnasium==1.4.0", _CV)),
    "stable_baselines3": Library("Stable-Baselines3", ("stable-baselines3==2.9.*", "gymnasium==1.4.0", _TORCH, _CV)),
    "torchrl": Library("TorchRL", ("torchrl==0.14.*", "gymnasium==1.4.0", _TORCH)),
    "rllib": Library("RLlib", ("ray[rllib]==2.60.0", _TORCH, _CV)),
    "minari": Library("Minari", ("minari[create,hdf5]==0.5.*", "gymnasium==1.4.0", "pillow")),
    "lerobot": Library("LeRobot", ("lerobot[dataset]==0.6.*",), "python3.12"),
}


@dataclass(frozen=True)
class Tried:
    """What was tried with a library, and what became of it."""

    title: str
    version: str
    what: str
    result: str


def main(arguments: list[str] | None = None) -> int:
    """Tries the libraries that are asked for, prints the table, and returns the exit status."""
    asked = _parse(arguments)
    rows = [row for name in asked.libraries or LIBRARIES for row in tried(name, asked.venvs)]
    print(table(rows))
    if asked.page is not None:
        before, _, rest = asked.page.read_text(encoding="utf-8").partition(BEGIN)
        asked.page.write_text(f"{before}{BEGIN}\n\n{table(rows)}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return int(any(row.result != "works" for row in rows))


def tried(name: str, venvs: Path) -> list[Tried]:
    """What a library's program says, against a runtime of its own."""
    library, port = LIBRARIES[name], free_port()
    python = _provisioned(venvs / name, library)
    argv = [str(Path(sys.executable).with_name("reactor")), "run", str(MODEL), "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryDirectory() as home, subprocess.Popen(argv, stderr=subprocess.DEVNULL) as runtime:
        # What a library leaves behind in a home, a token of Ray among it, is not to be found by others.
        environ = {**os.environ, "HOME": home, "REACTOR_LOCAL_URL": f"http://127.0.0.1:{port}"}
        try:
            _await(port, runtime)
            done = subprocess.run(
                [str(python), str(ONE), name], env=environ, timeout=LIMIT_S, stdout=subprocess.PIPE, text=True, check=False
            )
        finally:
            runtime.terminate()
    told = [json.loads(line.removeprefix("TRIED ")) for line in done.stdout.splitlines() if line.startswith("TRIED ")]
    if not told:
        return [Tried(library.title, "", "its import", f"ended with {done.returncode}")]
    return [Tried(library.title, each["version"], each["what"], each["result"]) for each in told]


def _await(port: int, runtime: subprocess.Popen[bytes]) -> None:
    """Returns when the runtime listens. Raises RuntimeError where it ends instead."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise RuntimeError(f"reactor run has ended with {runtime.wait(0.2)}") from None
        else:
            return


def table(rows: list[Tried]) -> str:
    """The table in Markdown."""
    head = ["| library | version | tried | result |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {row.title} | {row.version} | {row.what} | {row.result} |" for row in rows)])


def _provisioned(folder: Path, library: Library) -> Path:
    """The Python of a virtual environment with the library and ours in it; made the first time."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([library.python, "-m", "venv", "--clear", folder], check=True)
        installing = [python, "-m", "pip", "install", "--quiet", *library.requirements, "--editable", f"{ROOT}[gym]"]
        subprocess.run([str(word) for word in installing], check=True)
        (folder / "complete").touch()
    return python


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours", description=__doc__)
    parser.add_argument("libraries", nargs="*", metavar="LIBRARY", help="all, unless some are named")
    parser.add_argument(
        "--venvs", type=Path, default=ROOT / ".cache" / "neighbours", help="where they are installed (%(default)s)"
    )
    parser.add_argument("--page", type=Path, help="a page with the marks of the table")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
