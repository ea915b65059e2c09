"""The contract of a model class: its commands, tracks and hooks, read once."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from reactor_runtime.commands import CommandSpec, read_command
from reactor_runtime.fields import ModelMessage, snake_case
from reactor_runtime.model import EVENT_MARK, HOOK_MARK, EventMark, ReactorModel
from reactor_runtime.tracks import Input, Output, TrackHolder, TrackSpec

T = TypeVar("T")


@dataclass(frozen=True)
class Contract:
    """What a model class offers. ``hooks`` and ``commands`` name methods; ``inputs`` maps attributes to their holder class."""

    name: str
    description: str
    commands: Mapping[str, CommandSpec]
    hooks: Mapping[str, str]
    inputs: Mapping[str, type[Input]]
    tracks: tuple[TrackSpec, ...]
    messages: tuple[type[ModelMessage], ...]

    def track(self, name: str) -> TrackSpec | None:
        """The declared track of that name."""
        return next((track for track in self.tracks if track.name == name), None)


def read_contract(model: type[ReactorModel], name: str = "") -> Contract:
    """Reads a model class. ``name`` is the manifest's, or empty for the class name in snake case.

    Raises TypeError or ValueError that names the class, the member and the cure, for whatever an author can get wrong.
    """
    inputs = _inputs(model)
    tracks = [spec for holder in inputs.values() for spec in holder.specs("in")]
    tracks += [spec for holder in _visible(model, Output) for spec in holder.specs("out")]
    _refuse_clashes(model, tracks)
    commands = _commands(model)
    replies = [spec.reply for spec in commands.values() if spec.reply is not None]
    return Contract(
        name=name or snake_case(model.__name__),
        description=inspect.cleandoc(model.__doc__ or ""),
        commands=commands,
        hooks=_hooks(model),
        inputs=inputs,
        tracks=tuple(dict.fromkeys(tracks)),
        messages=tuple(dict.fromkeys([*_visible(model, ModelMessage), *replies])),
    )


def _methods(model: type[ReactorModel], mark: str) -> Iterable[tuple[str, Any, Any]]:
    """Attribute name, function and mark of each marked method, base classes first, nearest definition only."""
    seen: dict[str, tuple[str, Any, Any]] = {}
    for kind in reversed(model.__mro__):
        for attribute, function in vars(kind).items():
            found = getattr(function, mark, None)
            if found is not None:
                seen[attribute] = (attribute, function, found)
            elif attribute in seen:
                raise TypeError(
                    f"{kind.__name__}.{attribute} hides a method that is decorated in a base class: decorate it too, or rename it"
                )
    return seen.values()


def _commands(model: type[ReactorModel]) -> dict[str, CommandSpec]:
    commands: dict[str, CommandSpec] = {}
    for attribute, function, found in _methods(model, EVENT_MARK):
        assert isinstance(found, EventMark)
        if found.name in commands:
            raise ValueError(
                f"{model.__name__}: duplicate command name {found.name!r} ({commands[found.name].method} and {attribute})"
            )
        commands[found.name] = read_command(model.__name__, attribute, function, found.name, found.description)
    return commands


def _hooks(model: type[ReactorModel]) -> dict[str, str]:
    hooks: dict[str, str] = {}
    for attribute, function, found in _methods(model, HOOK_MARK):
        if found in hooks:
            raise TypeError(f"{model.__name__}: two methods are marked @{found}: {hooks[found]} and {attribute}")
        if found == "file_uploaded" and "uploaded_file" not in inspect.signature(function).parameters:
            raise TypeError(f"{model.__name__}.{attribute}: @file_uploaded takes a parameter called uploaded_file")
        hooks[found] = attribute
    return hooks


def _inputs(model: type[ReactorModel]) -> dict[str, type[Input]]:
    try:
        hints = get_type_hints(model)
    except NameError as error:
        raise TypeError(
            f"{model.__name__}: an annotation cannot be resolved: {error}; import the name at module level"
        ) from error
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, Input)}


def _visible(model: type[ReactorModel], kind: type[T]) -> list[type[T]]:
    """The subclasses of ``kind`` that a model's author can see: in the class body and its bases', else in their modules.

    There is no registry: what belongs to a model is what stands beside it, so that two models in one process do not mix.
    """
    authored = [owner for owner in model.__mro__ if issubclass(owner, ReactorModel) and owner is not ReactorModel]
    nested = [value for owner in authored for value in vars(owner).values()]
    beside = [value for owner in authored for value in vars(sys.modules[owner.__module__]).values()]
    for values in (nested, beside):
        found = [v for v in values if isinstance(v, type) and issubclass(v, kind) and v not in (kind, TrackHolder)]
        if found:
            return list(dict.fromkeys(found))
    return []


def _refuse_clashes(model: type[ReactorModel], tracks: list[TrackSpec]) -> None:
    by_name: dict[str, TrackSpec] = {}
    for track in tracks:
        other = by_name.setdefault(track.name, track)
        if other != track:
            raise ValueError(f"{model.__name__}: the track {track.name!r} is declared twice, differently")
