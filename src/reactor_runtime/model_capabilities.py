"""What ``requestCapabilities`` is answered with: commands as flat forms, and tracks, for the JavaScript ReactorController."""

from __future__ import annotations

from typing import Any, Final

from reactor_protocol.messages import JsonObject
from reactor_runtime.description import ModelDescription

_TOLD: Final = ("type", "description", "minimum", "maximum", "enum", "default")


def model_capabilities(model: ModelDescription) -> JsonObject:
    """``{commands: [{name, description, schema}], tracks}``; ``schema`` gives each parameter its type, limits and default.

    Directions are the client's. A parameter that may be null is told as what else it may be.
    """
    paths = model.schema.get("paths", {})
    commands = [
        {"name": spec.name, "description": spec.description, "schema": _form(paths[f"/events/{spec.name}"]["post"])}
        for spec in model.commands.values()
    ]
    tracks = [
        {"name": track.name, "kind": track.kind, "direction": "sendonly" if track.flow == "in" else "recvonly"}
        for track in model.tracks
    ]
    return {"commands": commands, "tracks": tracks}


def _form(operation: JsonObject) -> JsonObject:
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    required = body.get("required", [])
    return {name: {**_parameter(field), "required": name in required} for name, field in body["properties"].items()}


def _parameter(field: JsonObject) -> JsonObject:
    alternatives: list[JsonObject] = field.get("anyOf") or field.get("oneOf") or []
    branches = [each for each in alternatives if each.get("type") != "null"]
    told = {key: value for key, value in {**(branches[0] if branches else {}), **field}.items() if key in _TOLD}
    kinds = told.get("type")
    if isinstance(kinds, list):
        told["type"] = next(kind for kind in kinds if kind != "null")
    if "type" not in told:
        # Literals have no type of their own in JSON schema; a file is an object by reference.
        choices: list[Any] = told.get("enum") or [None]
        told["type"] = "string" if all(isinstance(each, str) for each in choices) else "object"
    return told
