"""What a command takes, in words for a terminal. Pure.

The schema document is a stranger's: what is not as expected there is left out, and no text gets longer than a few lines.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reactor_cli.typed.shapes import alternatives_of, is_file, limits_of
from reactor_protocol.messages import JsonObject
from reactor_protocol.schema_changes import commands_of, parameters_of, resolved

_KINDS: Final = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}
_MOST_CHOICES: Final = 12
_LONGEST: Final = 60


def parameters_in_words(document: JsonObject, command: str) -> list[str]:
    """A line for each parameter of a command, such as ``radius: integer, 5 to 150, 40 if left out``."""
    shapes, required = parameters_of(commands_of(document).get(command, {}))
    return [f"{_short(name)}: {_said(document, shape, name in required)}" for name, shape in shapes.items()]


def _said(document: JsonObject, shape: JsonObject, required: bool) -> str:
    said = ["a file (--file)"] if is_file(document, shape) else [_kind(document, shape), *limits_of(document, shape)]
    if required:
        said.append("required")
    elif shape.get("default") is not None:
        said.append(f"{_short(_typed(shape['default']))} if left out")
    return ", ".join(said)


def _kind(document: JsonObject, shape: JsonObject) -> str:
    """What a value is: a type, or the choices that there are."""
    choices = shape.get("enum")
    if isinstance(choices, list) and choices:
        named = [_short(_typed(choice)) for choice in choices[:_MOST_CHOICES]]
        return " | ".join([*named, "..."] if len(choices) > _MOST_CHOICES else named)
    told: list[str] = []
    for each in (shape, *alternatives_of(shape)[:_MOST_CHOICES]):
        kinds = resolved(document, each).get("type")
        told += [
            _KINDS[kind] for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str) and kind in _KINDS
        ]
    return " or ".join(dict.fromkeys(told)) or "any value"


def _typed(value: Any) -> str:
    """A value as one types it behind ``NAME=``: a text as it is, unless it would be read as something else."""
    try:
        if isinstance(value, str):
            json.loads(value)
    except (ValueError, RecursionError):
        return value if value.strip() == value and value else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
