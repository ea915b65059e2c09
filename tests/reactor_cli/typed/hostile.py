"""Schema documents that mean no good, for the tests of what is written from them."""

from typing import Any

EVIL = '"""\nimport os\nos.system("touch /tmp/evil")\n"""'

NAMES = [
    *("connect", "on", "off", "list", "class", "3d", "a-b", "a_b", "a b", "__init__", "self", "_private", "def", "None", "str"),
    *(
        "send_command",
        "on_state",
        "MODEL",
        "TRACKS",
        "é",
        "中文",
        "x" * 60,
        'q"uote',
        "back\\slash",
        "new\nline",
        "None)\n    pass",
    ),
]


DEFAULTS: list[Any] = [EVIL, 3, 1e308, True, [], {}, None, 'a"b', -7, float("nan"), "it's"]


def content(shape: dict[str, Any]) -> dict[str, Any]:
    """A body of that shape."""
    return {"content": {"application/json": {"schema": shape}}}


def document(commands: dict[str, Any] | None = None, messages: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    """A schema document: the properties of each command, and the shape of each message."""
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "helios", "version": "v1.0.0", "description": "Paints."},
        "x-reactor": {"tracks": [{"name": "main_video", "kind": "video", "direction": "out"}]},
        "components": {"schemas": {"ReactorUploadReference": {"type": "object", "format": "reactor-upload-reference"}}},
    }
    made["paths"] = {
        f"/events/{name}": {"post": {"summary": "Does it.", "requestBody": content({"type": "object", **body})}}
        for name, body in (commands or {}).items()
    }
    made["webhooks"] = {
        name: {"post": {"summary": "It is said.", "requestBody": content(shape)}} for name, shape in (messages or {}).items()
    }
    return made | others


def hostile() -> dict[str, Any]:
    """Names that clash with Python, with the client and with each other; texts that try to end what they stand in."""
    fields: dict[str, Any] = {
        name: {"type": kind, "description": EVIL, "default": default}
        for name, kind, default in zip(
            NAMES,
            ["string", "integer", "number", "boolean", "array", "object", "null"] * 4,
            DEFAULTS * 3,
            strict=False,
        )
    }
    choices = {"type": "string", "enum": ['a"b', "it's", "\\", "\n", EVIL[:40], "both ' and \""], "default": "\\"}
    body = {"properties": {**fields, "choice": choices, "lone": {"enum": ["y" * 70]}}, "required": ["self", "list", "é"]}
    made = document(
        {name: body if number < 3 else {} for number, name in enumerate(NAMES)},
        {name: body if name in NAMES[:3] else {"type": "object"} for name in [*NAMES, "error", "Any", "Literal", "helios_model"]},
    )
    made["info"] = {"title": 'he"lios\\', "version": EVIL, "description": f"{EVIL}\n\n{'long ' * 400}\u202e\x00\\"}
    made["x-reactor"]["tracks"] += [{"name": name, "kind": "audio", "direction": "in"} for name in NAMES]
    return made
