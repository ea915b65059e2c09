# mypy: ignore-errors
"""``python one.py PROGRAM``: tries all that a program of this folder has, and says what became of each, a JSON line each."""

import importlib.util
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

DISTRIBUTIONS = {
    "gymnasium": "gymnasium",
    "stable_baselines3": "stable-baselines3",
    "torchrl": "torchrl",
    "minari": "minari",
    "rllib": "ray",
    "lerobot": "lerobot",
}


def main():
    name = sys.argv[1]
    # Not by its name, which is that of the library that it imports.
    spec = importlib.util.spec_from_file_location(f"tried_{name}", Path(__file__).with_name(f"{name}.py"))
    program = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = program
    sys.path.remove(str(Path(__file__).parent))
    spec.loader.exec_module(program)
    for what, work in program.TRIED.items():
        began, result = time.monotonic(), "works"
        try:
            work()
        except Exception as error:  # noqa: BLE001 - what becomes of it is the result
            result = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        told = {"version": version(DISTRIBUTIONS[name]), "what": what, "result": result, "seconds": time.monotonic() - began}
        print("TRIED " + json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
