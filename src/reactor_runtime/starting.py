"""The parameters of ``start_session`` that steer how a session is generated (reference: runtime, 3.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from reactor_protocol.errors import BadRequestError
from reactor_protocol.messages import Command, JsonObject

Generation: TypeAlias = Literal["streamed", "stepped"]

MAX_STEPS: Final = 10_000
MAX_ENTRIES: Final = 256
"""Limit of the fields and commands of one starting input or step."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is applied before a step, and where it stands in what was sent."""

    place: str
    command: Command


@dataclass(frozen=True, slots=True)
class StartTerms:
    """How a session is generated. ``starting`` is None where no starting input was given, ``steps`` where there is no limit."""

    generation: Generation = "streamed"
    steps: int | None = None
    starting: tuple[Entry, ...] | None = None

    @property
    def stepped(self) -> bool:
        """Whether the model takes steps on request alone."""
        return self.generation == "stepped"

    @property
    def unattended(self) -> bool:
        """Whether the session needs no client: it makes its steps, and ends."""
        return self.steps is not None and not self.stepped


def read_terms(parameters: Mapping[str, Any]) -> StartTerms:
    """The terms of a session. Raises :class:`BadRequestError` naming the key that is wrong."""
    generation = parameters.get("generation", "streamed")
    if generation not in ("streamed", "stepped"):
        raise BadRequestError("generation is 'streamed' or 'stepped'")
    steps = parameters.get("steps")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MAX_STEPS):
        raise BadRequestError(f"steps is a whole number of 1 to {MAX_STEPS}")
    return StartTerms(generation, steps, _starting(parameters.get("starting_input")))


def _starting(given: Any) -> tuple[Entry, ...] | None:
    if given is None:
        return None
    body = _object(given, "starting_input", {"state", "commands"})
    state, commands = body.get("state") or {}, body.get("commands") or []
    _object(state, "starting_input.state")
    if not isinstance(commands, list):
        raise BadRequestError("starting_input.commands is a list")
    found = [_command(entry, f"starting_input.commands[{number}]") for number, entry in enumerate(commands)]
    return tuple(entries(state, found, "starting_input."))


def entries(state: JsonObject, commands: list[Command], prefix: str = "") -> list[Entry]:
    """What is applied, in order: the fields of the state by their names, then the commands. Raises :class:`BadRequestError`."""
    if len(state) + len(commands) > MAX_ENTRIES:
        raise BadRequestError(f"at most {MAX_ENTRIES} fields and commands are applied at once")
    fields = [Entry(f"{prefix}state.{name}", Command(f"set_{name}", {name: state[name]})) for name in sorted(state)]
    return fields + [Entry(f"{prefix}commands[{number}]", command) for number, command in enumerate(commands)]


def _command(given: Any, place: str) -> Command:
    body = _object(given, place, {"command", "data"})
    name, data = body.get("command"), body.get("data") or {}
    if not isinstance(name, str) or not name:
        raise BadRequestError(f"{place}.command is the name of a command")
    return Command(name, _object(data, f"{place}.data"))


def _object(given: Any, place: str, keys: set[str] | None = None) -> JsonObject:
    if not isinstance(given, dict):
        raise BadRequestError(f"{place} is an object")
    unknown = sorted(str(key)[:64] for key in given if keys is not None and key not in keys)
    if unknown:
        raise BadRequestError(f"{place} has no {unknown[0]!r}")
    return given
