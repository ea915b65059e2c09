"""What the forms of a page are built from where a server tells no schema document: one made of the commands it lists. Pure.

A command of which only the name is known gets one field for JSON, whose value is all of its data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reactor_sdk.types import Capabilities

DATA: Final = "data"

_ANY_DATA: Final = {
    "type": "object",
    "properties": {DATA: {"type": "object", "default": {}, "description": "All data of the command, as JSON."}},
}


def unwrapped(offered: Capabilities | None, name: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a form made of :func:`document_of` has to send: that of a command without a schema holds all of it in one field."""
    listed = offered.get("commands") if offered is not None else None
    bare = any(each.get("name") == name and not each.get("schema") for each in listed or ())
    inner = data.get(DATA, {}) if bare else data
    return inner if isinstance(inner, Mapping) else data


def document_of(offered: Capabilities) -> dict[str, Any]:
    """A schema document with the commands of a session's description."""
    commands = offered.get("commands") or []
    return {
        "openapi": "3.1.0",
        "info": {"title": "", "version": "v0.0.0", "description": ""},
        "paths": {f"/events/{each['name']}": {"post": _operation(each)} for each in commands if each.get("name")},
        "components": {"schemas": {}},
    }


def _operation(command: Any) -> dict[str, Any]:
    schema = command.get("schema") or _ANY_DATA
    return {
        "operationId": command["name"],
        "summary": command.get("description", ""),
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"202": {"description": "Command accepted"}},
    }
