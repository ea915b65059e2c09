"""What the forms of a page are built from where a server tells no schema document: one made of the commands it lists. Pure."""

from __future__ import annotations

from typing import Any

from reactor_sdk.types import Capabilities


def document_of(offered: Capabilities) -> dict[str, Any]:
    """A schema document with the commands of a session's description; the data of one without a schema may be any object."""
    commands = offered.get("commands") or []
    return {
        "openapi": "3.1.0",
        "info": {"title": "", "version": "v0.0.0", "description": ""},
        "paths": {f"/events/{each['name']}": {"post": _operation(each)} for each in commands if each.get("name")},
        "components": {"schemas": {}},
    }


def _operation(command: Any) -> dict[str, Any]:
    schema = command.get("schema") or {"type": "object", "additionalProperties": True}
    return {
        "operationId": command["name"],
        "summary": command.get("description", ""),
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"202": {"description": "Command accepted"}},
    }
