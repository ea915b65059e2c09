"""What authors annotate commands and messages with, and what handlers are given."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import MISSING, dataclass, field, is_dataclass
from typing import Any, ClassVar, dataclass_transform, get_type_hints

from pydantic import TypeAdapter

from reactor_protocol.messages import ApplicationMessage


class CommandError(Exception):
    """Raise it in a handler to refuse a command; the client gets exactly this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """Default and limits of a command's parameter."""

    default: Any = field(default_factory=lambda: MISSING)
    description: str | None = None
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    choices: tuple[Any, ...] | None = None
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
    allowed = None if choices is None else tuple(choices)
    return FieldInfo(default, description, ge, le, min_length, max_length, allowed, moderate)


def MessageField(default: Any = MISSING, *, default_factory: Any = MISSING, description: str = "") -> Any:
    """Default and description of a message's field."""
    metadata = {"description": description}
    if default_factory is not MISSING:
        return field(default_factory=default_factory, metadata=metadata)
    return field(default=default, metadata=metadata)


_ACRONYM = re.compile(r"([A-Z]+)([A-Z][a-z])")
_WORD = re.compile(r"([a-z0-9])([A-Z])")


def snake_case(name: str) -> str:
    """The wire name of a class: ``HTTPServer`` is ``http_server``, ``Video2Audio`` is ``video2_audio``."""
    return _WORD.sub(r"\1_\2", _ACRONYM.sub(r"\1_\2", name)).lower()


@dataclass_transform(field_specifiers=(MessageField, field))
class ModelMessage:
    """A message to clients: subclass it and annotate fields; it becomes a dataclass.

    Its name on the wire is the class name in snake case, or the class variable ``name``. Fields hold what JSON holds, and enums,
    dataclasses and nested lists and dicts of these.
    """

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("__annotations__", {})
        # A dataclass wants fields without default first; authors write them in the order that reads best.
        required = [key for key in own if key not in cls.__dict__ or _has_no_default(cls.__dict__[key])]
        cls.__annotations__ = {key: own[key] for key in [*required, *(key for key in own if key not in required)]}
        described = cls.__dict__.get("__doc__") or ""
        # ``name`` may also be a field of the message: it is one where it is annotated as anything but a class variable.
        name_is_field = "ClassVar" not in str(own.get("name", "ClassVar"))
        if name_is_field and "name" not in cls.__dict__:
            cls.name = field()
        # Fields that a subclass adds may follow its parent's defaults.
        dataclass(kw_only=any(is_dataclass(base) for base in cls.__bases__))(cls)
        # A dataclass without a docstring is given its signature, which says nothing to a client.
        cls.__doc__ = described
        if name_is_field or "name" not in cls.__dict__:
            cls.name = snake_case(cls.__name__)

    def encode(self) -> ApplicationMessage:
        """The message as the wire carries it. Raises TypeError naming the class when a value is not JSON."""
        try:
            data = _adapter(type(self)).dump_python(self, mode="json")
        except (ValueError, TypeError) as error:
            raise TypeError(f"{type(self).__name__} cannot be sent: {error}") from error
        return ApplicationMessage(type(self).name, data)


def _has_no_default(value: Any) -> bool:
    return getattr(value, "default", None) is MISSING and getattr(value, "default_factory", None) is MISSING


_adapters: dict[type[ModelMessage], TypeAdapter[Any]] = {}


def _adapter(kind: type[ModelMessage]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        assert is_dataclass(kind)
        get_type_hints(kind)
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that a client uploaded."""

    name: str
    mime_type: str
    data: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


@dataclass(frozen=True, eq=False)
class ClientInfo:
    """One connected client. ``joined_at`` is in seconds of the monotonic clock."""

    id: int
    joined_at: float
    system: bool = False
    _send: Callable[[ModelMessage], Awaitable[None]] | None = field(default=None, repr=False)

    async def send(self, message: ModelMessage) -> None:
        """Sends a message to this client alone."""
        if self._send is not None:
            await self._send(message)
