"""``reactor run``: serves a model."""

from __future__ import annotations

import importlib
import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from reactor_cli.completion import model_folders
from reactor_cli.output import JsonOption, errors, plain, show_json_line
from reactor_protocol.errors import InvalidArgumentError


def run(
    path: Annotated[
        Path, typer.Argument(help="Folder of the model: it holds a reactor.yaml.", autocompletion=model_folders)
    ] = Path(),
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST, else 0.0.0.0.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=0, max=65535, help="Port, 0 for a free one; else PORT, else 8080.")
    ] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Run the model in the server's process, for a debugger.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Load the model anew when its sources change; clients stay.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Serve the model that PATH/reactor.yaml names, until Ctrl-C.

    With --json the address is one line of JSON on standard output, once it can be connected to.
    """
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
    serve(path, settings, lambda url: _greet(settings, url, as_json=as_json))


def _greet(settings: Any, url: str, *, as_json: bool) -> None:
    page = None if settings.worker is not None else f"{url}/"
    if as_json:
        show_json_line({"url": url, "page": page})
        return
    errors.print(f"[bold]reactor[/bold] serves on [cyan]{plain(url)}[/cyan] (Ctrl-C ends it)", soft_wrap=True)
    if page is not None:
        errors.print(f"        play with it in a browser: [cyan]{plain(page)}[/cyan]", soft_wrap=True)
    if settings.worker is None and reached_by_network(settings.host):
        errors.print(
            f"        [yellow]whoever reaches this machine can use it, too[/yellow] (it listens on {plain(settings.host)}): "
            "`--host 127.0.0.1` is for you alone",
            soft_wrap=True,
        )


def reached_by_network(host: str) -> bool:
    """Whether other machines can reach a server that listens on that address."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() != "localhost"
