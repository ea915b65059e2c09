"""The schema document of a model: OpenAPI 3.1 (reference: runtime, section 7).

``python -m reactor_runtime.schema --path DIR --version v1.0.0 --out FILE`` writes it without loading the model.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import MISSING, is_dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path

from reactor_protocol.errors import InvalidArgumentError, ModelFailedError
from reactor_protocol.messages import JsonObject
from reactor_runtime.commands import CommandSpec
from reactor_runtime.config import read_manifest
from reactor_runtime.contract import Contract
from reactor_runtime.fields import ModelMessage
from reactor_runtime.json_types import UPLOAD, json_type, json_value, parameter_type
from reactor_runtime.loader import load_model
from reactor_runtime.playground import Playground
from reactor_runtime.validation import hints_of

NO_VERSION = "v0.0.0"
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+(?:-g[0-9a-f]+)?)")


def schema_of(contract: Contract, version: str = NO_VERSION, playground: Playground | None = None) -> JsonObject:
    """The document: commands as paths, messages as webhooks, tracks and the playground under ``x-reactor``."""
    document: JsonObject = {
        "openapi": "3.1.0",
        "info": {"title": contract.name, "version": version, "description": contract.description},
        "x-reactor": {"tracks": [{"name": track.name, "kind": track.kind, "direction": track.flow} for track in contract.tracks]},
    }
    if playground is not None and (told := playground.document()):
        document["x-reactor"]["playground"] = told
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
    properties = {
        name: parameter_type(spec.annotations[name], info, optional=spec.uploads.get(name) is False)
        for name, info in spec.fields.items()
    }
    required = [name for name, field in properties.items() if "default" not in field]
    body: JsonObject = {"type": "object", "properties": properties}
    if required:
        body["required"] = required
    return body


def _fields(message: type[ModelMessage]) -> JsonObject:
    assert is_dataclass(message)
    hints = hints_of(message.__name__, message)
    properties: JsonObject = {}
    required: list[str] = []
    for spec in dataclass_fields(message):
        field = json_type(hints[spec.name])
        if description := message.__described__.get(spec.name):
            field["description"] = description
        if spec.default is not MISSING:
            field["default"] = json_value(spec.default)
        elif spec.default_factory is MISSING:
            required.append(spec.name)
        properties[spec.name] = field
    schema: JsonObject = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _webhook(message: type[ModelMessage]) -> JsonObject:
    reference = {"$ref": f"#/components/schemas/{message.__name__}"}
    webhook: JsonObject = {"operationId": message.name, "requestBody": {"required": True, "content": _content(reference)}}
    described = cleaned(message.__described__.get(""))
    return {**webhook, "summary": described} if described else webhook


def cleaned(text: str | None) -> str:
    """A docstring without its indentation."""
    return inspect.cleandoc(text or "")


def _content(schema: JsonObject) -> JsonObject:
    return {"application/json": {"schema": schema}}


def _components(contract: Contract) -> JsonObject:
    upload = {
        "type": "object",
        "format": "reactor-upload-reference",
        "description": "Reference to a file uploaded via the Reactor upload protocol.",
        "properties": {
            "upload_id": {"type": "string", "format": "uuid"},
            "name": {"type": "string"},
            "mime_type": {"type": "string"},
            "size": {"type": "integer"},
        },
        "required": ["upload_id", "name", "mime_type", "size"],
    }
    return {UPLOAD: upload, **{message.__name__: _fields(message) for message in contract.messages}}


def render(path: Path, version: str = NO_VERSION) -> JsonObject:
    """The document of the model in a folder, or of a manifest. The model is imported, not loaded; what it prints is left alone.

    Raises :class:`InvalidArgumentError` for a version or a manifest that cannot be, :class:`ModelFailedError` for a model.
    """
    tag = version_tag(version)
    model = load_model(read_manifest(path))
    return schema_of(model.contract, tag, model.playground)


def version_tag(text: str) -> str:
    """A release tag with its ``v``. Raises :class:`InvalidArgumentError` for anything but X.Y.Z or X.Y.Z-g<hex>."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise InvalidArgumentError(f"a version is X.Y.Z or X.Y.Z-g<hex>, with or without a leading v; got {text!r}")
    return f"v{found[1]}"


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the document of the model in a folder, or writes it to a file. What the model itself prints goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m reactor_runtime.schema", description="The schema document of a model.")
    parser.add_argument("-p", "--path", type=Path, default=Path(), help="folder of the model's reactor.yaml")
    parser.add_argument("-v", "--version", default=NO_VERSION, help="release tag: X.Y.Z or X.Y.Z-g<hex>")
    parser.add_argument("-o", "--out", type=Path, help="file to write to; its folder is made")
    given = parser.parse_args(argv)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            text = json.dumps(render(given.path, given.version), indent=2, ensure_ascii=False)
    except (InvalidArgumentError, ModelFailedError) as error:
        raise SystemExit(f"reactor: {error}") from None
    if given.out is None:
        print(text)
        return
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
