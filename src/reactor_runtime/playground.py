"""The ``playground`` section of a manifest: the keys and the gamepad that move a model in the browser, and clips to try it with.

.. code-block:: yaml

    playground:
      keys:                       # a held key sets its field, its release puts the default back
        set_controls:
          steer: {ArrowLeft: -1, ArrowRight: 1}
          gas: {ArrowUp: 1}
        reset: r                  # a command that needs no fields is sent once
      gamepad:
        set_controls:
          steer: {axis: 0}
          gas: {button: 7}
        reset: {button: 9}
      samples: [clip.mp4]         # offered as inputs; beside the manifest
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reactor_pages.media import MEDIA_TYPES
from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.messages import JsonObject
from reactor_runtime.commands import CommandSpec
from reactor_runtime.contract import Contract
from reactor_runtime.declared import CommandError
from reactor_runtime.json_types import parameter_type

MAX_SAMPLES: Final = 32
MAX_BINDINGS: Final = 256
"""How many keys, and how many parts of a gamepad, one manifest may bind."""

RESTING: Final = ("idle", "none", "neutral", "stop", "off", "still")
"""Choices that mean that nothing is held, where a field has no default."""

_SECTION: Final = ("keys", "gamepad", "samples")
_KEY: Final = re.compile(r"[ -~]|[A-Z][A-Za-z0-9]{1,23}")
_AXES: Final = 8
_BUTTONS: Final = 32
_SOURCE: Final = frozenset({"axis", "button", "value", "negative", "positive", "invert"})


@dataclass(frozen=True, slots=True)
class Playground:
    """What a manifest says of the playground. ``keys`` and ``gamepad`` are None where it leaves them to conventions.

    Both are by command, in the form that the page reads: a list of keys or buttons that send it, or for each field which keys set
    it to what, and which parts of a gamepad do. ``samples`` are existing files with different names.
    """

    keys: Mapping[str, Any] | None = None
    gamepad: Mapping[str, Any] | None = None
    samples: tuple[Path, ...] = field(default=())

    def document(self) -> JsonObject:
        """What the schema document says under ``x-reactor.playground``: samples by their names."""
        told = {"keys": self.keys, "gamepad": self.gamepad, "samples": [path.name for path in self.samples] or None}
        return {name: value for name, value in told.items() if value is not None}


def read_playground(section: Mapping[str, Any], directory: Path) -> Playground:
    """The section's settings. Raises :class:`InvalidArgumentError` that names what cannot be used, and the cure."""
    for name in section:
        if name not in _SECTION:
            raise InvalidArgumentError(f"playground.{name} is not known: it takes {', '.join(_SECTION)}")
    return Playground(
        keys=_bound(section, "keys", _keys_of),
        gamepad=_bound(section, "gamepad", _parts_of),
        samples=tuple(_samples(section, directory)),
    )


def check_playground(playground: Playground, contract: Contract) -> None:
    """Whether the model can take what keys and gamepad say.

    Raises ValueError that names a command or field that is not there, or a value that would be refused, and the cure.
    """
    for name, bound in (("keys", playground.keys), ("gamepad", playground.gamepad)):
        for command, binding in (bound or {}).items():
            where = f"playground.{name}.{command}"
            if command not in contract.commands:
                raise ValueError(f"{where}: there is no such command; {_instead(command, contract.commands)}")
            spec = contract.commands[command]
            for payload in _payloads(where, binding, _shapes(spec)):
                _check(where, spec, payload)


# ------------------------------------------------------------------------------------------------------- reading


def _bound(section: Mapping[str, Any], name: str, read: Callable[[str, Any], Any]) -> Mapping[str, Any] | None:
    """A mapping of commands to bindings; None where the section is silent."""
    given = section.get(name)
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f"playground.{name} must be a mapping of commands, such as {{reset: r}}")
    found = {str(command): read(f"playground.{name}.{command}", binding) for command, binding in given.items()}
    if sum(map(_size, found.values())) > MAX_BINDINGS:
        raise InvalidArgumentError(f"playground.{name} binds more than {MAX_BINDINGS}: leave some out")
    return found


def _size(binding: Any) -> int:
    return len(binding) if isinstance(binding, list) else sum(map(len, binding.values()))


def _keys_of(where: str, given: Any) -> Any:
    if not isinstance(given, Mapping):
        return [_key(where, key) for key in (given if isinstance(given, list) else [given])]
    found: dict[str, dict[str, Any]] = {}
    for name, values in given.items():
        if not isinstance(values, Mapping) or not values:
            raise InvalidArgumentError(f"{where}.{name} must say which key sets it to what, such as {{ArrowLeft: -1}}")
        found[str(name)] = {_key(f"{where}.{name}", key): _value(f"{where}.{name}", value) for key, value in values.items()}
    return found


def _key(where: str, key: Any) -> str:
    if isinstance(key, int) and not isinstance(key, bool) and 0 <= key <= 9:
        return str(key)
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        # YAML reads on and off, yes and no as true and false.
        raise InvalidArgumentError(f'{where}: {key!r} is no key: give one character in quotes ("w") or a name such as ArrowLeft')
    return key.lower() if len(key) == 1 else key


