"""An OpenAPI document as Markdown: every operation by its tag, then every schema."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

Node: TypeAlias = Mapping[str, Any]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_BOUNDS: Final = {
    "minimum": ">=",
    "maximum": "<=",
    "exclusiveMinimum": ">",
    "exclusiveMaximum": "<",
    "minLength": "length >=",
    "maxLength": "length <=",
    "minItems": "items >=",
    "maxItems": "items <=",
}
_DOUBLE: Final = re.compile(r"``([^`]+)``")
_FROM_THE_FRAMEWORK: Final = frozenset({"HTTPValidationError", "ValidationError"})


def reference(document: Node, prefix: str) -> str:
    """The operations and schemas of a document. Anchors begin with ``prefix``, so that two documents fit on one page."""
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                by_tag[(operation.get("tags") or [_family(path)])[0]].append(_operation(method, path, operation, prefix))
    parts = [f"## {tag.capitalize()} {{#{prefix}-{_slug(tag)}}}\n\n" + "\n\n".join(each) for tag, each in by_tag.items()]
    schemas = document.get("components", {}).get("schemas", {})
    shown = [_schema(name, schema, prefix) for name, schema in sorted(schemas.items()) if name not in _FROM_THE_FRAMEWORK]
    return "\n\n".join([*parts, f"## Schemas {{#{prefix}-schemas}}", *shown])


def _family(path: str) -> str:
    """Where an operation without a tag belongs."""
    words = [part for part in path.split("/") if part and not part.startswith("{")]
    if "transport" in words:
        return "signalling"
    return words[-1] if words[0] in ("sessions", "clips", "uploads") else "the session"


def _operation(method: str, path: str, operation: Node, prefix: str) -> str:
    heading = f"### `{method.upper()} {path}` {{#{prefix}-{method}-{_slug(path)}}}"
    schemes = ", ".join(name for each in operation.get("security", ()) for name in each)
    taken = [
        (f"`{each['name']}`" + _maybe(each.get("required")), f"{each['in']}: {_kind(each.get('schema', {}), prefix)}")
        for each in operation.get("parameters", ())
    ]
    if "requestBody" in operation:
        taken.append(("body" + _maybe(operation["requestBody"].get("required")), _content(operation["requestBody"], prefix)))
    given = [
        (f"`{status}`", " ".join(filter(None, (_answer(answer), _content(answer, prefix)))))
        for status, answer in sorted(operation["responses"].items())
        if not _from_the_framework(answer)
    ]
    needs = f"Needs: {schemes}." if schemes else ""
    parts = (heading, _prose(operation.get("description", "")), needs, _table("takes", taken), _table("answers", given))
    return "\n\n".join(filter(None, parts))


def _from_the_framework(answer: Node) -> bool:
    return "HTTPValidationError" in str(answer)


def _answer(answer: Node) -> str:
    text = _cell(answer.get("description", ""))
    return "" if text == "Successful Response" else text


def _schema(name: str, schema: Node, prefix: str) -> str:
    needed = schema.get("required", ())
    rows = [
        (
            f"`{field}`" + _maybe(field in needed),
            " ".join(filter(None, (_kind(part, prefix), _cell(part.get("description", ""))))),
        )
        for field, part in schema.get("properties", {}).items()
    ]
    heading = f"### {name} {{#{prefix}-{_slug(name)}}}"
    listed = _table("field", rows) if rows else _kind(schema, prefix)
    return "\n\n".join(filter(None, (heading, _prose(schema.get("description", "")), listed)))


def _maybe(required: bool | None) -> str:
    return "" if required else " *(optional)*"


def _content(holder: Node, prefix: str) -> str:
    return " or ".join(_body(kind, media, prefix) for kind, media in holder.get("content", {}).items())


def _body(kind: str, media: Node, prefix: str) -> str:
    shown = _kind(media.get("schema", {}), prefix)
    return shown if kind == "application/json" else f"`{kind}`"


def _kind(schema: Node, prefix: str) -> str:
    """A type in a few words, with its bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{prefix}-{_slug(name)})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each, prefix) for each in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    name = str(schema.get("format") or schema.get("type", "anything"))
    if schema.get("type") == "array":
        name = f"list of {_kind(schema.get('items', {}), prefix)}"
    elif isinstance(values := schema.get("additionalProperties"), Mapping):
        name = f"object of {_kind(values, prefix)}"
    return f"{name} ({', '.join(bounds)})" if bounds else name


def _table(head: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {left} | {right} |" for left, right in rows]
    return "\n".join([f"| {head} | |", "|---|---|", *lines]) if lines else ""


def _prose(text: str) -> str:
    return _DOUBLE.sub(r"`\1`", text).strip()


def _cell(text: str) -> str:
    return " ".join(_prose(text).replace("|", "\\|").split())


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
