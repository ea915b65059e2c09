"""The contract of a model class: commands, state, tracks and hooks. Checked when the class is made, read when it is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reactor_runtime.commands import CommandSpec, read_command, read_setter
from reactor_runtime.fields import ModelMessage, snake_case
from reactor_runtime.marks import EVENT_MARK, HOOK_MARK, EventMark, HookName
from reactor_runtime.records import InputState
from reactor_runtime.surroundings import authored, visible
from reactor_runtime.tracks import Input, Output, TrackSpec
from reactor_runtime.validation import UnresolvedAnnotation, hints_of, own_annotations


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
    state: type[InputState] | None = None

    def track(self, name: str) -> TrackSpec | None:
        """The declared track of that name."""
        return next((track for track in self.tracks if track.name == name), None)


def read_contract(model: type[Any], name: str = "") -> Contract:
    """Reads a model class. ``name`` is the manifest's, or empty for the class name in snake case.

    Raises TypeError or ValueError that names the class, the member and the cure, for whatever an author can get wrong.
    """
    inputs = _inputs(model)
    tracks = [spec for holder in inputs.values() for spec in holder.specs("in")]
    tracks += [spec for holder in visible(model, Output) for spec in holder.specs("out")]
    _refuse_clashes(model, tracks)
    _check_methods(model)
    _check_numbers(model)
    state = read_state(model)
    commands = _commands(model, state)
    replies = [spec.reply for spec in commands.values() if spec.reply is not None]
    messages = tuple(dict.fromkeys([*visible(model, ModelMessage), *replies]))
    for message in messages:
        message.check()
    _refuse_namesakes(model, messages)
    return Contract(
        name=name or snake_case(model.__name__),
        description=inspect.cleandoc(model.__doc__ or ""),
        commands=commands,
        hooks=_hooks(model),
        inputs=inputs,
        tracks=tuple(dict.fromkeys(tracks)),
        messages=messages,
        state=state,
    )


def check_model(model: type[Any]) -> None:
    """What :func:`read_contract` refuses is refused where the class is made.

    Annotations may name what comes later in the module; those are checked when the model is loaded.
    """
    if "FRAMEWORK" in vars(model):
        return
    try:
        read_contract(model)
    except UnresolvedAnnotation:
        _check_methods(model)
        _check_numbers(model)
        _hooks(model)


def read_state(model: type[Any]) -> type[InputState] | None:
    """The class of the model's state, where ``state`` is annotated with one. Raises TypeError for a pipeline without it."""
    hint = hints_of(model.__name__, model, "state".__eq__).get("state") if authored(model) else None
    if isinstance(hint, type) and issubclass(hint, InputState):
        hint.declared()
        return hint
    if _written(model, "inference"):
        raise TypeError(f"{model.__name__}: a pipeline needs a state: annotate `state: YourState`, a subclass of InputState")
    return None


def _methods(model: type[Any], mark: str) -> Iterable[tuple[str, Any, Any]]:
    """Attribute name, function and mark of each marked method, base classes first, nearest definition only."""
    seen: dict[str, tuple[str, Any, Any]] = {}
    for kind in reversed(model.__mro__):
        for attribute, function in vars(kind).items():
            found = getattr(function, mark, None)
            if found is not None:
                seen[attribute] = (attribute, function, found)
            elif attribute in seen:
                seen[attribute] = (attribute, function, _hidden(kind, attribute, function, seen[attribute][2]))
    return seen.values()


def _hidden(kind: type[Any], attribute: str, function: Any, mark: EventMark | HookName) -> EventMark | HookName:
    """The mark of an override without one: a hook's stays. Raises TypeError for anything else that hides a decorated method."""
    where = f"{kind.__name__}.{attribute}"
    if isinstance(mark, EventMark):
        raise TypeError(f"{where} hides a method that is decorated in a base class: decorate it too, or rename it")
    if hasattr(function, EVENT_MARK):
        raise TypeError(f"{where} is a command, and hides the @{mark} hook of a base class: rename it")
    if not callable(function):
        raise TypeError(f"{where} hides the @{mark} hook of a base class, and is no method: rename it")
    return mark


def _commands(model: type[Any], state: type[InputState] | None) -> dict[str, CommandSpec]:
    commands: dict[str, CommandSpec] = {}
    for attribute, function, found in _methods(model, EVENT_MARK):
        assert isinstance(found, EventMark)
        if found.name in commands:
            raise ValueError(
                f"{model.__name__}: duplicate command name {found.name!r} ({commands[found.name].method} and {attribute})"
            )
        command = read_command(model.__name__, attribute, function, found.name, found.description)
        commands[found.name] = replace(command, dedupe=found.dedupe)
    for field, declared in state.public().items() if state is not None else ():
        # A command that the author has written stands for the field's own.
        if f"set_{field}" not in commands:
            commands[f"set_{field}"] = read_setter(state.__name__ if state else "", field, declared)
    return commands


