"""JSON schemas of annotations, in the published form: dataclasses stand where they are used, and no titles are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, is_dataclass
from dataclasses import fields as dataclass_fields
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from reactor_protocol.messages import JsonObject
from reactor_runtime.declared import FieldInfo, UploadedFile

UPLOAD = "ReactorUploadReference"

_PLAIN: dict[Any, JsonObject] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    None: {"type": "null"},
    Any: {},
    list: {"type": "array", "items": {}},
    dict: {"type": "object", "additionalProperties": {}},
}
_JSON_NAMES: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def json_type(annotation: Any, within: tuple[Any, ...] = ()) -> JsonObject:
    """The schema of an annotation. A dataclass that holds itself is left open where it does."""
    if annotation is UploadedFile:
        return {"$ref": f"#/components/schemas/{UPLOAD}"}
    if annotation in _PLAIN:
        return dict(_PLAIN[annotation])
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return json_type(parts[0], within)
    if origin is Literal:
        return _choice(parts)
    if origin in (Union, UnionType):
        return {"anyOf": [json_type(part, within) for part in parts]}
    if origin is list:
        return {"type": "array", "items": json_type(parts[0], within)}
    if origin is dict:
        return {"type": "object", "additionalProperties": json_type(parts[1], within)}
    return _class(annotation, within)


def _class(annotation: Any, within: tuple[Any, ...]) -> JsonObject:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice([member.value for member in annotation])
    if isinstance(annotation, type) and is_dataclass(annotation):
        return {} if annotation in within else _dataclass(annotation, (*within, annotation))
    schema: JsonObject = TypeAdapter(annotation).json_schema(schema_generator=_Untitled)
    return schema


def _choice(values: Sequence[Any]) -> JsonObject:
    kinds = {type(value) for value in values}
    named: JsonObject = {"type": _JSON_NAMES[kinds.pop()]} if len(kinds) == 1 and kinds <= _JSON_NAMES.keys() else {}
    return {**named, "enum": list(values)}


def _dataclass(kind: Any, within: tuple[Any, ...]) -> JsonObject:
    hints = get_type_hints(kind, include_extras=True)
    schema: JsonObject = {
        "type": "object",
        "properties": {spec.name: json_type(hints[spec.name], within) for spec in dataclass_fields(kind)},
    }
    required = [s.name for s in dataclass_fields(kind) if s.default is MISSING and s.default_factory is MISSING]
    return {**schema, "required": required} if required else schema


_LIMITS = {"ge": "minimum", "le": "maximum", "min_length": "minLength", "max_length": "maxLength"}


def parameter_type(annotation: Any, info: FieldInfo, *, optional: bool) -> JsonObject:
    """The schema of a command's parameter. ``optional`` is an upload that may be left out without having a default."""
    field = json_type(annotation)
    if info.default is not MISSING:
        field["default"] = json_value(info.default)
    elif optional:
        field["default"] = None
    if info.description:
        field["description"] = info.description
    for limit, key in _LIMITS.items():
        if (value := getattr(info, limit)) is not None:
            field[key] = value
    if info.choices is not None:
        field["enum"] = list(info.choices)
    return {**field, "x-reactor-moderate": info.moderate}


def json_value(value: Any) -> Any:
    """A default as JSON says it."""
    return TypeAdapter(type(value)).dump_python(value, mode="json") if value is not None else None


class _Untitled(GenerateJsonSchema):
    """Schemas without the titles that pydantic makes up."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
