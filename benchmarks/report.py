"""The table on the screen and the JSON document."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.figures import FIGURES, Figure
from benchmarks.measure import Outcome

NOTES = (
    "Runtime and client are two processes on the loopback: 1280x720, 30 fps. Ages are from the drawing of the clock, "
    "just before emit, to the frame callback.",
    "Runtime CPU holds the drawing of the picture. The published runtime gets a STUN server that answers at once; "
    "ours has none configured.",
)


def show(console: Console, outcomes: Sequence[Outcome]) -> None:
    """One row for each figure, one column for each party; what failed, with the reason, below."""
    table = Table(title="openreactor benchmark", title_justify="left")
    table.add_column("figure")
    table.add_column("unit")
    table.add_column("budget", justify="right")
    for outcome in outcomes:
        table.add_column(outcome.title, justify="right")
    for figure in FIGURES:
        budget = "" if figure.budget is None else f"{figure.budget:g}"
        table.add_row(figure.title, figure.unit, budget, *(_cell(figure, outcome) for outcome in outcomes))
    console.print(table)
    for note in NOTES:
        console.print(note, style="dim")
    for outcome in outcomes:
        for reason in dict.fromkeys(outcome.failures.values()):
            legs = ", ".join(leg for leg, why in outcome.failures.items() if why == reason)
            console.print(f"[red]{escape(outcome.title)}: could not be measured: {escape(legs)}:[/] {escape(reason)}")


def write(path: Path, outcomes: Sequence[Outcome], context: dict[str, object]) -> None:
    """Figures with their units, every column's values with the number of samples, and what `context` adds."""
    figures = {each.key: {"title": each.title.strip(), "unit": each.unit, "budget": each.budget} for each in FIGURES}
    columns = {outcome.name: _column(outcome) for outcome in outcomes}
    document = context | {"figures": figures, "columns": columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def _cell(figure: Figure, outcome: Outcome) -> str:
    reading = outcome.readings.get(figure.key)
    if reading is None:
        return "[red]failed[/]" if outcome.failed(figure.key) else ""
    text = f"{reading.value:,.{figure.digits}f}"
    if outcome.name != "ours" or figure.budget is None:
        return text
    return f"[green]{text}[/]" if figure.within_budget(reading.value) else f"[yellow]{text}[/]"


def _column(outcome: Outcome) -> dict[str, object]:
    readings = outcome.readings.items()
    return {
        "title": outcome.title,
        "readings": {key: {"value": round(each.value, 3), "samples": each.samples} for key, each in readings},
        "failures": outcome.failures,
        "seconds": round(outcome.seconds, 1),
    }
