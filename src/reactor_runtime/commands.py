"""A command of a model: its parameters read from the handler's annotations, and payloads validated against them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
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
        for name in (*data, *files):
            if name not in self.parameters and name not in self.uploads:
                raise CommandError(INVALID_COMMAND, f"unexpected argument '{name}'")
        values = {name: value for name, value in data.items() if name not in self.uploads}
        for name, required in self.uploads.items():
            if name not in files and data.get(name) is not None:
                raise CommandError(INVALID_COMMAND, f"{name}: expected an uploaded file, got {type(data[name]).__name__}")
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
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{where}: {parameter} cannot be a command's field: name each parameter")
        annotation, info = hints.get(parameter.name, Any), _info(parameter)
        fields[parameter.name] = info
        if _is_upload(annotation):
            uploads[parameter.name] = info.default is MISSING and not _is_optional(annotation)
            continue
        key = f"p{len(parameters)}"
        parameters[parameter.name] = key
        definitions[key] = _definition(f"{where}({parameter.name})", parameter.name, annotation, info)
    arguments: type[BaseModel] = create_model(f"{name}_arguments", __config__=ConfigDict(strict=True), **definitions)
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
    return FieldInfo(MISSING if default is parameter.empty else default)


def _definition(where: str, name: str, annotation: Any, info: FieldInfo) -> tuple[Any, Any]:
    """One field for pydantic. Type and default are checked here, so that a wrong one is the author's error and not a client's."""
    kind = _limited(where, annotation, info)
    if info.choices is not None:
        kind = Annotated[kind, AfterValidator(_one_of(info.choices))]
    try:
        probed: dict[str, Any] = {_PROBED: (kind, ...)}
        probe: type[BaseModel] = create_model("probe", __config__=ConfigDict(strict=True), **probed)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        reason = error.message.partition(". ")[0]
        raise TypeError(f"{where}: the type cannot cross the wire: {reason}") from error
    if info.default is MISSING:
        return kind, Field(alias=name)
    try:
        probe(**{_PROBED: info.default})
    except ValidationError as error:
        raise TypeError(f"{where}: the default does not fit: {_reason(error.errors(include_url=False)[0])}") from None
    return kind, Field(alias=name, default=info.default)


def _limited(where: str, annotation: Any, info: FieldInfo) -> Any:
    """The annotation, widened, with its limits inside it: they do not apply to an explicit null."""
    limits = {key: limit for key in ("ge", "le", "min_length", "max_length") if (limit := getattr(info, key)) is not None}
    if not limits:
        return _widened(annotation)
    optional = _is_optional(annotation)
    inner = Union[tuple(part for part in get_args(annotation) if part is not NoneType)] if optional else annotation  # noqa: UP007
    bare = get_args(inner)[0] if get_origin(inner) is Annotated else inner
    for key in limits:
        if (get_origin(bare) or bare) not in _LIMITED[key]:
            names = ", ".join(kind.__name__ for kind in _LIMITED[key])
            raise TypeError(f"{where}: {key} limits {names}, not {getattr(bare, '__name__', bare)}")
    kind = _widened(Annotated[inner, Field(**limits)])
    return kind | None if optional else kind


def _widened(annotation: Any) -> Any:
    """The annotation with int taking integral floats too: JSON of other languages does not tell them apart."""
    if annotation is int:
        return Annotated[int, BeforeValidator(_integral)]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        if parts[0] is int:
            return Annotated[(*parts, BeforeValidator(_integral))]
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
    path = [part for part in error["loc"] if part != _PROBED]
    if kind == "missing":
        return f"{_prefix(path[:-1])}missing required {'field' if path[1:] else 'argument'} '{path[-1]}'"
    if kind in _LIMITS:
        symbol, sign = _LIMITS[kind]
        shown = f"length {len(value)}" if "length" in symbol and hasattr(value, "__len__") else repr(value)
        return f"{_prefix(path)}{shown} {sign} {symbol}({context[symbol]})"
    if kind in _TYPES:
        return f"{_prefix(path)}expected {_TYPES[kind]}, got {type(value).__name__}"
    if kind in ("literal_error", "enum"):
        return f"{_prefix(path)}{value!r} not one of [{context['expected'].replace(' or ', ', ')}]"
    return _prefix(path) + error["msg"].removeprefix("Value error, ")


def _prefix(path: Sequence[int | str]) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{where}: " if where else ""


_PROBED = "probed "
"""The name under which a default is checked; the blank keeps it apart from every parameter."""

_LIMITED: Mapping[str, tuple[type, ...]] = {
    "ge": (int, float),
    "le": (int, float),
    "min_length": (str, list, dict),
    "max_length": (str, list, dict),
}
_LIMITS = {
    "greater_than_equal": ("ge", "<"),
    "less_than_equal": ("le", ">"),
    "string_too_short": ("min_length", "<"),
    "string_too_long": ("max_length", ">"),
    "too_short": ("min_length", "<"),
    "too_long": ("max_length", ">"),
}
_TYPES = {
    "int_type": "integer",
    "int_from_float": "integer",
    "float_type": "number",
    "string_type": "string",
    "bool_type": "boolean",
    "list_type": "list",
    "dict_type": "object",
    "dataclass_type": "object",
}
