"""``reactor client``: connect to a model from the terminal, command it, and take pictures and clips home."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.live import Live
from rich.progress import Progress
from rich.table import Table

from reactor_cli import connecting
from reactor_cli.completion import command_names
from reactor_cli.connecting import ModelOption, UrlOption, place_of, run
from reactor_cli.output import JsonOption, errors, example, plain, say, show_json, show_json_line, show_table
from reactor_cli.parameters import parameters_in_words
from reactor_protocol.errors import CommandRejected, InvalidArgumentError, ReactorException, RequestTimeoutError
from reactor_protocol.messages import JsonObject
from reactor_protocol.schema_changes import body_of, commands_of, mapping_of

client = typer.Typer(
    help="Connect to a model: see what it offers, command it, take pictures home.",
    epilog=example("reactor client show", "reactor client send set_speed speed=2", "reactor client picture now.png"),
)

FIRST_PICTURE_S: Final = 20.0
SHOWN_S: Final = 1.0
SCHEMA_S: Final = 3.0
"""How long a model is waited for to tell its schema: what it offers is known without."""

TrackOption = Annotated[str, typer.Option("--track", "-t", help="A video track of the model.")]


@client.command(epilog=example("reactor client show", "reactor client show --model sky --json"))
def show(url: UrlOption = "", model: ModelOption = None, as_json: JsonOption = False) -> None:
    """Show the tracks of a model, its commands, and what these take."""

    async def work(reactor: Any) -> tuple[JsonObject, JsonObject]:
        return dict(reactor.get_capabilities() or {}), await _schema(reactor)

    found, document = run(place_of(url, model), work)
    commands = found.get("commands") or []
    if as_json:
        shapes = {name: body_of(mapping_of(told.get("requestBody"))) for name, told in commands_of(document).items()}
        with_schema = [each | {"schema": shapes[each["name"]]} if each["name"] in shapes else each for each in commands]
        show_json(found | {"commands": with_schema})
        return
    show_table(found.get("tracks") or [], ("name", "kind", "direction"), "no tracks")
    say("")
    rows = [
        {
            "command": each["name"],
            "takes": "\n".join(parameters_in_words(document, each["name"])),
            "description": each.get("description", ""),
        }
        for each in commands
    ]
    show_table(rows, ("command", "takes", "description") if document else ("command", "description"), "no commands")


async def _schema(reactor: Any) -> JsonObject:
    """The schema document of the model; empty where it tells none, or goes away meanwhile: what is asked for it does without."""
    try:
        document: JsonObject = await importlib.import_module("reactor_sdk.model_schema").ask_schema(reactor, SCHEMA_S)
    except ReactorException:
        return {}
    return document


@client.command(epilog=example("reactor client send set_speed speed=2", "reactor client send set_image --file image=cat.png"))
def send(
    command: Annotated[str, typer.Argument(help="Name of the command.", autocompletion=command_names)],
    values: Annotated[list[str] | None, typer.Argument(help="NAME=VALUE; VALUE is JSON, or else a text.")] = None,
    files: Annotated[list[str] | None, typer.Option("--file", "-f", help="NAME=PATH: a parameter that is a file.")] = None,
    url: UrlOption = "",
    model: ModelOption = None,
    anew: Annotated[bool, typer.Option("--new", help="Begin a session, and end the one that was left open.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send a command and print its reply. The session stays for a minute: the next command goes on with it."""
    data = {name: parsed(text) for name, text in pairs(values or ())}
    paths = dict(pairs(files or ()))

    async def work(reactor: Any) -> JsonObject:
        uploads = {name: await reactor.upload_file(path) for name, path in paths.items()}
        try:
            reply = await reactor.send_command(command, {**data, **uploads}, wait="answered")
        except CommandRejected as refusal:
            if refusal.code != "invalid_command":
                raise
            takes = "; ".join(parameters_in_words(await _schema(reactor), command))
            why = f"{refusal.reason} ({command} takes {takes})" if takes else refusal.reason
            raise CommandRejected(refusal.code, why, command=command) from refusal
        await _until_shown(reactor, reply.frame)
        return dict(reply)

    reply = run(place_of(url, model, stays=True, anew=anew), work)
    if as_json or reply:
        show_json(reply or None)
    else:
        say(f"[green]{plain(command)}[/green] was accepted")


async def _until_shown(reactor: Any, number: int | None) -> None:
    """Waits a moment for the frame that shows what a command did: while nobody is connected, a model may make none."""
    tracks = (reactor.get_capabilities() or {}).get("tracks") or []
    videos = [each["name"] for each in tracks if each["kind"] == "video" and each["direction"] == "recvonly"]
    if number is None or not videos:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SHOWN_S):
            async for _, info in reactor.frames(videos[0], with_info=True):
                if info.number is not None and info.number >= number:
                    return


