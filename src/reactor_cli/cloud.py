"""The operator's commands: run a coordinator, and look after its keys, sessions and workers."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import typer

from reactor_cli.output import PANEL_MANY, JsonOption, ago, errors, example, plain, say, show_json, show_json_line, show_table
from reactor_protocol.errors import MissingExtraError

if TYPE_CHECKING:
    # What a coordinator is made of takes a second to load: the commands load it when they need it.
    from reactor_coordinator.config import CloudConfig
    from reactor_coordinator.keys import NewKey
    from reactor_coordinator.office import Office
    from reactor_coordinator.records import Key, SessionRecord, WorkerRecord

T = TypeVar("T")

_NEEDED: Final = ("sqlalchemy", "alembic", "asyncpg", "jwt", "obstore", "prometheus_client")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration; else reactor-cloud.yaml here, else the models found here."),
]

keys = typer.Typer(help="API keys: make, list and revoke them.")
sessions = typer.Typer(help="Sessions: list and end them.")
workers = typer.Typer(help="Workers: list and drain them.")

_DAY_S = 86_400.0
_ID_CHARS: Final = 8
"""What tables show of a session's id: as much as finds it again, and leaves room for the rest in 80 columns."""


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the program."""
    app.command(rich_help_panel=PANEL_MANY, epilog=example("reactor coordinator", "reactor coordinator -c reactor-cloud.yaml"))(
        coordinator
    )
    app.add_typer(keys, name="keys", rich_help_panel=PANEL_MANY, epilog=example("reactor keys create shop"))
    app.add_typer(sessions, name="sessions", rich_help_panel=PANEL_MANY, epilog=example("reactor sessions list --all"))
    app.add_typer(workers, name="workers", rich_help_panel=PANEL_MANY, epilog=example("reactor workers list --json"))


def _load(module: str) -> Any:
    """A module of the coordinator. Raises :class:`MissingExtraError` where what it needs is not installed."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(f'{missing[0]} is missing: this command comes with "openreactor[coordinator]": pip install it')
    return importlib.import_module(f"reactor_coordinator.{module}")


def _at_the_office(config: Path | None, work: Callable[[Office], Awaitable[T]]) -> T:
    open_office, read_config = _load("office").open_office, _load("config").read_config
    logging.getLogger("alembic").setLevel(logging.WARNING)

    async def visit() -> T:
        async with open_office(read_config(config)) as office:
            return await work(office)

    return asyncio.run(visit())


# ---------------------------------------------------------------------------------------------------- coordinator


def coordinator(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; else the configuration's, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, 0 for a free one; else 8090.")] = None,
    local_workers: Annotated[int | None, typer.Option("--workers", min=1, help="How many workers this machine runs.")] = None,
    log_format: Annotated[Literal["text", "json"], typer.Option(help="How log lines look.")] = "text",
    as_json: JsonOption = False,
) -> None:
    """Serve models to many clients: hands out tokens, sessions, a queue and workers, until Ctrl-C.

    Ctrl-C ends all sessions. SIGTERM takes no new ones, and lets those that run come to their end. With --json the address, and
    the API key where one had to be made, are one line of JSON on standard output.
    """
    serve, read_config = _load("serve").serve, _load("config").read_config
    importlib.import_module("reactor_runtime.logs").configure_logging("INFO", log_format)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = _with_options(read_config(config), host, port, local_workers)
    asyncio.run(serve(settings, lambda url, key: _greet(settings, url, key, as_json=as_json)))


def _with_options(config: CloudConfig, host: str | None, port: int | None, local_workers: int | None) -> CloudConfig:
    changes: dict[str, Any] = {}
    if host is not None:
        changes["host"] = host
    if port is not None:
        changes["port"] = port
    if local_workers is not None and config.pool.kind == "local":
        changes["pool"] = config.pool.model_copy(update={"workers": local_workers})
    return config.model_copy(update=changes)


def _greet(config: CloudConfig, url: str, key: NewKey | None, *, as_json: bool) -> None:
    if as_json:
        show_json_line({"url": url, "models": list(config.models), "key": None if key is None else key.text})
        return
    models = ", ".join(config.models)
    errors.print(f"[bold]reactor[/bold] coordinates [green]{plain(models)}[/green] on [cyan]{url}[/cyan] (Ctrl-C ends it)")
    errors.print(
        f"Play at [cyan]{url}/play[/cyan]; look after it at [cyan]{url}/admin[/cyan] (key: reactor keys create NAME --admin)"
    )
    if key is not None:
        errors.print("An API key was made; it is shown this once:")
        # On its own line and on stdout, so that it can be piped.
        typer.echo(key.text)
        errors.print(f"[dim]export REACTOR_API_URL={url} REACTOR_API_KEY=<the key>[/dim]")


