"""The words of a declaration: fields, files and refusals, as authors write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class CommandError(Exception):
    """Raise it in a handler to refuse a command; the client gets exactly this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """Default and limits of a command's parameter or of a state's field."""

    default: Any = field(default_factory=lambda: MISSING)
    description: str | None = None
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    choices: list[Any] | None = None
    moderate: bool = False


def InputField(
    default: Any = MISSING,
    *,
    default_factory: Callable[[], Any] | None = None,
    description: str | None = None,
    ge: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    choices: list[Any] | tuple[Any, ...] | None = None,
    moderate: bool = False,
) -> Any:
    """Limits of a command's parameter, written as its default value. ``ge``, ``le`` and the lengths are inclusive.

    Raises TypeError for a ``default_factory`` or a mutable default: a parameter is filled anew for each command.
    """
    if default_factory is not None:
        raise TypeError("InputField takes no default_factory: give a default, or make the parameter T | None")
    if isinstance(default, list | dict | set):
        raise TypeError(f"InputField: a {type(default).__name__} cannot be a default: make the parameter T | None")
    allowed = None if choices is None else list(choices)
    return FieldInfo(default, description, ge, le, min_length, max_length, allowed, moderate)


MESSAGE_FIELD = "reactor_message_field"
"""The key that marks the metadata of a field as :func:`MessageField`'s."""


def MessageField(default: Any = MISSING, *, default_factory: Any = MISSING, description: str | None = None) -> Any:
    """Default and description of a message's field."""
    metadata = {"description": description or "", MESSAGE_FIELD: True}
    if default_factory not in (MISSING, None):
        return field(default_factory=default_factory, metadata=metadata)
    return field(default=default, metadata=metadata)


MADE_AS = "__reactor_made_as__"
"""The attribute of a class of the author's that says in which order it was declared."""

_numbers = count()


def number_class(declared: type[Any]) -> None:
    """Notes that a class comes after those that are declared before it, in whichever module."""
    setattr(declared, MADE_AS, next(_numbers))


_ACRONYM = re.compile(r"([A-Z]+)([A-Z][a-z])")
_WORD = re.compile(r"([a-z0-9])([A-Z])")


def snake_case(name: str) -> str:
    """The wire name of a class: ``HTTPServer`` is ``http_server``, ``Video2Audio`` is ``video2_audio``."""
    return _WORD.sub(r"\1_\2", _ACRONYM.sub(r"\1_\2", name)).lower()


def pascal_case(name: str) -> str:
    """The class name of a command: ``set_prompt`` is ``SetPrompt``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that a client uploaded. ``path`` is where the runtime keeps it, as long as the session lasts."""

    name: str
    mime_type: str
    data: bytes
    path: Path | None = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A reference ``{"upload_id": ...}`` becomes the file of that id in the context of the validation."""
        return core_schema.with_info_plain_validator_function(_file)


def _file(value: Any, info: core_schema.ValidationInfo[Any]) -> UploadedFile:
    if isinstance(value, UploadedFile):
        return value
    files: Mapping[str, UploadedFile] = info.context or {}
    upload_id = value.get("upload_id") if isinstance(value, dict) else None
    found = files.get(upload_id) if isinstance(upload_id, str) else None
    if found is None:
        raise PydanticCustomError("upload", "expected an uploaded file, got {kind}", {"kind": type(value).__name__})
    return found
