"""What has been declared in this process, for authors who look: views that are made when they are asked, and keep nothing alive.

Nothing here decides what belongs to a model; :mod:`reactor_runtime.surroundings` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from reactor_runtime.commands import read_command
from reactor_runtime.fields import ModelMessage
from reactor_runtime.marks import EVENT_MARK
from reactor_runtime.model import ReactorApp
from reactor_runtime.records import Command, make_command
from reactor_runtime.tracks import MediaInput, Output, Track, TrackHolder

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A read-only view of what is declared, by name; of two of the same name, the later one."""

    def __init__(self, look: Callable[[], dict[str, T]]) -> None:
        self._look = look

    def __getitem__(self, name: str) -> T:
        return self._look()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._look())

    def __len__(self) -> int:
        return len(self._look())

    def __repr__(self) -> str:
        return repr(self._look())


def _below(kind: type[T]) -> Iterator[type[T]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _holders(kind: type[TrackHolder]) -> dict[str, type[Any]]:
    found = {}
    for holder in _below(kind):
        with suppress(TypeError):
            if holder.declared():
                found[holder.__name__] = holder
    return found


def _tracks(kind: type[TrackHolder]) -> dict[str, type[Track]]:
    return {name: track for holder in _holders(kind).values() for name, track in holder.declared().items()}


def _commands() -> dict[str, type[Command]]:
    methods = [(model, method) for model in _below(ReactorApp) for method in vars(model).values() if hasattr(method, EVENT_MARK)]
    found = {command.name: command for command in _below(Command)}
    for model, method in methods:
        # A class that was refused may still be in memory: it is none.
        with suppress(TypeError, ValueError):
            command = _command(model.__name__, method)
            found[command.name] = command
    return found


_made: WeakKeyDictionary[Any, type[Command]] = WeakKeyDictionary()


def _command(owner: str, method: Any) -> type[Command]:
    """A decorated method as a class."""
    if method not in _made:
        mark = getattr(method, EVENT_MARK)
        spec = read_command(owner, method.__name__, method, mark.name, mark.description)
        _made[method] = make_command(mark.name, [(name, spec.annotations[name], info) for name, info in spec.fields.items()])
    return _made[method]


OUTPUT_REGISTRY: Registry[type[Output]] = Registry(lambda: _holders(Output))
INPUT_REGISTRY: Registry[type[MediaInput]] = Registry(lambda: _holders(MediaInput))
MESSAGE_REGISTRY: Registry[type[ModelMessage]] = Registry(lambda: {message.name: message for message in _below(ModelMessage)})
EVENT_REGISTRY: Registry[type[Command]] = Registry(_commands)


def all_output_tracks() -> dict[str, type[Track]]:
    """The output tracks of this process by name."""
    return _tracks(Output)


def all_input_tracks() -> dict[str, type[Track]]:
    """The input tracks of this process by name."""
    return _tracks(MediaInput)
