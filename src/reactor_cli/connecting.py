"""How ``reactor client`` connects: to a model here or of a coordinator, in the session that was left open if there is one."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

import typer

from reactor_cli.completion import DEFAULT_URL
from reactor_cli.open_session import OpenSession
from reactor_cli.output import errors, plain
from reactor_protocol.errors import ConflictError, InvalidArgumentError, NetworkError, NotFoundError, SessionEndedError

T = TypeVar("T")

UrlOption = Annotated[str, typer.Option("--url", "-u", help="Address of a running model, else REACTOR_LOCAL_URL.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A model of a coordinator (REACTOR_API_URL, REACTOR_API_KEY), instead of --url."),
]

_API_URL: Final = "REACTOR_API_URL"
_LOCAL_URL: Final = "REACTOR_LOCAL_URL"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect, and whether a session that is begun there ``stays`` for the commands after this one."""

    url: str
    model: str | None = None
    stays: bool = False
    anew: bool = False

    @property
    def left_open(self) -> OpenSession:
        """The session that was left open there."""
        return OpenSession(self.url, self.model)


def place_of(url: str, model: str | None, *, stays: bool = False, anew: bool = False) -> Place:
    """From the options of a command. Raises :class:`InvalidArgumentError` for what is missing."""
    here, there = url or os.environ.get(_LOCAL_URL), os.environ.get(_API_URL)
    if model is None and here is None and there is not None:
        raise InvalidArgumentError(
            f"REACTOR_API_URL is set ({there}): say which of its models with --model NAME, "
            f"or give the address of one that runs on this machine ({DEFAULT_URL})"
        )
    if model is not None and there is None:
        raise InvalidArgumentError("REACTOR_API_URL is not set: say where the coordinator is, and its key in REACTOR_API_KEY")
    address = (here or DEFAULT_URL) if model is None else there
    return Place(str(address).rstrip("/"), model, stays, anew)


def run(place: Place, work: Callable[[Any], Awaitable[T]]) -> T:
    """Does something with a client that is connected."""

    async def connected_to() -> T:
        async with connected(place) as reactor:
            return await work(reactor)

    return asyncio.run(connected_to())


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Any]:
    """A client that is connected. A session that it began ends with it, unless it stays and all went well."""
    if place.anew:
        await end(place)
    # Loaded here and not above: it brings the WebRTC engine, which no other command needs.
    sdk = importlib.import_module("reactor_sdk")
    if place.model is None:
        os.environ[_LOCAL_URL] = place.url
        reactor = sdk.Reactor("model", local=True)
    else:
        reactor = sdk.Reactor(place.model)
    reactor.on("queue_changed", _tell_queue)
    async with reactor:
        try:
            begun = await _join_or_begin(reactor, place)
        except NetworkError as error:
            start = "start the model (`reactor run`)" if place.model is None else "start the coordinator (`reactor coordinator`)"
            raise NetworkError(f"{error}: {start}, or say where it is; `reactor doctor` finds out more") from error
        yield reactor
        session_id = reactor.get_session_id()
        if begun and place.stays and session_id is not None and place.left_open.remember(session_id):
            reactor._link.holdings.owns_session = False  # leaving the block does not end it
            errors.print(
                f"[dim]session {session_id[:8]} stays for a minute: the next `reactor client` goes on with it, "
                "`reactor client end` ends it[/dim]",
                soft_wrap=True,
            )


async def _join_or_begin(reactor: Any, place: Place) -> bool:
    """Connects, in the session that was left open if it is still there. Whether a session was begun."""
    known = place.left_open.read()
    try:
        await reactor.connect(session_id=known if place.model is not None else None)
    except (NotFoundError, SessionEndedError):
        if known is None or place.model is None:
            raise
        await reactor.connect()
    if known is not None and reactor.get_session_id() == known:
        errors.print(f"[dim]goes on with session {known[:8]}[/dim]")
    elif known is not None:
        place.left_open.forget()
        errors.print(f"[dim]session {plain(known[:8])}, which was left open, is over[/dim]")
    return bool(reactor._link.holdings.owns_session)


async def end(place: Place) -> str | None:
    """Ends the session that was left open there, and gives its id; None where there is none."""
    known = place.left_open.read()
    if known is None:
        return None
    place.left_open.forget()
    try:
        if place.model is not None:
            await importlib.import_module("reactor_sdk").end_session(known, os.environ.get("REACTOR_API_KEY", ""), place.url)
        else:
            api = importlib.import_module("reactor_sdk.api").Api(place.url)
            try:
                await importlib.import_module("reactor_sdk.session").LocalSessions(api).end(known)
            finally:
                await api.close()
    except (NotFoundError, ConflictError, SessionEndedError):
        return None
    return known


def _tell_queue(place: Any) -> None:
    if place is not None:
        errors.print(f"waiting: place {place.position} of {place.waiting}")
