"""The command: several runs, and the median of each figure."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from reactor_cli.completion import model_folders
from reactor_cli.output import JsonOption, errors, plain, show, show_json

if TYPE_CHECKING:
    from reactor_cli.bench.figures import Run
    from reactor_cli.bench.runtime import Running

MODEL_FOLDER = Path(__file__).parent / "model"


def bench(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Address of a running model, or folder of one that is started for this; else a test model of our own.",
            autocompletion=model_folders,
        ),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", "-s", min=1, max=600, help="How long each run watches.")] = 5.0,
    runs: Annotated[int, typer.Option("--runs", "-n", min=1, max=100, help="How many runs.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast a runtime is: connecting, frames, commands, and what it costs.

    Each run connects anew. Glass to glass is known for the test model, whose pictures carry the time at which they were made.
    Other models get no command but one that they refuse, which changes nothing. A session that runs is joined, and not ended.
    """
    found = asyncio.run(_measure(source, seconds, runs, quiet=as_json))
    figures: Any = importlib.import_module("reactor_cli.bench.figures")
    body = figures.document(source or "test model", found)
    if as_json:
        show_json(body)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("MEDIAN", justify="right", style="bold")
    table.add_column("")
    table.add_column("RUNS", style="dim")
    for each in figures.figures_of(found):
        table.add_row(
            each.title, figures.shown(each, each.median), each.unit, "  ".join(figures.shown(each, one) for one in each.runs)
        )
    show(table)


async def _measure(source: str | None, seconds: float, runs: int, *, quiet: bool) -> list[Run]:
    viewer = importlib.import_module("reactor_cli.bench.viewer")
    found: list[Run] = []
    with contextlib.nullcontext() if quiet else errors.status("starting the model") as status:

        def tell(text: str) -> None:
            if status is not None:
                status.update(f"[dim]run {len(found) + 1} of {runs}: {plain(text)}[/dim]")

        async with _runtime(source) as running:
            for _ in range(runs):
                found.append(await viewer.measure(viewer.Wish(running, seconds, ours=source is None), tell))
    return found


@contextlib.asynccontextmanager
async def _runtime(source: str | None) -> AsyncIterator[Running]:
    """The runtime to measure, its model loaded; one of our own is ended with the block."""
    runtime = importlib.import_module("reactor_cli.bench.runtime")
    async with contextlib.AsyncExitStack() as stack:
        if source is not None and source.startswith(("http://", "https://")):
            running: Running = runtime.Running(source.rstrip("/"))
        else:
            running = await stack.enter_async_context(runtime.started(Path(source) if source is not None else MODEL_FOLDER))
        await runtime.loaded(running.url)
        yield running
