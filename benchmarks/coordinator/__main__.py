"""``python -m benchmarks.coordinator``: measure, show the table, add the run to the JSON document.

Exits with 1 when a leg could not be measured, and never because a number is large.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from benchmarks import machine
from benchmarks.child import LegFailed
from benchmarks.coordinator import report
from benchmarks.coordinator.legs import FULL, LEGS, QUICK, Effort, Leg, Readings
from benchmarks.coordinator.stage import LOGS
from benchmarks.coordinator.stores import SQLITE, postgres
from benchmarks.environment import ROOT


def main(arguments: list[str] | None = None) -> int:
    asked = _parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started, effort = time.monotonic(), QUICK if asked.quick else FULL

    def tell(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:6.1f} s[/] {escape(text)}", highlight=False, soft_wrap=True)

    with machine.one_at_a_time(LOGS, lambda: tell("another benchmark runs here: waiting until it is done")):
        context: dict[str, object] = {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "note": asked.note,
            "effort": vars(effort),
            "machine": machine.facts() | {"cores_busy_before": round(machine.busy_cores(), 2), "load": os.getloadavg()},
        }
        failures: dict[str, str] = {}
        readings = _measure(_legs(asked), effort, tell, failures)
    report.show(console, effort, readings, failures)
    report.add(asked.json, readings, context | {"failures": failures, "seconds": round(time.monotonic() - started, 1)})
    tell(f"added to {asked.json}; logs of every process in {LOGS}")
    return int(bool(failures))


def _measure(legs: list[Leg], effort: Effort, tell: Callable[[str], None], failures: dict[str, str]) -> Readings:
    """Every leg. One that fails leaves its reason, and the next one is measured."""
    readings = Readings()
    with ExitStack() as stack:
        stores = {"sqlite": SQLITE}
        if any(leg.database == "postgres" for leg in legs):
            stores["postgres"] = stack.enter_context(postgres())
        for leg in legs:
            tell(f"{leg.name}, {leg.database}")
            try:
                readings |= leg.measure(stores[leg.database], effort)
            except LegFailed as failure:
                failures[f"{leg.name}, {leg.database}"] = str(failure)
    return readings


def _legs(asked: argparse.Namespace) -> list[Leg]:
    return [leg for leg in LEGS if (not asked.only or leg.name in asked.only) and asked.database in (None, leg.database)]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coordinator", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few requests, few clients")
    names = list(dict.fromkeys(leg.name for leg in LEGS))
    parser.add_argument("--only", choices=names, action="append", help="measure this alone; may be given several times")
    parser.add_argument("--database", choices=("sqlite", "postgres"), help="one kind of database alone")
    parser.add_argument("--note", default="", help="kept beside the figures")
    parser.add_argument("--json", type=Path, default=ROOT / "out" / "coordinator.json", help="the document to add the run to")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
