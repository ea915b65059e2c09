"""Types and limits of fields: what an author declares is checked once, what a client sends is checked against it."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, is_dataclass
from dataclasses import fields as dataclass_fields
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import ErrorDetails, SchemaError

from reactor_runtime.declared import FieldInfo, UploadedFile
from reactor_runtime.json_types import json_type


class UnresolvedAnnotation(TypeError):
    """An annotation names what is not there: not yet, where the class is being made; or not at all."""


def hints_of(where: str, declared: Any, needed: Callable[[str], bool] = lambda name: True) -> dict[str, Any]:
    """The annotations of a class or function. One that is not ``needed`` and cannot be resolved is left out.

    Raises :class:`UnresolvedAnnotation` naming ``where`` and the cure.
    """
    try:
        return get_type_hints(declared, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is an expression of the author's: asked for one by one, it is told
        return _hints_one_by_one(where, declared, needed)


def _hints_one_by_one(where: str, declared: Any, needed: Callable[[str], bool]) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    owners = reversed(declared.__mro__) if isinstance(declared, type) else [declared]
    for owner in owners:
        for name, annotation in own_annotations(owner).items():
            hints.pop(name, None)
            try:
                hints[name] = _resolved(owner, name, annotation)
            except Exception as error:
                if needed(name):
                    raise UnresolvedAnnotation(
                        f"{where}: an annotation cannot be resolved: {error}; import the name at module level"
                    ) from error
    return hints


def own_annotations(declared: Any) -> dict[str, Any]:
    """The annotations of a class without its bases', or of a function, as they are written."""
    kept = declared.__dict__ if isinstance(declared, type) else {"__annotations__": declared.__annotations__}
    written: dict[str, Any] = kept.get("__annotations__", {})
    return written


def _resolved(owner: Any, name: str, annotation: Any) -> Any:
    """One annotation, in the names that its class or function sees."""
    if not isinstance(owner, type):
        scope = getattr(inspect.unwrap(owner), "__globals__", {})
        alone = type("alone", (), {"__annotations__": {name: annotation}})
        return get_type_hints(alone, scope, {}, include_extras=True)[name]
    # A module's names come before those of the class: a field may be called what a type is called.
    scope = vars(sys.modules[owner.__module__]) if owner.__module__ in sys.modules else {}
    alone = type("alone", (), {"__annotations__": {name: annotation}, "__module__": owner.__module__})
    return get_type_hints(alone, dict(vars(owner)), scope, include_extras=True)[name]


def definition(where: str, name: str, annotation: Any, info: FieldInfo) -> tuple[Any, Any]:
    """One field for pydantic. Type and default are checked here, so that a wrong one is the author's error and not a client's.

    Raises TypeError naming ``where`` for a type, a limit or a default that cannot be.
    """
    kind = _limited(where, annotation, info)
    if info.choices is not None:
        kind = Annotated[kind, AfterValidator(_one_of(info.choices))]
    probe = _probe(where, kind)
    if info.default is MISSING:
        return kind, Field(alias=name)
    check_default(where, probe, info.default)
    return kind, Field(alias=name, default=info.default)


def check_type(where: str, annotation: Any) -> type[BaseModel]:
    """Raises TypeError naming ``where`` for a type that cannot cross the wire; gives what :func:`check_default` checks with."""
    return _probe(where, widened(annotation))


def check_default(where: str, probe: type[BaseModel], default: Any) -> None:
    """Raises TypeError naming ``where`` for a default that its own type or limits refuse; None says that there is no value."""
    if default is None:
        return
    try:
        probe(**{_PROBED: default})
    except ValidationError as error:
        raise TypeError(f"{where}: the default does not fit: {reason(error.errors(include_url=False)[0])}") from None


def _probe(where: str, kind: Any) -> type[BaseModel]:
    try:
        probed: dict[str, Any] = {_PROBED: (kind, ...)}
        probe: type[BaseModel] = create_model("probe", __config__=ConfigDict(strict=True), **probed)
        json_type(kind)  # what has no JSON schema cannot be told to clients
    except SchemaError as error:
        raise TypeError(f"{where}: the limits cannot be: {str(error).splitlines()[-1].strip()}") from error
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        what = error.message.partition(". ")[0]
        raise TypeError(f"{where}: the type cannot cross the wire: {what}") from error
    return probe


def _limited(where: str, annotation: Any, info: FieldInfo) -> Any:
    """The annotation, widened, with its limits inside it: they do not apply to an explicit null."""
    limits = {key: limit for key in ("ge", "le", "min_length", "max_length") if (limit := getattr(info, key)) is not None}
    if not limits:
        return widened(annotation)
    optional = is_optional(annotation)
    inner = Union[tuple(part for part in get_args(annotation) if part is not NoneType)] if optional else annotation  # noqa: UP007
    bare = get_args(inner)[0] if get_origin(inner) is Annotated else inner
    for key in limits:
        if (get_origin(bare) or bare) not in _LIMITED[key]:
            names = ", ".join(kind.__name__ for kind in _LIMITED[key])
            raise TypeError(f"{where}: {key} limits {names}, not {getattr(bare, '__name__', bare)}")
        if bare is int and math.isfinite(limits[key]):
            limits[key] = math.ceil(limits[key]) if key == "ge" else math.floor(limits[key])
    kind = widened(Annotated[inner, Field(**limits)])
    return kind | None if optional else kind


def widened(annotation: Any) -> Any:
    """The annotation with int taking integral floats too: JSON of other languages does not tell them apart."""
    if annotation is int:
        return Annotated[int, BeforeValidator(_integral)]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        if parts[0] is int:
            return Annotated[(*parts, BeforeValidator(_integral))]
        return Annotated[(widened(parts[0]), *parts[1:])]
    if origin in (list, dict) and parts:
        return origin[tuple(widened(part) for part in parts)]
    if origin in (Union, UnionType):
        return Union[tuple(widened(part) for part in parts)]  # noqa: UP007 - built from parts
    return annotation


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_of(choices: list[Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is not None and value not in choices:
            raise ValueError(f"{value!r} not one of {choices}")
        return value

    return check


def is_optional(annotation: Any) -> bool:
    """Whether null is among what an annotation allows."""
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def is_upload(annotation: Any) -> bool:
    """Whether a field is a file, or a file that may be left out."""
    return annotation is UploadedFile or (is_optional(annotation) and UploadedFile in get_args(annotation))


def holds_upload(annotation: Any, within: tuple[Any, ...] = ()) -> bool:
    """Whether a value of that type can hold a file, however deep."""
    if annotation is UploadedFile:
        return True
    if annotation in within:
        return False
    parts: list[Any] = list(get_args(annotation))
    if isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation)
        parts += [hints[spec.name] for spec in dataclass_fields(annotation)]
    return any(holds_upload(part, (*within, annotation)) for part in parts)


def reason(error: ErrorDetails) -> str:
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
