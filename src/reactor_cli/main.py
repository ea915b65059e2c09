"""The ``reactor`` command."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from reactor_cli.client import client
from reactor_cli.new_project import init
from reactor_cli.output import errors
from reactor_cli.schema import schema
from reactor_protocol.errors import InvalidArgumentError, ReactorException

app = typer.Typer(
    name="reactor",
    help="Serve real-time, interactive video models, and talk to them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_COORDINATOR_NEEDS = ("sqlalchemy", "alembic", "asyncpg", "jwt", "obstore", "prometheus_client")
_CLOUD_COMMANDS = ("coordinator", "keys", "sessions", "workers")


def add_cloud_commands() -> None:
    """The operator's commands, or, where they are not installed, what to install."""
    if all(importlib.util.find_spec(name) for name in _COORDINATOR_NEEDS):
        importlib.import_module("reactor_cli.cloud").add_to(app)
        return
    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    for name in _CLOUD_COMMANDS:
        app.command(name, context_settings=anything, help='Needs "openreactor[coordinator]".')(_say_what_is_missing)


def _say_what_is_missing() -> None:
    errors.print('[red]reactor:[/red] this command comes with "openreactor\\[coordinator]": pip install it')
    raise typer.Exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"openreactor {version('openreactor')}")
        raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Serve real-time, interactive video models, and talk to them."""


@app.command()
def run(
    path: Annotated[Path, typer.Argument(help="Folder of the model: it holds a reactor.yaml.")] = Path(),
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST, else 0.0.0.0.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, 0 for a free one; else PORT, else 8080.")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Run the model in the server's process, for a debugger.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Load the model anew when its sources change; clients stay.")] = False,
) -> None:
    """Serve the model that PATH/reactor.yaml names, until Ctrl-C."""
    # Loaded here and not above: the other commands need none of it, and answer at once.
    settings = importlib.import_module("reactor_runtime.config").read_settings()
    if host is not None:
        settings = replace(settings, host=host)
    if port is not None:
        settings = replace(settings, port=port)
    if inline and reload:
        raise InvalidArgumentError("--reload needs the model in a process of its own: leave out --inline")
    model = replace(settings.model, isolate=settings.model.isolate and not inline, reload=reload)
    settings = replace(settings, model=model)
    serve = importlib.import_module("reactor_runtime.serve").run
    serve(path, settings, lambda url: errors.print(f"[bold]reactor[/bold] serves on [cyan]{url}[/cyan] (Ctrl-C ends it)"))


app.command()(init)
app.add_typer(client, name="client")
app.command()(schema)


def main() -> None:
    """Runs the command; an error of ours is one line, not a traceback."""
    # A model is served without what only an operator needs: it starts sooner, and takes less memory.
    if sys.argv[1:2] != ["run"]:
        add_cloud_commands()
    try:
        app()
    except ReactorException as error:
        errors.print(f"[red]reactor:[/red] {escape(str(error))}", soft_wrap=True)
        raise SystemExit(1) from None
