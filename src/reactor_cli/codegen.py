"""``reactor codegen``: a typed client for a model, written from its schema."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from reactor_cli.output import JsonOption, plain, say, show_json
from reactor_cli.schema import Source, read_schema
from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.schema_changes import commands_of, messages_of, tracks_of

STDOUT: Final = "-"
_MOST_BYTES: Final = 16 << 20

OutOption = Annotated[str, typer.Option("--out", "-o", help="The module to write, such as my_model.py; - prints it.")]
ClassOption = Annotated[
    str | None, typer.Option("--class", help="Name of the class; else HeliosModel for a model called helios.")
]
CheckOption = Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 where the module is not up to date.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that this command has not written.")]


def codegen(
    source: Source,
    out: OutOption = STDOUT,
    client_class: ClassOption = None,
    check: CheckOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a typed client: a module with a class that has a method for each command, and a dataclass for each message.

    The same schema gives the same bytes. With --check the exit status is 1 where the file has others, for CI.
    """
    if out == STDOUT and (check or as_json):
        raise InvalidArgumentError("--check and --json need a file: name it with -o")
    document = read_schema(source)
    # Loaded here: it needs the client, which the other commands do without.
    module = importlib.import_module("reactor_cli.typed.module")
    text: str = module.module_of(document, client_class)
    if out == STDOUT:
        typer.echo(text, nl=False)
        return
    path = Path(out)
    changed = _differs(path, text, module.MARK, force=force or check)
    if changed and not check:
        _write(path, text)
    _tell(path, document, changed=changed, check=check, as_json=as_json)
    if check and changed:
        raise typer.Exit(1)


def _differs(path: Path, text: str, mark: str, *, force: bool) -> bool:
    """Whether the file has to be written. Raises :class:`InvalidArgumentError` for one that is somebody's own."""
    try:
        with path.open("rb") as file:
            there = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error.strerror}") from error
    if there == text.encode():
        return False
    if there and not there.startswith(mark.encode()) and not force:
        raise InvalidArgumentError(f"{path} was not written by this command: choose another file, or replace it with --force")
    return True


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be written: {error.strerror}") from error


def _tell(path: Path, document: dict[str, Any], *, changed: bool, check: bool, as_json: bool) -> None:
    counts = {"commands": len(commands_of(document)), "messages": len(messages_of(document)), "tracks": len(tracks_of(document))}
    if as_json:
        info = document["info"]
        show_json({"file": str(path), "model": info["title"], "version": info.get("version"), **counts, "changed": changed})
    elif check:
        say(
            f"{plain(str(path))} is [red]not up to date[/red]: run this without --check"
            if changed
            else f"{plain(str(path))} is up to date"
        )
    else:
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        say(f"{'wrote' if changed else 'nothing has changed in'} {plain(str(path))}: {told}")
