"""``python -m benchmarks.kill [KILLS]``: the model's process is killed at random moments while two clients watch.

Exits with 1 when a viewer had no new picture in time, lost its connection, or the state that clients had set was gone.
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from benchmarks.child import LegFailed
from benchmarks.kill.run import BACK_OFF_S, Blow, Plan, kill_again_and_again


def main(arguments: list[str] | None = None) -> int:
    """Kills, shows the figures, and returns the exit status."""
    asked = _parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()

    def tell(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:6.1f} s[/] {escape(text)}", highlight=False, soft_wrap=True)

    try:
        blows = asyncio.run(kill_again_and_again(Plan(asked.kills, asked.seed, asked.in_a_row, asked.load_s), tell))
    except LegFailed as failure:
        console.print(f"[red]FAILED[/] {escape(str(failure))}", highlight=False)
        return 1
    console.print(summary(blows), highlight=False)
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps([asdict(blow) | {"passed": blow.passed} for blow in blows], indent=2) + "\n")
    return int(not all(blow.passed for blow in blows))


def summary(blows: list[Blow]) -> str:
    """The figures in a line."""
    gaps = sorted(gap for blow in blows for gap in blow.gaps)
    passed = sum(blow.passed for blow in blows)
    stayed = sum(blow.stayed for blow in blows)
    loads = sorted(blow.load_s for blow in blows)
    return (
        f"{passed} of {len(blows)} kills passed: new pictures after {gaps[len(gaps) // 2]:.2f} s in the middle, "
        f"{gaps[-1]:.2f} s at most, of which loading {loads[len(loads) // 2]:.2f} s; "
        f"connections stayed at {stayed}; the reason was told at {sum(blow.errors_told for blow in blows)}"
    )


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill", description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=20, help="how many (20)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the state (1)")
    parser.add_argument("--in-a-row", type=int, default=2, choices=range(1, len(BACK_OFF_S) + 1), help="at one runtime (2)")
    parser.add_argument("--load-s", type=float, default=0.5, help="what loading the model takes, in seconds (0.5)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
