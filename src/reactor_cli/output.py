"""How the commands speak: tables for people, JSON for programs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.status import Status
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs; errors, too.")]

PANEL_MAKE: Final = "Make a model"
PANEL_USE: Final = "Use a model"
PANEL_CHECK: Final = "Find out what is wrong, and how fast it is"
PANEL_MANY: Final = "Serve many clients"

_CODES: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for tabs and ends of lines, those that turn the direction of writing, and halves of characters."""

_WHOLE: Final = frozenset(
    {"id", "prefix", "state", "role", "session", "created", "started", "ends", "draining", "kind", "direction"}
)
"""Columns that are short, and are not folded."""

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))

errors = Console(stderr=True, highlight=False)
_out = Console(highlight=False)


def plain(text: str) -> str:
    """A text from elsewhere as it may be printed: neither rich's markup in it nor codes that terminals obey do anything."""
    return escape(_CODES.sub("\N{REPLACEMENT CHARACTER}", text))


def show_json(body: object) -> None:
    """Prints a value as JSON."""
    typer.echo(json.dumps(body, indent=2))


def show_json_line(body: object) -> None:
    """Prints a value as one line of JSON, at once, for programs that read while this one runs."""
    typer.echo(json.dumps(body))


def show_error(code: str, message: str, *, as_json: bool) -> None:
    """Says on standard error what has failed: one line, or as JSON."""
    if as_json:
        typer.echo(json.dumps({"error": {"code": code, "message": message}}), err=True)
    else:
        errors.print(f"[red]reactor:[/red] {plain(' '.join(message.split()))}", soft_wrap=True)


def example(*lines: str) -> str:
    """The end of a command's help: how it is typed."""
    return "\n".join(("For example", *(f"$ [cyan]{plain(line)}[/cyan]" for line in lines)))


def show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
    """Prints rows as a table, or says that there are none."""
    if not rows:
        _out.print(empty)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column.upper().replace("_", " "), overflow="fold", no_wrap=column in _WHOLE)
    for row in rows:
        table.add_row(*("-" if row.get(column) is None else plain(str(row[column])) for column in columns))
    _out.print(table)


def show(what: RenderableType) -> None:
    """Prints something that rich can render."""
    _out.print(what)


def status(text: str = "") -> Status:
    """A line at the end of standard output that says what goes on, where that is a terminal. Others are printed above it."""
    return _out.status(text)


def say(text: str) -> None:
    """Prints a line; rich's markup is understood."""
    _out.print(text, soft_wrap=True)


def ago(then: float | None, now: float | None = None) -> str | None:
    """A moment in epoch seconds as people say it: ``3 min ago``, ``in 2 h``."""
    if then is None:
        return None
    difference = then - (time.time() if now is None else now)
    size = abs(difference)
    unit, length = next((each for each in _UNITS if size >= each[1]), ("s", 1))
    number = f"{int(size // length)} {unit}"
    return f"in {number}" if difference > 0 else f"{number} ago"
