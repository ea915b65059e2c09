"""``python -m benchmarks.busy_loop``: clients whose program keeps the event loop busy.

Each client looks at a runtime of ours and sends commands, while a task computes for 5, 20 or 50 ms in every turn of the loop. The
clients take turns. Exits with 1 where ours is not at least the better of the published ones.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.environment import LOGS_FOLDER, ROOT, VENVS_FOLDER
from benchmarks.figures import percentile
from benchmarks.parties import COLUMNS, Party, ours
from benchmarks.samples import Busied
from benchmarks.stage import Scene, Stage, staged
from benchmarks.venvs import Venvs

BUSY_MS = (5, 20, 50)
DEADLINE_S = 120.0
RATE_NOISE, ANSWER_NOISE_MS = 0.5, 1.0
"""Differences below these (frames a second, milliseconds) are none."""


@dataclass(frozen=True)
class Cell:
    """One client under one load: frames a second, and the median and the worst answer in milliseconds."""

    client: str
    busy_ms: int
    fps: float
    answer_ms: float
    worst_ms: float


def measure(stage: Stage, party: Party, busy_ms: int, seconds: float) -> Cell:
    """One client process from its start to its end."""
    beside = Stage(party, stage.runtime, stage.port, stage.logs)
    seen = Busied(**beside.view("busy", deadline_s=DEADLINE_S, seconds=seconds, busy_ms=busy_ms))
    answers = seen.answers_ms
    return Cell(party.title, busy_ms, seen.frames / seen.window_s, percentile(answers, 0.5), max(answers))


def medians(rounds: list[Cell]) -> Cell:
    """One cell of several rounds; the worst answer is that of all."""
    fps, answer = (percentile([getattr(cell, figure) for cell in rounds], 0.5) for figure in ("fps", "answer_ms"))
    return replace(rounds[0], fps=fps, answer_ms=answer, worst_ms=max(cell.worst_ms for cell in rounds))


def behind(cells: list[Cell]) -> list[str]:
    """Where ours is not at least the better of the others, in words."""
    told = []
    for busy_ms in dict.fromkeys(cell.busy_ms for cell in cells):
        row = [cell for cell in cells if cell.busy_ms == busy_ms]
        mine, others = row[0], row[1:]
        if mine.fps < max(other.fps for other in others) - RATE_NOISE:
            told.append(f"{busy_ms} ms: fewer frames")
        if mine.answer_ms > min(other.answer_ms for other in others) + ANSWER_NOISE_MS:
            told.append(f"{busy_ms} ms: later answers")
    return told


def show(console: Console, cells: list[Cell]) -> None:
    table = Table("busy in each turn", "client", "frames/s", "answer p50, ms", "worst, ms", title="A loop that is never idle")
    for cell in cells:
        row = (f"{cell.busy_ms} ms", cell.client, f"{cell.fps:.1f}", f"{cell.answer_ms:.1f}", f"{cell.worst_ms:.0f}")
        table.add_row(*row)
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy_loop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each stream")
    parser.add_argument("--rounds", type=int, default=3, help="how often each client has its turn; medians are shown")
    parser.add_argument("--json", type=Path, default=ROOT / "out" / "busy_loop.json", help="where the figures go")
    arguments = parser.parse_args()
    console, started = Console(width=None if sys.stdout.isatty() else 120), time.monotonic()

    def tell(text: str) -> None:
        console.print(f"{time.monotonic() - started:6.1f} s {text}", highlight=False)

    with machine.one_at_a_time(LOGS_FOLDER, lambda: tell("another benchmark runs here: waiting until it is done")):
        venvs = Venvs(VENVS_FOLDER, LOGS_FOLDER, tell)
        mine = ours(venvs)
        parties = [mine, *(column.prepare(venvs) for column in COLUMNS if column.name != "ours")]
        seen: dict[tuple[int, str], list[Cell]] = {}
        with staged(mine, Scene("busy", compute_ms=5), LOGS_FOLDER) as stage:
            for number, busy_ms, party in product(range(arguments.rounds), BUSY_MS, parties):
                tell(f"round {number + 1}: {party.title}, {busy_ms} ms")
                cell = measure(stage, party, busy_ms, arguments.seconds)
                seen.setdefault((busy_ms, party.title), []).append(cell)
    cells = [medians(rounds) for rounds in seen.values()]
    show(console, cells)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({"machine": machine.facts(), "cells": [asdict(cell) for cell in cells]}, indent=2))
    failures = behind(cells)
    for failure in failures:
        tell(f"ours is behind: {failure}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
