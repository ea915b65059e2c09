"""The reference of the HTTP interface as one page, made of the OpenAPI document: no script, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final, TypeAlias

CONTENT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

Node: TypeAlias = Mapping[str, Any]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_BOUNDS: Final = ("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "default")
_CODE: Final = re.compile(r"`+([^`]+)`+")
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24 }
code, h3 { font-family: ui-monospace, monospace } h2 { border-bottom: 1px solid #ccc; margin-top: 3rem }
h3 { margin: 2.2rem 0 .3rem; font-size: 1rem } h3 b { display: inline-block; min-width: 4.5rem; color: #0550ae }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 } caption { text-align: left; color: #57606a }
td { border-top: 1px solid #ddd; padding: .25rem .8rem .25rem 0; vertical-align: top } td:first-child { white-space: nowrap }
nav a { display: inline-block; margin-right: 1rem } p { white-space: pre-line }
"""


def page(document: Node) -> str:
    """A page of HTML that describes every operation and every schema of an OpenAPI 3.1 document."""
    by_tag: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                by_tag.setdefault(item[method].get("tags", ["other"])[0], []).append(_operation(method, path, item[method]))
    info = document["info"]
    schemas = document.get("components", {}).get("schemas", {})
    links = [f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in (*by_tag, "schemas")]
    body = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{_prose(info.get('description', ''))}</p>",
        f'<p>The same for machines: <a href="openapi.json">openapi.json</a></p><nav>{"".join(links)}</nav>',
        *(f'<h2 id="{escape(tag)}">{escape(tag)}</h2>{"".join(parts)}' for tag, parts in by_tag.items()),
        '<h2 id="schemas">schemas</h2>',
        *(_schema(name, schema) for name, schema in sorted(schemas.items())),
    ]
    head = f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>"
    return f'<!doctype html><html lang="en"><meta charset="utf-8">{head}{"".join(body)}</html>'


def _operation(method: str, path: str, operation: Node) -> str:
    """One operation: what it needs, what it takes and what it answers."""
    schemes = [name for each in operation.get("security", ()) for name in each]
    taken = [
        (each["name"] + ("" if each.get("required") else "?"), f"{each['in']}: {_kind(each.get('schema', {}))}")
        for each in operation.get("parameters", ())
    ]
    if "requestBody" in operation:
        taken.append(("body", _contents(operation["requestBody"].get("content", {}))))
    given = [
        (status, f"{_prose(answer.get('description', ''))} {_contents(answer.get('content', {}))}")
        for status, answer in sorted(operation["responses"].items())
    ]
    allowed = f"<p>Needs: {escape(', '.join(schemes))}.</p>" if schemes else ""
    heading = f"<h3><b>{method.upper()}</b> {escape(path)}</h3><p>{_prose(operation.get('description', ''))}</p>"
    return f"{heading}{allowed}{_table('takes', taken)}{_table('answers', given)}"


def _schema(name: str, schema: Node) -> str:
    needed = schema.get("required", ())
    rows = [
        (field + ("" if field in needed else "?"), f"{_kind(part)} {_prose(part.get('description', ''))}")
        for field, part in schema.get("properties", {}).items()
    ]
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>{_table("", rows)}'


def _prose(text: str) -> str:
    """A description; what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and what is said of them; the latter is HTML already."""
    lines = "".join(f"<tr><td><code>{escape(first)}</code></td><td>{second}</td></tr>" for first, second in rows)
    return f"<table><caption>{escape(caption)}</caption>{lines}</table>" if lines else ""


def _contents(content: Node) -> str:
    return ", ".join(f"{_kind(each.get('schema', {}))} <code>{escape(kind)}</code>" for kind, each in content.items())


def _kind(schema: Node) -> str:
    """What values a schema allows, in short, as HTML."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema or "const" in schema:
        return escape(", ".join(repr(each) for each in schema.get("enum", [schema.get("const")])))
    bounds = [f"{name} {schema[name]}" for name in _BOUNDS if schema.get(name) is not None]
    return escape(" ".join([str(schema.get("type", "anything")), f"({', '.join(bounds)})" if bounds else ""]).strip())
