"""``python -m benchmarks``: measure, show the table, write the JSON document.

Exits with 1 when a leg of ours could not be measured, and never because a number is large.
"""

import argparse
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from benchmarks import machine, report
from benchmarks.environment import LOGS_FOLDER, ROOT, VENVS_FOLDER
from benchmarks.legs import Effort
from benchmarks.measure import Outcome, Tell, measure_column
from benchmarks.parties import COLUMNS, Column
from benchmarks.venvs import Venvs, find_python_312

FULL = Effort(seconds=12.0, connects=5, silent_connects=3, commands=200)
QUICK = Effort(seconds=5.0, connects=3, silent_connects=1, commands=100)
BUSY_CORES = 0.2
"""More foreign work than this, in cores, is worth a warning."""


def main() -> int:
    arguments = _parse()
    console = Console(width=None if sys.stdout.isatty() else 120)
    if not Path("/proc/self/stat").exists():
        console.print("CPU and memory are read from /proc: this runs on Linux.")
        return 1
    # A plain SIGTERM would leave the children behind; this way every ``with`` block ends its own.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()

    def tell(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:6.1f} s[/] {escape(text)}", highlight=False, soft_wrap=True)

    with machine.one_at_a_time(LOGS_FOLDER, lambda: tell("another benchmark runs here: waiting until it is done")):
        return _measure(arguments, console, tell)


def _measure(arguments: argparse.Namespace, console: Console, tell: Tell) -> int:
    """Everything that is asked for; the exit status."""
    effort = _effort(arguments.quick, arguments.seconds)
    busy = machine.busy_cores()
    if busy > BUSY_CORES:
        tell(f"other work keeps {busy:.1f} cores of this machine busy: the figures will be worse than they need be")
    venvs = Venvs(VENVS_FOLDER, LOGS_FOLDER, tell)
    outcomes = [measure_column(column, effort, venvs, tell) for column in _columns(arguments.only, tell)]
    context: dict[str, object] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "effort": vars(effort),
        "machine": machine.facts() | {"cores_busy_before": round(busy, 2)},
    }
    report.show(console, outcomes)
    report.write(arguments.json, outcomes, context)
    tell(f"written to {arguments.json}; logs of every process in {LOGS_FOLDER}")
    return _exit_status(outcomes)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short streams, few connects and commands")
    parser.add_argument("--only", choices=[column.name for column in COLUMNS], help="measure one column alone")
    parser.add_argument("--seconds", type=float, help="length of each stream, in place of 12 (5 with --quick)")
    parser.add_argument("--json", type=Path, default=ROOT / "out" / "bench.json", help="where the figures go")
    return parser.parse_args()


def _effort(quick: bool, seconds: float | None) -> Effort:
    chosen = QUICK if quick else FULL
    if seconds is None:
        return chosen
    return Effort(seconds, chosen.connects, chosen.silent_connects, chosen.commands)


def _columns(only: str | None, tell: Tell) -> list[Column]:
    """The columns to measure: the published ones need Python 3.12."""
    chosen = [column for column in COLUMNS if only in (None, column.name)]
    if any(column.name != "ours" for column in chosen) and find_python_312() is None:
        tell("no Python 3.12 here, which the published runtime needs: ours is measured alone")
        chosen = [column for column in chosen if column.name == "ours"]
    return chosen


def _exit_status(outcomes: list[Outcome]) -> int:
    return int(any(outcome.failures for outcome in outcomes if outcome.name == "ours"))


if __name__ == "__main__":
    sys.exit(main())