_HOOK_PARAMETERS: Mapping[str, tuple[frozenset[str], str]] = {
    "session_started": (frozenset(), "no parameters"),
    "session_ended": (frozenset(), "no parameters"),
    "connected": (frozenset({"client"}), "client, or no parameters"),
    "disconnected": (frozenset({"client"}), "client, or no parameters"),
    "file_uploaded": (frozenset({"uploaded_file", "client"}), "a parameter called uploaded_file, and may take client"),
}


def _hooks(model: type[Any]) -> dict[str, str]:
    hooks: dict[str, str] = {}
    for attribute, function, found in _methods(model, HOOK_MARK):
        if found in hooks:
            raise TypeError(f"{model.__name__}: two methods are marked @{found}: {hooks[found]} and {attribute}")
        allowed, described = _HOOK_PARAMETERS[found]
        parameters = list(inspect.signature(function).parameters.values())[1:]
        unknown = [p for p in parameters if p.name not in allowed and p.default is p.empty and p.kind is not p.VAR_KEYWORD]
        lacks_file = found == "file_uploaded" and "uploaded_file" not in {p.name for p in parameters}
        if unknown or lacks_file:
            raise TypeError(f"{model.__name__}.{attribute}: @{found} takes {described}")
        hooks[found] = attribute
    return hooks


def unresolved_annotations(model: type[Any]) -> list[str]:
    """Where the author's annotations name what is not there. Nothing hangs on them, unless one is misspelt."""
    places = [f"{model.__name__}.{name}" for name in _lost(authored(model), hints_of("", model, lambda name: False))]
    for attribute, function, _ in _methods(model, EVENT_MARK):
        lost = _lost([function], hints_of("", function, lambda name: False))
        places += [f"{model.__name__}.{attribute}({name})" for name in lost if name != "client"]
    return places


def _lost(owners: Iterable[Any], hints: Mapping[str, Any]) -> list[str]:
    return [name for owner in owners for name in own_annotations(owner) if name not in hints]


def _inputs(model: type[Any]) -> dict[str, type[Input]]:
    hints = hints_of(model.__name__, model, lambda name: False) if authored(model) else {}
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, Input)}


def _refuse_clashes(model: type[Any], tracks: list[TrackSpec]) -> None:
    by_name: dict[str, TrackSpec] = {}
    for track in tracks:
        other = by_name.setdefault(track.name, track)
        if other != track:
            raise ValueError(f"{model.__name__}: the track {track.name!r} is declared twice, differently")


def _refuse_namesakes(model: type[Any], messages: Iterable[type[ModelMessage]]) -> None:
    by_name: dict[str, type[ModelMessage]] = {}
    for message in messages:
        other = by_name.setdefault(message.name, message)
        if other is not message:
            raise ValueError(
                f"{model.__name__}: {other.__name__} and {message.__name__} are both called {message.name!r}: rename one of them"
            )


def _written(model: type[Any], name: str) -> Any:
    """A method as the author wrote it, or None."""
    return next((vars(kind)[name] for kind in authored(model) if name in vars(kind)), None)


_COROUTINES = ("run", "process_input", "process_output")
_PLAIN = {"load": "it runs in a thread of its own", "generate": "what it waits for belongs into process_input"}


def _check_methods(model: type[Any]) -> None:
    """The runtime awaits some methods and calls others: the wrong kind would never run."""
    for name, reason in _PLAIN.items():
        written = _written(model, name)
        if inspect.iscoroutinefunction(written) or inspect.isasyncgenfunction(written):
            raise TypeError(f"{model.__name__}.{name} must be a plain function: {reason}")
    for name in _COROUTINES:
        written = _written(model, name)
        if inspect.isfunction(written) and not inspect.iscoroutinefunction(inspect.unwrap(written)):
            raise TypeError(f"{model.__name__}.{name} must be a coroutine function: write `async def {name}`")
    if inspect.iscoroutinefunction(_written(model, "inference")):
        raise TypeError(f"{model.__name__}.inference must be a generator: yield each Output")


def _check_numbers(model: type[Any]) -> None:
    fps, size = getattr(model, "fps", 30.0), getattr(model, "buffer_size", None)
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps < float("inf"):
        raise ValueError(f"{model.__name__}: fps must be above 0, not {fps}")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size <= 0):
        raise ValueError(f"{model.__name__}: buffer_size is a number of frames above 0, or None; not {size}")
