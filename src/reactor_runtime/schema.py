"""The schema document of a model: OpenAPI 3.1 (reference: runtime, section 7)."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from reactor_protocol.messages import JsonObject
from reactor_runtime.commands import CommandSpec
from reactor_runtime.contract import Contract
from reactor_runtime.fields import ModelMessage

_UPLOAD = "ReactorUploadReference"
_REFERENCE = f"#/components/schemas/{_UPLOAD}"


def schema_of(contract: Contract, version: str = "v0.0.0") -> JsonObject:
    """The document: commands as paths, messages as webhooks, tracks under ``x-reactor``."""
    document: JsonObject = {
        "openapi": "3.1.0",
        "info": {"title": contract.name, "version": version, "description": contract.description},
        "x-reactor": {"tracks": [{"name": track.name, "kind": track.kind, "direction": track.flow} for track in contract.tracks]},
    }
    if contract.commands:
        document["paths"] = {f"/events/{name}": {"post": _operation(spec)} for name, spec in contract.commands.items()}
    if contract.messages:
        document["webhooks"] = {message.name: {"post": _webhook(message)} for message in contract.messages}
    document["components"] = {"schemas": _components(contract)}
    return document


def _operation(spec: CommandSpec) -> JsonObject:
    operation: JsonObject = {"operationId": spec.name, "summary": spec.description or f"Trigger {spec.name}"}
    operation["requestBody"] = {"required": True, "content": _content(_arguments(spec))}
    if spec.reply is None:
        operation["responses"] = {"202": {"description": "Command accepted"}}
    else:
        reference = {"$ref": f"#/components/schemas/{spec.reply.__name__}"}
        operation["responses"] = {"200": {"description": spec.reply.__name__, "content": _content(reference)}}
    return operation


def _arguments(spec: CommandSpec) -> JsonObject:
    generated = _inlined(spec.arguments.model_json_schema(by_alias=True, schema_generator=_Plain))
    properties: JsonObject = {}
    for name, info in spec.fields.items():
        if name in spec.uploads:
            field: JsonObject = {"$ref": _REFERENCE}
            if not spec.uploads[name]:
                field["default"] = None
        else:
            field = dict(generated["properties"][name])
        if info.choices is not None:
            field["enum"] = list(info.choices)
        if info.description:
            field["description"] = info.description
        properties[name] = {**field, "x-reactor-moderate": info.moderate}
    required = [name for name, field in properties.items() if "default" not in field]
    body: JsonObject = {"type": "object", "properties": properties}
    if required:
        body["required"] = required
    return body


def _fields(message: type[ModelMessage]) -> JsonObject:
    schema: JsonObject = _inlined(TypeAdapter(message).json_schema(schema_generator=_Plain))
    for spec in dataclass_fields(message):  # type: ignore[arg-type]
        if description := spec.metadata.get("description"):
            schema["properties"][spec.name]["description"] = description
    return schema


def _inlined(schema: JsonObject) -> JsonObject:
    """The schema with its definitions where they are referred to: in the document, ``#/$defs`` would lead nowhere."""
    definitions = schema.pop("$defs", {})

    def inline(part: Any, within: tuple[str, ...]) -> Any:
        if isinstance(part, list):
            return [inline(entry, within) for entry in part]
        if not isinstance(part, dict):
            return part
        name = str(part.get("$ref", "")).removeprefix("#/$defs/")
        if name not in definitions:
            return {key: inline(value, within) for key, value in part.items()}
        # One that holds itself is left open where it does.
        found = {} if name in within else inline(definitions[name], (*within, name))
        return {**found, **{key: value for key, value in part.items() if key != "$ref"}}

    inlined: JsonObject = inline(schema, ())
    return inlined


class _Plain(GenerateJsonSchema):
    """Schemas without the titles that pydantic makes up."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _webhook(message: type[ModelMessage]) -> JsonObject:
    reference = {"$ref": f"#/components/schemas/{message.__name__}"}
    body = {"required": True, "content": _content(reference)}
    return {"operationId": message.name, "summary": (message.__doc__ or message.name).strip(), "requestBody": body}


def _content(schema: JsonObject) -> JsonObject:
    return {"application/json": {"schema": schema}}


def _components(contract: Contract) -> JsonObject:
    upload = {
        "type": "object",
        "format": "reactor-upload-reference",
        "properties": {
            "upload_id": {"type": "string"},
            "name": {"type": "string"},
            "mime_type": {"type": "string"},
            "size": {"type": "integer"},
        },
        "required": ["upload_id"],
    }
    return {_UPLOAD: upload, **{message.__name__: _fields(message) for message in contract.messages}}
