"""``python -m benchmarks.scheduling``: a day of the queue and the scheduler, simulated; and single decisions, timed."""

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import machine
from benchmarks.scheduling import show
from benchmarks.scheduling.day import Day
from benchmarks.scheduling.decision import decision_costs
from benchmarks.scheduling.outcome import Outcome, outcome_of
from benchmarks.scheduling.world import FULL, MEDIUM, QUICK, Habits, Scale, make_world


def main(arguments: list[str] | None = None) -> int:
    asked = _parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 130)
    document: dict[str, object] = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine.facts()}
    if not asked.only_day:
        costs = decision_costs(repeats=3 if asked.quick else 50)
        show.costs(console, costs)
        document["decisions"] = [asdict(each) for each in costs]
    if not asked.only_decisions:
        scale, habits = _scale(asked), Habits()
        fair = simulate(scale, habits, fair=True)
        unfair = simulate(scale, habits, fair=False) if asked.compare else None
        show.day(console, scale, fair, unfair)
        document |= {"scale": asdict(scale), "habits": asdict(habits), "day": fair.as_dict()}
        if unfair is not None:
            document["day_first_come"] = unfair.as_dict()
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        console.print(f"[dim]written to {asked.json}[/]")
    return 0


def simulate(scale: Scale, habits: Habits, *, fair: bool) -> Outcome:
    """One day, and how long it took to simulate."""
    started = time.perf_counter()
    world = make_world(scale, habits)
    tally = Day(world, fair=fair).run()
    return outcome_of(world, tally, time.perf_counter() - started)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scheduling", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="4,000 sessions on 200 workers")
    size.add_argument("--full", action="store_true", help="1,000,000 sessions on 50,000 workers")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--only-day", action="store_true", help="no timing of single decisions")
    part.add_argument("--only-decisions", action="store_true", help="no simulation")
    parser.add_argument("--compare", action="store_true", help="the same day again, first come, first served whatever the key")
    parser.add_argument("--load", type=float, help="work that arrives, as a share of what the workers can do in a day")
    parser.add_argument("--seed", type=int, help="another day of the same kind")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args(arguments)


def _scale(asked: argparse.Namespace) -> Scale:
    scale = QUICK if asked.quick else FULL if asked.full else MEDIUM
    changes = {name: value for name in ("load", "seed") if (value := getattr(asked, name)) is not None}
    return replace(scale, **changes)


if __name__ == "__main__":
    sys.exit(main())
