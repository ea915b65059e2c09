"""``reactor schema``: what a model offers, as a document; and what has changed since an older one."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from reactor_cli.output import JsonOption, plain, say, show_json
from reactor_protocol.errors import InvalidArgumentError, TransportError
from reactor_protocol.messages import JsonObject
from reactor_protocol.schema_changes import Change, changes

MAX_SCHEMA_BYTES: Final = 4 << 20
_PATIENCE_S: Final = 10.0

Source = Annotated[
    str, typer.Argument(help="Folder of a model, a schema file, the address of a running model, or - for standard input.")
]
VersionOption = Annotated[str, typer.Option("--version", help="Release tag of the document: X.Y.Z or X.Y.Z-g<hex>.")]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="File to write the document to; its folder is made.")]
DiffOption = Annotated[str | None, typer.Option("--diff", help="An older document (folder, file or address): tell what changed.")]


def schema(
    source: Source = ".",
    version: VersionOption = "v0.0.0",
    out: OutOption = None,
    diff: DiffOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the schema document of a model, or compare it with an older one.

    With --diff the exit status is 1 where a change breaks clients that were written for the older document.
    """
    document = read_schema(source, version)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(_text(document) + "\n", encoding="utf-8")
    if diff is not None:
        _show_changes(changes(read_schema(diff, version), document), as_json=as_json)
    elif out is None:
        typer.echo(_text(document))


def read_schema(source: str, version: str = "v0.0.0") -> JsonObject:
    """The document of a model's folder, of a file, of a running model, or from standard input (``-``).

    Raises :class:`InvalidArgumentError` for what is none of them, :class:`TransportError` where nobody answers, and what loading
    a model raises.
    """
    if source.startswith(("http://", "https://")):
        return asyncio.run(_fetch(source))
    if source == "-":
        return _parsed(sys.stdin.buffer.read(MAX_SCHEMA_BYTES + 1), "standard input")
    path = Path(source)
    if path.is_dir() or path.name == "reactor.yaml":
        return _of_model(path, version)
    try:
        return _parsed(path.read_bytes(), source)
    except OSError as error:
        raise InvalidArgumentError(f"{source} cannot be read: {error.strerror}") from error


def _of_model(path: Path, version: str) -> JsonObject:
    # Loaded here: comparing two files needs no runtime.
    tag = importlib.import_module("reactor_runtime.schema")
    manifest = importlib.import_module("reactor_runtime.config").read_manifest(path)
    loader = importlib.import_module("reactor_runtime.loader")
    with contextlib.redirect_stdout(sys.stderr):  # what the model itself prints
        model = loader.load_model(manifest)
        document: JsonObject = tag.schema_of(model.contract, tag.version_tag(version), model.playground)
    return document


async def _fetch(url: str) -> JsonObject:
    address = url.rstrip("/")
    address = address if address.endswith("/schema") else f"{address}/schema"
    # Loaded here: it takes half as long as all the rest of a command that needs no network.
    aiohttp = importlib.import_module("aiohttp")
    try:
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(address) as reply:
            body = await reply.content.read(MAX_SCHEMA_BYTES + 1)
            if reply.status != 200:
                raise TransportError(f"{address} answers HTTP {reply.status}: is that a runtime (`reactor run`)?")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransportError(f"{address}: {_why(error)}: is the model running there (`reactor run`)?") from error
    document = _parsed(body, address)
    if not document:
        raise TransportError(f"{address}: the model is not loaded yet: try again in a moment")
    return document


def _why(error: Exception) -> str:
    """Why nobody answered, in words: asyncio replaces the system's by its own."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return f"no answer within {_PATIENCE_S:g} s" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def _parsed(body: bytes, source: str) -> JsonObject:
    if len(body) > MAX_SCHEMA_BYTES:
        raise InvalidArgumentError(f"{source} is above {MAX_SCHEMA_BYTES >> 20} MiB: that is no schema document")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{source} is no schema document: {error}") from error
    if not isinstance(document, dict):
        raise InvalidArgumentError(f"{source} is no schema document: it holds no object")
    return document


def _text(document: JsonObject) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _show_changes(found: list[Change], *, as_json: bool) -> None:
    breaking = sum(change.breaking for change in found)
    if as_json:
        show_json([asdict(change) for change in found])
    elif not found:
        say("nothing has changed that a client could notice")
    else:
        for change in found:
            mark = "[red]breaks[/red]   " if change.breaking else "[green]is fine[/green]  "
            say(f"{mark}{plain(change.where)}: {plain(change.what)}")
        say(f"{len(found)} changes, {breaking} of them break clients of the older document")
    if breaking:
        raise typer.Exit(1)