def _parts_of(where: str, given: Any) -> Any:
    if _is_source(given) or isinstance(given, list):
        parts = [_source(where, part) for part in (given if isinstance(given, list) else [given])]
        if any(set(part) != {"button"} for part in parts):
            raise InvalidArgumentError(f"{where} must be a button, such as {{button: 9}}, or name its fields")
        return [part["button"] for part in parts]
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f"{where} must be a button, such as {{button: 9}}, or a mapping of its fields")
    found: dict[str, list[JsonObject]] = {}
    for name, sources in given.items():
        parts = sources if isinstance(sources, list) else [sources]
        found[str(name)] = [_source(f"{where}.{name}", part) for part in parts]
    return found


def _is_source(given: Any) -> bool:
    """Whether this is a part of a gamepad, and not a mapping of fields that happen to have such names."""
    return isinstance(given, Mapping) and any(isinstance(given.get(name), int) for name in ("axis", "button"))


def _source(where: str, given: Any) -> JsonObject:
    if not _is_source(given) or set(given) - _SOURCE or ("axis" in given) == ("button" in given):
        raise InvalidArgumentError(f"{where} must name an axis or a button, such as {{axis: 0}} or {{button: 7, value: 1}}")
    kind, count = ("axis", _AXES) if "axis" in given else ("button", _BUTTONS)
    number = given[kind]
    if isinstance(number, bool) or not 0 <= number < count:
        raise InvalidArgumentError(f"{where}.{kind} must be a number of 0 to {count - 1}, not {number!r}")
    if not isinstance(given.get("invert", False), bool):
        raise InvalidArgumentError(f"{where}.invert must be true or false, not {given['invert']!r}")
    return {name: value if name == kind else _value(f"{where}.{name}", value) for name, value in given.items()}


def _value(where: str, value: Any) -> Any:
    """A value as JSON has it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{where}: {value!r} cannot be sent in a command") from error


def _samples(section: Mapping[str, Any], directory: Path) -> Iterator[Path]:
    given = section.get("samples") or []
    if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given) or len(given) > MAX_SAMPLES:
        raise InvalidArgumentError(f"playground.samples must be a list of at most {MAX_SAMPLES} files, such as [clip.mp4]")
    names = set()
    for path in ((directory / name).resolve() for name in given):
        if not path.is_file():
            raise InvalidArgumentError(f"playground.samples: there is no file {path}: put it there, or leave it out")
        if path.suffix.lower() not in MEDIA_TYPES:
            raise InvalidArgumentError(f"playground.samples: browsers play no {path.name}: give one of {', '.join(MEDIA_TYPES)}")
        if path.name in names:
            raise InvalidArgumentError(f"playground.samples: two files are called {path.name}: rename one")
        names.add(path.name)
        yield path


# ------------------------------------------------------------------------------------------------------ checking


def _shapes(spec: CommandSpec) -> Mapping[str, JsonObject]:
    return {name: parameter_type(spec.annotations[name], info, optional=False) for name, info in spec.fields.items()}


def _payloads(where: str, binding: Any, shapes: Mapping[str, JsonObject]) -> Iterator[JsonObject]:
    """Payloads that between them hold every value that a binding can send."""
    if isinstance(binding, list):
        yield {}
        return
    for name in binding:
        if name not in shapes:
            raise ValueError(f"{where}.{name}: the command has no such field; {_instead(name, shapes)}")
    rest = {name: _rest(f"{where}.{name}", shapes[name]) for name in binding}
    yield rest
    for name, sources in binding.items():
        values = sources.values() if isinstance(sources, dict) else _ends(f"{where}.{name}", sources, shapes[name])
        yield from ({**rest, name: value} for value in values)


def _rest(where: str, shape: JsonObject) -> Any:
    """What a field is set to while nothing is held."""
    if "default" in shape:
        return shape["default"]
    choices = shape.get("enum")
    for word in RESTING:
        if isinstance(choices, list) and word in choices:
            return word
    low, high = shape.get("minimum", -math.inf), shape.get("maximum", math.inf)
    if shape.get("type") in ("integer", "number") and choices is None and low <= 0 <= high:
        return 0
    if shape.get("type") == "boolean":
        return False
    raise ValueError(f"{where}: nothing is known to put back when a key is released: give the field a default")


def _ends(where: str, sources: Iterable[JsonObject], shape: JsonObject) -> Iterator[Any]:
    for source in sources:
        given = [source[name] for name in ("value", "negative", "positive") if name in source]
        yield from given
        if not given and (shape.get("type") not in ("integer", "number") or "enum" in shape):
            cure = "negative: ..., positive: ..." if "axis" in source else "value: ..."
            raise ValueError(f"{where}: the field is no number, so that its values have to be given: {cure}")


def _check(where: str, spec: CommandSpec, payload: JsonObject) -> None:
    try:
        spec.validate(payload, {})
    except CommandError as error:
        cure = "bind that field too, or give it a default" if "missing" in error.message else "the model would refuse it"
        raise ValueError(f"{where}: {error.message} in {json.dumps(payload)}: {cure}") from None


def _instead(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
