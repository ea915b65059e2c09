"""What authors annotate commands and messages with, and what handlers are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import MISSING, dataclass, field, is_dataclass
from dataclasses import Field as DataclassField
from dataclasses import fields as dataclass_fields
from typing import Any, ClassVar, dataclass_transform

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_jsonable_python

from reactor_protocol.messages import ApplicationMessage, JsonObject
from reactor_protocol.plain import listed, plain
from reactor_runtime.declared import (
    MESSAGE_FIELD,
    CommandError,
    FieldInfo,
    InputField,
    MessageField,
    UploadedFile,
    number_class,
    pascal_case,
    snake_case,
)
from reactor_runtime.validation import UnresolvedAnnotation, check_default, check_type, hints_of, holds_upload

__all__ = [
    "ClientInfo",
    "CommandError",
    "FieldInfo",
    "InputField",
    "MessageField",
    "ModelMessage",
    "UploadedFile",
    "pascal_case",
    "snake_case",
]


@dataclass_transform(field_specifiers=(MessageField, field))
class ModelMessage:
    """A message to clients: subclass it and annotate fields; it becomes a dataclass.

    Its name on the wire is the class name in snake case, or the class variable ``name``. Fields hold what JSON holds, and enums,
    dataclasses and nested lists and dicts of these. A field that cannot be sent, or whose default does not fit, is a TypeError
    where the class is made.
    """

    name: ClassVar[str] = ""

    __described__: ClassVar[dict[str, str]] = {}
    """What is told of each field, and under the empty name of the message."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        number_class(cls)
        own = cls.__dict__.get("__annotations__", {})
        _refuse_raw_defaults(cls, own)
        _take_copies(cls, own)
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
        # Kept aside: an author's own @dataclass over the class makes the fields, and the docstring, anew.
        assert is_dataclass(cls)
        cls.__described__ = {"": described} | {spec.name: spec.metadata.get("description", "") for spec in dataclass_fields(cls)}
        if name_is_field or "name" not in cls.__dict__:
            cls.name = snake_case(cls.__name__)
        if not cls.name:
            raise TypeError(
                f"{cls.__name__}: a message needs a name; leave the class variable out for {snake_case(cls.__name__)!r}"
            )
        try:
            cls.check()
        except UnresolvedAnnotation:
            # It may name a class that comes later in the module: the contract asks again when the model is read.
            return

    @classmethod
    def check(cls) -> None:
        """Raises TypeError naming the class, the field and the cure for a field that can never be sent."""
        assert is_dataclass(cls)
        hints = hints_of(cls.__name__, cls)
        for spec in dataclass_fields(cls):
            where = f"{cls.__name__}.{spec.name}"
            if holds_upload(hints[spec.name]):
                raise TypeError(f"{where}: files go from clients to the model; send what was found in it instead")
            probe = check_type(where, hints[spec.name])
            if spec.default is not MISSING:
                check_default(where, probe, spec.default)

    def to_wire_format(self) -> JsonObject:
        """``{"type": name, "data": fields}``, the values as they are."""
        assert is_dataclass(self)
        return {"type": type(self).name, "data": {spec.name: getattr(self, spec.name) for spec in dataclass_fields(self)}}

    def encode(self) -> ApplicationMessage:
        """The message as the wire carries it: numbers and arrays of NumPy become plain ones.

        Raises TypeError naming the class and the field whose value is not JSON, NaN among them.
        """
        kind = type(self)
        try:
            # Looked at as they are: the adapter makes null of NaN.
            _check(self, kind.__name__)
            return ApplicationMessage(kind.name, plain(self._dumped(), kind.__name__))
        except (ValueError, TypeError, RecursionError) as error:
            raise TypeError(f"{kind.__name__} cannot be sent: {error}") from error

    def _dumped(self) -> JsonObject:
        adapter = _adapter(type(self))
        try:
            data: JsonObject = adapter.dump_python(self, mode="json")
        except PydanticSerializationError:
            # Either there are arrays, of each of which it would warn, or there is what nobody can serialise.
            _check(self, type(self).__name__, strict=True)
            data = adapter.dump_python(self, mode="json", warnings=False, fallback=listed)
        return data


def _check(value: object, place: str, *, strict: bool = False) -> None:
    """Raises ValueError naming the place of a number that JSON cannot say; where ``strict``, TypeError for any other value."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            _check(each, f"{place}.{key}", strict=strict)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            _check(each, f"{place}[{number}]", strict=strict)
    elif is_dataclass(value):
        for name, each in vars(value).items():
            _check(each, f"{place}.{name}", strict=strict)
    elif isinstance(value, float | str) or hasattr(value, "tolist"):
        plain(value, place)
    elif strict:
        try:
            to_jsonable_python(value)
        except PydanticSerializationError:
            raise TypeError(f"{place} is of type {type(value).__name__}, which is not JSON") from None


def _refuse_raw_defaults(message: type[ModelMessage], annotations: dict[str, Any]) -> None:
    for name in annotations:
        default = message.__dict__.get(name, MISSING)
        where = f"{message.__name__}.{name}"
        if isinstance(default, DataclassField):
            if MESSAGE_FIELD not in default.metadata:
                raise TypeError(f"{where}: dataclasses.field() is not for messages; write MessageField(...)")
            default = default.default
        if isinstance(default, FieldInfo):
            raise TypeError(f"{where}: InputField is for what clients send; write MessageField(...)")
        if isinstance(default, list | dict | set):
            kind = type(default).__name__
            raise TypeError(
                f"{where}: a {kind} cannot be a default; write MessageField(default_factory={kind}), or T | None = None"
            )


def _take_copies(message: type[ModelMessage], annotations: dict[str, Any]) -> None:
    """A dataclass writes into the fields that it is given: a MessageField may stand in several places."""
    for name in annotations:
        given = message.__dict__.get(name)
        if isinstance(given, DataclassField):
            setattr(message, name, copy(given))


def _has_no_default(value: Any) -> bool:
    return getattr(value, "default", None) is MISSING and getattr(value, "default_factory", None) is MISSING


_adapters: dict[type[ModelMessage], TypeAdapter[Any]] = {}


def _adapter(kind: type[ModelMessage]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        hints_of(kind.__name__, kind)
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


@dataclass(frozen=True)
class ClientInfo:
    """One connected client. ``joined_at`` is in seconds of the monotonic clock.

    One that is ``in_step`` acts once for each frame that it sees, as Gymnasium environments do.
    """

    id: int
    joined_at: float
    system: bool = False
    in_step: bool = field(default=False, compare=False)
    _send: Callable[[ModelMessage], Awaitable[None] | None] | None = field(default=None, compare=False, repr=False)

    async def send(self, message: ModelMessage) -> None:
        """Sends a message to this client alone."""
        sent = self._send(message) if self._send is not None else None
        if sent is not None:
            await sent
