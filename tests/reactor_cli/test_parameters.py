"""What commands take, in words: a stranger's document is read, and nothing in it can spoil the lines."""

from __future__ import annotations

from typing import Any

import pytest

from reactor_cli.parameters import parameters_in_words

FILE = {"ReactorUploadReference": {"type": "object", "format": "reactor-upload-reference"}}


def document(*required: str, **properties: Any) -> dict[str, Any]:
    body = {"schema": {"type": "object", "properties": properties, "required": list(required)}}
    operation = {"post": {"requestBody": {"content": {"application/json": body}}}}
    return {"paths": {"/events/play": operation}, "components": {"schemas": FILE}}


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 150, "default": 40}, "integer, 5 to 150, 40 if left out"),
        ({"type": "number", "minimum": 0.5}, "number, at least 0.5"),
        ({"type": "string", "maxLength": 80, "default": "a calm sea"}, "text, at most 80 characters, a calm sea if left out"),
        ({"type": "string", "default": ""}, 'text, "" if left out'),
        ({"type": "string", "default": "7"}, 'text, "7" if left out'),
        ({"type": "string", "default": "[" * 100_000}, f"text, {'[' * 57}... if left out"),
        ({"type": "boolean", "default": False}, "true or false, false if left out"),
        ({"type": "string", "enum": ["dusk", "dawn"], "default": "dusk"}, "dusk | dawn, dusk if left out"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, "integer or null"),
        ({"type": ["integer", "null"], "minimum": 1}, "integer or null, at least 1"),
        ({"$ref": "#/components/schemas/ReactorUploadReference"}, "a file (--file)"),
        ({"anyOf": [{"$ref": "#/components/schemas/ReactorUploadReference"}, {"type": "null"}]}, "a file (--file)"),
        ({"type": "array", "items": {"type": "number"}, "maxItems": 7}, "list, at most 7 items"),
        ({}, "any value"),
        ({"type": ["odd"], "enum": "odd", "anyOf": 5, "minimum": "odd"}, "any value"),
    ],
)
def test_a_parameter(shape: dict[str, Any], said: str) -> None:
    assert parameters_in_words(document(value=shape), "play") == [f"value: {said}"]


def test_which_have_to_be_given() -> None:
    shape = {"type": "string"}
    assert parameters_in_words(document("a", a=shape, b=shape), "play") == ["a: text, required", "b: text"]


def test_a_strangers_texts_stay_short_and_on_their_lines() -> None:
    many = [f"choice\n{number}" for number in range(1000)]
    [line] = parameters_in_words(document(**{"x" * 10_000: {"enum": many, "default": "y" * 10_000}}), "play")
    assert "\n" not in line
    assert len(line) < 400
    assert "choice 11 | ..." in line


def test_nothing_is_known_of_other_commands() -> None:
    assert parameters_in_words(document(a={}), "stop") == []
    assert parameters_in_words({}, "play") == []
