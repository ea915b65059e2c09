"""The table on the screen, and the document that every run is added to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.coordinator.figures import FIGURES
from benchmarks.coordinator.legs import Effort
from benchmarks.figures import Figure, Reading

NOTES = (
    "Coordinator, load generator, fake workers and PostgreSQL are processes of their own on this machine and share its cores.",
    "A position is as old as the moment since when it is not true any more. That is when the session ahead is given its worker: "
    "later than the request that freed the worker, sooner than its beginning there; the two kinds of age are bounds.",
)


def show(console: Console, effort: Effort, readings: Mapping[str, Reading], failures: Mapping[str, str]) -> None:
    """One row for each figure that was read; what failed, with the reason, below."""
    table = Table(title="openreactor coordinator", title_justify="left")
    for name in ("figure", "unit"):
        table.add_column(name)
    for name in ("target", "measured"):
        table.add_column(name, justify="right")
    for figure in FIGURES:
        if figure.key in readings:
            title = figure.title.format(waiting=f"{effort.waiting:,}", reporting=f"{effort.reporting:,}")
            table.add_row(title, figure.unit, _target(figure), _cell(figure, readings[figure.key]))
    console.print(table)
    for note in NOTES:
        console.print(note, style="dim")
    for leg, reason in failures.items():
        console.print(f"[red]could not be measured: {escape(leg)}:[/] {escape(reason)}")


def add(path: Path, readings: Mapping[str, Reading], context: Mapping[str, object]) -> None:
    """Adds a run to the document, which is made where there is none."""
    document: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    document["figures"] = {each.key: {"title": each.title.strip(), "unit": each.unit, "target": each.budget} for each in FIGURES}
    values = {key: {"value": round(each.value, 4), "samples": each.samples} for key, each in readings.items()}
    document.setdefault("runs", []).append({**context, "readings": values})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def _target(figure: Figure) -> str:
    if figure.budget is None:
        return ""
    return f"{'>=' if figure.more_is_better else '<='} {figure.budget:g}"


def _cell(figure: Figure, reading: Reading) -> str:
    text = f"{reading.value:,.{figure.digits}f}"
    if figure.budget is None:
        return text
    return f"[green]{text}[/]" if figure.within_budget(reading.value) else f"[yellow]{text}[/]"
