"""The command: walks the legs, and shows each as it is done."""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from reactor_cli.connecting import place_of
from reactor_cli.output import JsonOption, plain, say, show_json, status
from reactor_protocol.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reactor_cli.doctor.examination import Plan
    from reactor_cli.doctor.facts import Leg

_MARKS: Final = {"passed": "[green]✓[/green]", "failed": "[red]✗[/red]", "skipped": "[dim]–[/dim]"}


def doctor(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="Address of a running model; else REACTOR_LOCAL_URL, else port 8080 here.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model of a coordinator (REACTOR_API_URL, REACTOR_API_KEY) instead.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1, max=3600, help="Seconds that each leg may take.")] = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Find out what stands between this machine and a first frame, leg by leg, and what to do about it.

    The legs: the WebRTC engine, the port, HTTP, the token, the model, the queue, ICE, DTLS, the data channels, the first frame.
    The exit status is 1 where one of them fails. What it begins (a session) it ends.
    """
    plan = _plan(url, model, timeout)
    legs = asyncio.run(_walk(plan, quiet=as_json))
    document = importlib.import_module("reactor_cli.doctor.examination").summary(plan.target, legs)
    if as_json:
        show_json(document)
    elif document["ok"]:
        say("[green]Nothing stands in the way.[/green]")
    else:
        say(f"[red]It ends at {document['failed']}.[/red] {plain(document['cure'][:1].upper() + document['cure'][1:])}.")
    if not document["ok"]:
        raise typer.Exit(1)


def _plan(url: str | None, model: str | None, timeout: float) -> Plan:
    examination: Any = importlib.import_module("reactor_cli.doctor.examination")
    if model is None:
        plan: Plan = examination.Plan(examination.target_of(place_of(url or "", None).url), timeout)
        return plan
    server = url or os.environ.get("REACTOR_API_URL")
    if not server:
        raise InvalidArgumentError("REACTOR_API_URL is not set: say where the coordinator is, and its key in REACTOR_API_KEY")
    hosted: Plan = examination.Plan(examination.target_of(server, model), timeout, os.environ.get("REACTOR_API_KEY"))
    return hosted


async def _walk(plan: Plan, *, quiet: bool) -> list[Leg]:
    examine = importlib.import_module("reactor_cli.doctor.examination").examine
    legs: list[Leg] = []
    if quiet:
        return [leg async for leg in examine(plan)]
    say(f"[bold]{plain(plan.target.url)}[/bold]" + (f", model {plain(plan.target.model)}" if plan.target.model else ""))
    with status() as shown:
        async for leg in examine(plan, lambda text: shown.update(f"[dim]{plain(text)}[/dim]")):
            legs.append(leg)
            _show(leg)
    return legs


def _show(leg: Leg) -> None:
    took = "" if leg.took_ms is None else f"{leg.took_ms:.0f} ms" if leg.took_ms < 10_000 else f"{leg.took_ms / 1000:.1f} s"
    found = plain(leg.verdict.found)
    if leg.verdict.outcome == "skipped":
        found = f"[dim]{found}[/dim]"
    say(f"{_MARKS[leg.verdict.outcome]} {leg.name:<13}{took:>9}  {found}")
