"""A command of a model: its parameters read from the handler's annotations, and payloads validated against them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import ErrorDetails

from reactor_protocol.messages import JsonObject
from reactor_runtime.fields import CommandError, FieldInfo, ModelMessage, UploadedFile

INVALID_COMMAND = "invalid_command"
UNRESOLVED_UPLOAD = "unresolved_upload"
INTERNAL_ERROR = "internal_error"

_NAMES = {int: "integer", float: "number", str: "string", bool: "boolean", list: "list", dict: "object", NoneType: "null"}

Handler: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class CommandSpec:
    """One command: how it is called, what it takes and what it may reply."""

    name: str
    method: str
    description: str
    arguments: type[BaseModel]
    parameters: Mapping[str, str]
    uploads: Mapping[str, bool]
    fields: Mapping[str, FieldInfo]
    takes_client: bool
    reply: type[ModelMessage] | None

    def validate(self, data: JsonObject, files: Mapping[str, UploadedFile]) -> dict[str, Any]:
        """The handler's arguments for a payload.

        Raises :class:`CommandError` ``invalid_command`` with the reasons of the reference (runtime, 1.5).
        """
        for name in data.keys() | files.keys():
            if name not in self.parameters and name not in self.uploads:
                raise CommandError(INVALID_COMMAND, f"unexpected argument '{name}'")
        values = {name: value for name, value in data.items() if name not in self.uploads}
        for name, required in self.uploads.items():
            if name not in files and required:
                raise CommandError(INVALID_COMMAND, f"missing required argument '{name}'")
        try:
            checked = self.arguments.model_validate_json(json.dumps(values))
        except ValidationError as error:
            raise CommandError(INVALID_COMMAND, _reason(error.errors(include_url=False)[0])) from None
        arguments = {name: getattr(checked, key) for name, key in self.parameters.items()}
        return arguments | {name: files.get(name) for name in self.uploads}


def read_command(owner: str, method: str, handler: Handler, name: str, description: str) -> CommandSpec:
    """Reads the command that ``handler`` implements.

    Raises TypeError naming ``owner``, the method and the cure for an annotation, default or return type that cannot be.
    """
    where = f"{owner}.{method}"
    hints = _hints(where, handler)
    signature = inspect.signature(handler)
    definitions: dict[str, Any] = {}
    parameters: dict[str, str] = {}
    uploads: dict[str, bool] = {}
    fields: dict[str, FieldInfo] = {}
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.name == "client":
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{where}: *{parameter.name} cannot be a command's field: name each parameter")
        annotation, info = hints.get(parameter.name, Any), _info(parameter)
        fields[parameter.name] = info
        if _is_upload(annotation):
            uploads[parameter.name] = info.default is MISSING and not _is_optional(annotation)
            continue
        key = f"p{len(parameters)}"
        parameters[parameter.name] = key
        definitions[key] = _definition(f"{where}({parameter.name})", parameter.name, annotation, info)
    config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=False)
    try:
        arguments: type[BaseModel] = create_model(f"{name}_arguments", __config__=config, **definitions)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise TypeError(f"{where}: a parameter has a type that cannot cross the wire: {error.message}") from error
    return CommandSpec(
        name=name,
        method=method,
        description=description,
        arguments=arguments,
        parameters=parameters,
        uploads=uploads,
        fields=fields,
        takes_client="client" in signature.parameters,
        reply=_reply(where, hints.get("return")),
    )


def _hints(where: str, handler: Handler) -> dict[str, Any]:
    try:
        return get_type_hints(handler, include_extras=True)
    except NameError as error:
        raise TypeError(f"{where}: an annotation cannot be resolved: {error}; import the name at module level") from error


def _info(parameter: inspect.Parameter) -> FieldInfo:
    default = parameter.default
    if isinstance(default, FieldInfo):
        return default
    return FieldInfo() if default is parameter.empty else FieldInfo(default)


def _definition(where: str, name: str, annotation: Any, info: FieldInfo) -> tuple[Any, Any]:
    """One field for pydantic. Defaults are checked here, so that a wrong one is the author's error and not a client's."""
    kind = _widened(annotation)
    if info.choices is not None:
        kind = Annotated[kind, AfterValidator(_one_of(info.choices))]
    limits = {key: limit for key in ("ge", "le", "min_length", "max_length") if (limit := getattr(info, key)) is not None}
    if limits and _is_optional(annotation):
        inner = next(part for part in get_args(annotation) if part is not NoneType)
        kind = Annotated[_widened(inner), Field(**limits)] | None
        limits = {}
    if info.default is MISSING:
        return kind, Field(alias=name, **limits)
    field = Field(alias=name, default=info.default, **limits)
    probe = create_model("probe", __config__=ConfigDict(strict=True), value=(kind, Field(**limits)))
    try:
        probe(value=info.default)
    except ValidationError as error:
        raise TypeError(f"{where}: the default does not fit: {_reason(error.errors(include_url=False)[0])}") from None
    return kind, field


def _widened(annotation: Any) -> Any:
    """The annotation with int taking integral floats too: JSON of other languages does not tell them apart."""
    if annotation is int:
        return Annotated[int, BeforeValidator(_integral)]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(_widened(parts[0]), *parts[1:])]
    if origin in (list, dict) and parts:
        return origin[tuple(_widened(part) for part in parts)]
    if origin in (Union, UnionType):
        return Union[tuple(_widened(part) for part in parts)]  # noqa: UP007 - built from parts
    return annotation


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_of(choices: tuple[Any, ...]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is not None and value not in choices:
            raise ValueError(f"{value!r} not one of {list(choices)}")
        return value

    return check


def _is_optional(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def _is_upload(annotation: Any) -> bool:
    return annotation is UploadedFile or (_is_optional(annotation) and UploadedFile in get_args(annotation))


def _reply(where: str, annotation: Any) -> type[ModelMessage] | None:
    if annotation is None or annotation is NoneType:
        return None
    if isinstance(annotation, type) and issubclass(annotation, ModelMessage):
        return annotation
    raise TypeError(f"{where}: returns {annotation!r}; a command replies with one ModelMessage subclass, or with None")


def _reason(error: ErrorDetails) -> str:
    """One sentence for a client, in the words of the reference (runtime, 1.5)."""
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unexpected argument '{error['loc'][0]}'"
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"] if part != "value")
    where = where.lstrip(".")
    if kind == "missing":
        return f"missing required argument '{where}'"
    prefix = f"{where}: " if where else ""
    if kind in _LIMITS:
        symbol, key = _LIMITS[kind]
        shown = f"length {len(value)}" if "length" in symbol and hasattr(value, "__len__") else repr(value)
        return (
            f"{prefix}{shown} > {symbol}({context[key]})"
            if symbol in ("le", "max_length")
            else (f"{prefix}{shown} < {symbol}({context[key]})")
        )
    if kind in _TYPES:
        return f"{prefix}expected {_TYPES[kind]}, got {_NAMES.get(type(value), type(value).__name__)}"
    return prefix + error["msg"].removeprefix("Value error, ")


_LIMITS = {
    "greater_than_equal": ("ge", "ge"),
    "less_than_equal": ("le", "le"),
    "string_too_short": ("min_length", "min_length"),
    "string_too_long": ("max_length", "max_length"),
    "too_short": ("min_length", "min_length"),
    "too_long": ("max_length", "max_length"),
}
_TYPES = {
    "int_type": "integer",
    "int_from_float": "integer",
    "float_type": "number",
    "string_type": "string",
    "bool_type": "boolean",
    "list_type": "list",
    "dict_type": "object",
}