# ----------------------------------------------------------------------------------------------------------- keys


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Whose it is, for your own eyes.")],
    config: ConfigOption = None,
    admin: Annotated[
        bool,
        typer.Option(
            "--admin", help="For an operator: opens the page /admin, sees and ends everybody's sessions, drains workers."
        ),
    ] = False,
    priority: Annotated[int, typer.Option(min=-1000, max=1000, help="Higher ones are served first.")] = 0,
    max_sessions: Annotated[int | None, typer.Option(min=1, help="Open sessions at once.")] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="New sessions a minute.")] = None,
    credit_hours: Annotated[float | None, typer.Option(min=0, help="Hours of sessions, in all.")] = None,
    expires_days: Annotated[float | None, typer.Option(min=0, help="Days until it expires.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key. It is shown once: only its hash is kept."""

    records = _load("records")

    async def work(office: Office) -> NewKey:
        now = office.clock()
        template = records.Key(
            id="",
            name=name[:128],
            prefix="",
            digest="",
            role=records.Role.ADMIN if admin else records.Role.CLIENT,
            priority=priority,
            max_sessions=max_sessions,
            sessions_per_minute=per_minute,
            credit_s=None if credit_hours is None else credit_hours * 3600,
            created_at=now,
            expires_at=None if expires_days is None else now + expires_days * _DAY_S,
        )
        return await office.create_key(template)

    made = _at_the_office(config, work)
    if as_json:
        show_json({**_key_row(made.record), "key": made.text})
        return
    errors.print(f"The key [bold]{plain(made.record.name)}[/bold] ({made.record.id}), shown this once:")
    typer.echo(made.text)


@keys.command("list")
def list_keys(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the API keys."""
    rows = [_key_row(key) for key in _at_the_office(config, lambda office: office.keys())]
    if as_json:
        show_json(rows)
        return
    for row in rows:
        row["prio"], row["limit"] = row["priority"], row["max_sessions"]
        row["state"] = "revoked" if row["revoked_at"] else f"expires {ago(row['expires_at'])}" if row["expires_at"] else "valid"
        row["credit"] = None if row["credit_s"] is None else f"{row['credit_s'] / 3600:.2f} h"
    columns = ("name", "prefix", "role", "prio", "limit", "credit", "state")
    show_table(rows, columns, "There are no keys: make one with `reactor keys create NAME`.")


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key's id, or its prefix.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke an API key: it makes no more tokens, and its tokens begin no more sessions. Running sessions go on."""
    revoked = _at_the_office(config, lambda office: office.revoke_key(key))
    if as_json:
        show_json({"id": revoked.id, "revoked": True})
        return
    say(f"The key {plain(revoked.name)} ({revoked.id}) is revoked.")


def _key_row(key: Key) -> dict[str, Any]:
    row = asdict(key)
    del row["digest"]
    return row


# ------------------------------------------------------------------------------------------------------- sessions


@sessions.command("list")
def list_sessions(
    config: ConfigOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List sessions, newest first."""
    found = _at_the_office(config, lambda office: office.sessions(limit, closed=everything))
    if as_json:
        show_json([_session_row(session) for session in found])
        return
    rows = [
        {
            **_session_row(session),
            "id": session.id[:_ID_CHARS],
            "created": ago(session.created_at),
            "ends": ago(session.expires_at if session.ended_at is None else session.ended_at),
        }
        for session in found
    ]
    columns = ("id", "model", "state", "created", "ends", "reason")
    show_table(rows, columns, "There are no sessions.")


@sessions.command("end")
def end_session(
    session: Annotated[str, typer.Argument(help="The session's id, or how it begins.")],
    reason: Annotated[str, typer.Option(help="Told to its clients.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a session; its clients are told."""
    _at_the_office(config, lambda office: office.end_session(session, reason))
    if as_json:
        show_json({"session_id": session, "ended": True})
        return
    say(f"The session {plain(session)} is ended.")


def _session_row(session: SessionRecord) -> dict[str, Any]:
    return asdict(session)


# -------------------------------------------------------------------------------------------------------- workers


@workers.command("list")
def list_workers(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the workers that are alive."""
    found = _at_the_office(config, lambda office: office.workers())
    if as_json:
        show_json([_worker_row(worker) for worker in found])
        return
    rows = [
        {
            **_worker_row(worker),
            "session": worker.session_id and worker.session_id[:_ID_CHARS],
            "started": ago(worker.started_at),
            "draining": "yes" if worker.draining else None,
        }
        for worker in found
    ]
    columns = ("id", "model", "state", "session", "started", "draining")
    show_table(rows, columns, "There are no workers: they are started by a coordinator.")


@workers.command("drain")
def drain_worker(
    worker: Annotated[str, typer.Argument(help="The worker's id.")], config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Take a worker out of service once its session has ended."""
    _at_the_office(config, lambda office: office.drain_worker(worker))
    if as_json:
        show_json({"worker_id": worker, "draining": True})
        return
    say(f"The worker {plain(worker)} takes no further session, and stops when it is free.")


def _worker_row(worker: WorkerRecord) -> dict[str, Any]:
    row = asdict(worker)
    del row["capabilities"]
    return row
