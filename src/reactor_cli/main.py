"""The ``reactor`` command."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from reactor_cli import cloud
from reactor_cli.bench.command import bench
from reactor_cli.client import client
from reactor_cli.codegen import codegen
from reactor_cli.doctor.command import doctor
from reactor_cli.failures import EXPECTED, failure_of
from reactor_cli.new_project import init
from reactor_cli.output import PANEL_CHECK, PANEL_MAKE, PANEL_USE, example, show_error
from reactor_cli.run import run
from reactor_cli.schema import schema

ENV_DEBUG: Final = "REACTOR_DEBUG"
_DEBUG: Final = "--debug"
_ORDER: Final = ("init", "run", "schema", "client", "codegen", "doctor", "bench", "coordinator", "keys", "sessions", "workers")


class ReadingOrder(TyperGroup):
    """Lists the commands as a newcomer needs them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Those of the order, then all others."""
        known = super().list_commands(ctx)
        return [*(name for name in _ORDER if name in known), *(name for name in known if name not in _ORDER)]


app = typer.Typer(
    name="reactor",
    cls=ReadingOrder,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"openreactor {importlib.import_module('importlib.metadata').version('openreactor')}")
        raise typer.Exit


@app.callback(epilog=example("reactor init sky && cd sky && reactor run", "reactor client show", "reactor doctor"))
def root(
    show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help=f"Show tracebacks of errors (or {ENV_DEBUG}=1). May stand anywhere in the line.")
    ] = False,
) -> None:
    """Serve real-time, interactive video models, and talk to them."""


app.command(rich_help_panel=PANEL_MAKE, epilog=example("reactor init sky"))(init)
app.command(rich_help_panel=PANEL_MAKE, epilog=example("reactor run", "reactor run examples/restyle --port 0 --json"))(run)
app.command(
    rich_help_panel=PANEL_MAKE, epilog=example("reactor schema -o v1.json", "reactor schema http://127.0.0.1:8080 --diff v1.json")
)(schema)
app.add_typer(client, name="client", rich_help_panel=PANEL_USE)
app.command(rich_help_panel=PANEL_USE, epilog=example("reactor codegen http://127.0.0.1:8080 -o sky_model.py"))(codegen)
app.command(rich_help_panel=PANEL_CHECK, epilog=example("reactor doctor", "reactor doctor --model sky --json"))(doctor)
app.command(rich_help_panel=PANEL_CHECK, epilog=example("reactor bench", "reactor bench http://127.0.0.1:8080 --json"))(bench)
cloud.add_to(app)


def main() -> None:
    """Runs the command; what goes wrong is one line with the cure, and a traceback only where one is asked for."""
    given = sys.argv[1:]
    debug = _DEBUG in given or os.environ.get(ENV_DEBUG, "").strip() not in ("", "0")
    as_json = "--json" in given
    sys.excepthook = partial(_tell_mistake, debug=debug, as_json=as_json)
    raise SystemExit(_run([each for each in given if each != _DEBUG], debug=debug, as_json=as_json))


def _run(arguments: Sequence[str], *, debug: bool, as_json: bool) -> int:
    """The exit status."""
    command = get_command(app)
    typed, last = _typed(command, arguments)
    if isinstance(last, TyperGroup) and len(typed) == len(arguments):
        arguments = [*arguments, "--help"]
    try:
        status = command.main(list(arguments), prog_name="reactor", standalone_mode=False)
    except EXPECTED as error:
        if debug:
            traceback.print_exc()
        failure = failure_of(error, " ".join(["reactor", *typed]))
        show_error(failure.code, failure.message, as_json=as_json)
        return failure.status
    return status if isinstance(status, int) else 0


def _typed(command: object, arguments: Sequence[str]) -> tuple[list[str], object]:
    """The names of commands that the line begins with, and the last of those commands."""
    words: list[str] = []
    for word in arguments:
        if not isinstance(command, TyperGroup) or word not in command.commands:
            break
        words.append(word)
        command = command.commands[word]
    return words, command


def _tell_mistake(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None, *, debug: bool, as_json: bool
) -> None:
    """What nobody has foreseen, in one line as well."""
    if debug:
        traceback.print_exception(kind, error, trace)
    failure = failure_of(error)
    show_error(failure.code, failure.message, as_json=as_json)
