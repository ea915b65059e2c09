"""What a typed client has, read from a schema document. Python names are decided here; every name is used once."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace
from typing import Any, Final

from reactor_cli.typed.names import LONGEST_NAME, Names, constant, default_class, member
from reactor_cli.typed.shapes import Field, Record, Shapes, is_file
from reactor_cli.typed.text import literal, sentence
from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.messages import JsonObject
from reactor_protocol.schema_changes import body_of, commands_of, mapping_of, parameters_of, reply_of, tracks_of
from reactor_sdk.typed import TypedModel

IMPORTED: Final = (
    *("annotations", "dataclass", "field", "Annotated", "Any", "ClassVar", "Final", "Literal", "TypeAlias"),
    *("File", "Handler", "TrackCapability", "TypedModel", "Wire", "given", "MODEL", "TRACKS"),
)
"""What modules import, or name themselves; it is reserved in all of them, so that a new message renames no old one."""

_MOST_COMMANDS = 256
_MOST_MESSAGES = 256
_MOST_TRACKS = 64


@dataclass(frozen=True, slots=True)
class Track:
    """A track, ``direction`` being the client's point of view."""

    constant: str
    wire: str
    kind: str
    direction: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command. ``parameters`` are by their Python names; ``reply`` is a class; ``alias`` is another name of the method."""

    method: str
    wire: str
    said: str
    parameters: dict[str, Field]
    files: frozenset[str]
    reply: str | None
    alias: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the model: its decorator, and its class."""

    method: str
    wire: str
    record: str
    said: str


@dataclass(frozen=True, slots=True)
class Outline:
    """All of a client. ``module_names`` are those that members of its classes must not hide."""

    model: str
    version: str
    description: Any
    class_name: str
    tracks: tuple[Track, ...]
    choices: dict[str, tuple[str, ...]]
    records: tuple[Record, ...]
    commands: tuple[Command, ...]
    messages: tuple[Message, ...]
    module_names: frozenset[str]
    document: JsonObject


def outline_of(document: JsonObject, client_class: str | None = None) -> Outline:
    """Reads a document. Raises :class:`InvalidArgumentError` for one that no client can be written for."""
    info = mapping_of(document.get("info"))
    model = info.get("title")
    if not isinstance(model, str) or not model or literal(model) is None:
        raise InvalidArgumentError("the schema does not name its model: info.title has to be text of at most 80 characters")
    names = Names((*IMPORTED, *dir(builtins)))
    own = names.claim(_checked_class(client_class) if client_class is not None else default_class(model))
    tracks = _tracks(document, names)
    shapes = Shapes(document, names)
    messages = _messages(document, shapes)
    commands = _commands(document, shapes)
    outside = names.all - {*dir(builtins)}
    members = Names((*dir(TypedModel), *outside))
    made = tuple(_command(document, command, members, outside) for command in commands)
    heard = tuple(_message(message, members) for message in messages)
    version = info.get("version")
    return Outline(
        model=model,
        version=version if isinstance(version, str) else "",
        description=info.get("description"),
        class_name=own,
        tracks=tracks,
        choices=shapes.choices,
        records=tuple(shapes.records),
        commands=_with_aliases(made, members),
        messages=heard,
        module_names=outside,
        document=document,
    )


def _checked_class(name: str) -> str:
    is_class = name.isascii() and name.isidentifier() and name[0].isupper() and len(name) <= LONGEST_NAME
    if not is_class or not Names((*IMPORTED, *dir(builtins))).is_free(name):
        raise InvalidArgumentError(f"--class is a class name such as HeliosModel, not {name[:80]!r}")
    return name


def _tracks(document: JsonObject, names: Names) -> tuple[Track, ...]:
    found = tracks_of(document)
    if len(found) > _MOST_TRACKS:
        raise InvalidArgumentError(f"the model has {len(found)} tracks: {_MOST_TRACKS} can be written")
    tracks = []
    for wire, track in found.items():
        kind, direction = track.get("kind"), {"in": "sendonly", "out": "recvonly"}.get(str(track.get("direction")))
        if kind not in ("video", "audio") or direction is None or literal(wire) is None:
            raise InvalidArgumentError(f"the track {wire[:40]!r} is no video or audio that goes in or out")
        tracks.append(Track(names.claim(constant(wire, "TRACK")), wire, kind, direction))
    return tuple(tracks)


@dataclass(frozen=True, slots=True)
class _Heard:
    wire: str
    record: str
    said: str


def _messages(document: JsonObject, shapes: Shapes) -> list[_Heard]:
    webhooks = mapping_of(document.get("webhooks"))
    if len(webhooks) > _MOST_MESSAGES:
        raise InvalidArgumentError(f"the model has {len(webhooks)} messages: {_MOST_MESSAGES} can be written")
    heard = []
    for wire, item in webhooks.items():
        operation = mapping_of(mapping_of(item).get("post"))
        said = sentence(operation.get("summary"))
        _check_name(wire)
        record = shapes.record(body_of(mapping_of(operation.get("requestBody"))), wire, said)
        heard.append(_Heard(wire, record, said))
    return heard


@dataclass(frozen=True, slots=True)
class _Read:
    wire: str
    operation: JsonObject
    parameters: tuple[Field, ...]
    reply: str | None


def _commands(document: JsonObject, shapes: Shapes) -> list[_Read]:
    found = commands_of(document)
    if len(found) > _MOST_COMMANDS:
        raise InvalidArgumentError(f"the model has {len(found)} commands: {_MOST_COMMANDS} can be written")
    read = []
    for wire, operation in found.items():
        _check_name(wire)
        fields, required = parameters_of(operation)
        body = {"properties": fields, "required": sorted(required)}
        component = reply_of(operation)
        reference = {"$ref": f"#/components/schemas/{component}"}
        reply = shapes.record(reference, component, "") if component is not None else None
        read.append(_Read(wire, operation, shapes.fields(body, wire, nested=False), reply))
    return read


def _check_name(wire: str) -> None:
    if not wire or literal(wire) is None:
        raise InvalidArgumentError(f"a command or message has no name that can be written: {wire[:40]!r}")


def _command(document: JsonObject, read: _Read, members: Names, outside: frozenset[str]) -> Command:
    scope = Names(("self", *outside))
    parameters = {scope.claim(member(field.wire, "value")): field for field in read.parameters}
    files = frozenset(name for name, field in parameters.items() if is_file(document, field.shape))
    method = members.claim(member(read.wire, "command"))
    return Command(method, read.wire, sentence(read.operation.get("summary")), parameters, files, read.reply, None)


def _message(heard: _Heard, members: Names) -> Message:
    return Message(members.claim(f"on_{member(heard.wire, 'message')}"), heard.wire, heard.record, heard.said)


def _with_aliases(commands: tuple[Command, ...], members: Names) -> tuple[Command, ...]:
    """``set_image(image)``, where the image is a file, is also ``send_image``: the documentation knows it by that name."""
    made = []
    for command in commands:
        alias = f"send_{command.method.removeprefix('set_')}"
        sends = command.method.startswith("set_") and len(command.parameters) == 1 and command.files
        free = sends and members.is_free(alias)
        made.append(replace(command, alias=members.claim(alias)) if free else command)
    return tuple(made)