@client.command(epilog=example("reactor client end"))
def end(url: UrlOption = "", model: ModelOption = None, as_json: JsonOption = False) -> None:
    """End the session that `send` has left open."""
    place = place_of(url, model)
    ended = asyncio.run(connecting.end(place))
    if as_json:
        show_json({"session_id": ended, "ended": ended is not None})
    else:
        say(f"session {plain(ended[:8])} is ended" if ended is not None else "no session was left open")


@client.command(epilog=example("reactor client picture now.png"))
def picture(
    file: Annotated[Path, typer.Argument(help="Where it goes: a .png or .jpg.")],
    track: TrackOption = "main_video",
    url: UrlOption = "",
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save what a video track shows now."""
    write = importlib.import_module("reactor_cli.pictures").writer(file)

    async def work(reactor: Any) -> Any:
        try:
            async with asyncio.timeout(FIRST_PICTURE_S):
                async for shown in reactor.frames(track):
                    return shown
        except TimeoutError as error:
            why = f"{track} shows nothing within {FIRST_PICTURE_S:g} s: the model may wait for a command (`reactor client show`)"
            raise RequestTimeoutError(why) from error
        raise InvalidArgumentError(f"the session ended before {track} showed anything")

    rgb = run(place_of(url, model), work)
    write(rgb)
    height, width = rgb.shape[:2]
    if as_json:
        show_json({"file": str(file), "track": track, "width": width, "height": height})
        return
    say(f"[green]{plain(str(file))}[/green] holds {width}x{height} of {plain(track)}")


@client.command(epilog=example("reactor client clip last.mp4 --seconds 10"))
def clip(
    file: Annotated[Path, typer.Argument(help="Where it goes: an .mp4.")],
    seconds: Annotated[float, typer.Option("--seconds", "-s", min=0.1, max=300, help="How much of what was shown last.")] = 5.0,
    url: UrlOption = "",
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save the last seconds of a session that is recorded (runtime.recording.enabled in its reactor.yaml)."""

    async def work(reactor: Any) -> int:
        with Progress(console=errors, transient=True) as progress:
            task = progress.add_task("fetching", total=None)

            def told(fetched: int, total: int, _size: int) -> None:
                progress.update(task, completed=fetched, total=total)

            found = await reactor.request_clip(seconds)
            return len(await reactor.download_clip_as_file(found, file, on_progress=told))

    size = run(place_of(url, model), work)
    if as_json:
        show_json({"file": str(file), "bytes": size, "seconds": seconds})
        return
    say(f"[green]{plain(str(file))}[/green] holds {size / 1024:.0f} KiB")


@client.command(epilog=example("reactor client stats --seconds 5 --json"))
def stats(
    seconds: Annotated[float, typer.Option("--seconds", "-s", min=1, help="For how long.")] = 10.0,
    url: UrlOption = "",
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the figures of the connection, once a second; with --json, one line each."""

    async def work(reactor: Any) -> None:
        until = time.monotonic() + seconds
        with Live(console=errors, auto_refresh=False, transient=as_json) as live:
            while time.monotonic() < until:
                await asyncio.sleep(1.0)
                found = _figures(await reactor.get_stats())
                if as_json:
                    show_json_line(found)
                else:
                    live.update(_figures_table(found), refresh=True)

    run(place_of(url, model), work)


def pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """``NAME=VALUE``, apart. Raises :class:`InvalidArgumentError`."""
    found = [text.partition("=") for text in texts]
    for name, sign, _ in found:
        if not name or not sign:
            raise InvalidArgumentError(f"give NAME=VALUE, not {name or '='!r}")
    return [(name, value) for name, _, value in found]


def parsed(text: str) -> Any:
    """A value as JSON, or as the text that it is: ``3``, ``true`` and ``[1]`` are what they look like, ``dusk`` is a text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _figures(found: Any) -> JsonObject:
    """What was measured, with the units in the names; what is not known yet is None."""
    return {
        "fps": found.frames_per_second,
        "kbit_s": None if found.bitrate is None else found.bitrate / 1000,
        "rtt_ms": None if found.rtt is None else found.rtt * 1000,
        "loss_percent": None if found.packet_loss_ratio is None else found.packet_loss_ratio * 100,
        "width": found.frame_width,
        "height": found.frame_height,
        "path": found.candidate_type,
    }


def _figures_table(figures: JsonObject) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in figures.items():
        shown = "-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), shown)
    return table
