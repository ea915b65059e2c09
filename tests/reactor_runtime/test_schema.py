"""The schema document against the example of the reference (runtime, section 7)."""

import enum
import json
from dataclasses import dataclass
from typing import Any, Literal

from reactor_runtime import Input, InputField, MessageField, ModelMessage, Output, ReactorModel, UploadedFile, Video, event
from reactor_runtime.contract import read_contract
from reactor_runtime.schema import schema_of


class Seeded(ModelMessage):
    """Sent once a seed is applied."""

    value: int


class SketchIn(Input):
    sketch: Video


class SkyOut(Output):
    sky: Video


class SkyPainter(ReactorModel):
    """Paints skies."""

    inputs: SketchIn

    @event(name="set_prompt", description="What to paint")
    def set_prompt(
        self, prompt: str = InputField("dusk", description="What to paint", max_length=200, moderate=True)
    ) -> None: ...

    @event(name="seed")
    def seed(self, value: int = InputField(ge=0), ref: UploadedFile | None = None) -> Seeded: ...  # type: ignore[empty-body]


def document(model: type[ReactorModel] = SkyPainter) -> dict[str, Any]:
    return schema_of(read_contract(model, "sky-painter"), "v1.2.0")


def fields(handler: Any) -> dict[str, Any]:
    model = type("Model", (ReactorModel,), {"handler": event(name="go")(handler)})
    body = document(model)["paths"]["/events/go"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    properties: dict[str, Any] = body["properties"]
    return {name: {k: v for k, v in schema.items() if k != "x-reactor-moderate"} for name, schema in properties.items()}


def test_the_head_of_the_document() -> None:
    body = document()
    assert body["openapi"] == "3.1.0"
    assert body["info"] == {"title": "sky-painter", "version": "v1.2.0", "description": "Paints skies."}
    assert body["x-reactor"] == {
        "tracks": [
            {"name": "sketch", "kind": "video", "direction": "in"},
            {"name": "sky", "kind": "video", "direction": "out"},
        ]
    }


def operation(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"][f"/events/{name}"]["post"]
    return found


def body_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def test_a_command_without_a_reply_is_a_path() -> None:
    prompt = {
        "type": "string",
        "default": "dusk",
        "description": "What to paint",
        "maxLength": 200,
        "x-reactor-moderate": True,
    }
    assert operation("set_prompt") == {
        "operationId": "set_prompt",
        "summary": "What to paint",
        "requestBody": body_of({"type": "object", "properties": {"prompt": prompt}}),
        "responses": {"202": {"description": "Command accepted"}},
    }


def test_a_command_with_a_reply_and_an_upload_is_a_path() -> None:
    properties = {
        "value": {"type": "integer", "minimum": 0, "x-reactor-moderate": False},
        "ref": {
            "anyOf": [{"$ref": "#/components/schemas/ReactorUploadReference"}, {"type": "null"}],
            "default": None,
            "x-reactor-moderate": False,
        },
    }
    reply = {"application/json": {"schema": {"$ref": "#/components/schemas/Seeded"}}}
    assert operation("seed") == {
        "operationId": "seed",
        "summary": "Trigger seed",
        "requestBody": body_of({"type": "object", "properties": properties, "required": ["value"]}),
        "responses": {"200": {"description": "Seeded", "content": reply}},
    }


def test_messages_are_webhooks_and_components() -> None:
    body = document()
    assert body["webhooks"] == {
        "seeded": {
            "post": {
                "operationId": "seeded",
                "summary": "Sent once a seed is applied.",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Seeded"}}},
                },
            }
        }
    }
    seeded = body["components"]["schemas"]["Seeded"]
    assert seeded["type"] == "object"
    assert seeded["properties"] == {"value": {"type": "integer"}}
    assert seeded["required"] == ["value"]
    upload = body["components"]["schemas"]["ReactorUploadReference"]
    assert upload["type"] == "object"
    assert upload["format"] == "reactor-upload-reference"
    assert list(upload["properties"]) == ["upload_id", "name", "mime_type", "size"]


def test_a_model_without_commands_and_messages_has_no_such_sections() -> None:
    class Bare(ReactorModel):
        class Out(Output):
            main_video: Video

        class Unused(ModelMessage):
            x: int

    body = document(Bare)
    assert "paths" not in body
    assert list(body["components"]["schemas"]) == ["ReactorUploadReference", "Unused"]
    assert schema_of(read_contract(Bare))["info"] == {"title": "bare", "version": "v0.0.0", "description": ""}


class Mood(enum.Enum):
    CALM = "calm"
    WILD = "wild"


@dataclass
class Style:
    label: str
    mood: Mood = Mood.CALM
    child: "Style | None" = None


def test_field_types_and_limits() -> None:
    def handler(
        self: Any,
        i: int | None = InputField(None, ge=1, le=5),
        f: float = InputField(0.5, ge=0.25, le=1.5),
        b: bool = True,
        lit: Literal["a", "b"] = "a",
        e: Mood = Mood.CALM,
        li: list[int] | None = None,
        d: dict[str, float] | None = None,
        c: str = InputField("q", choices=["q", "r"]),
        s: str = InputField("", min_length=0, max_length=9),
        a: Any = None,
    ) -> None: ...

    null = {"type": "null"}
    assert fields(handler) == {
        "i": {"anyOf": [{"type": "integer"}, null], "default": None, "minimum": 1, "maximum": 5},
        "f": {"type": "number", "minimum": 0.25, "maximum": 1.5, "default": 0.5},
        "b": {"type": "boolean", "default": True},
        "lit": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "e": {"type": "string", "enum": ["calm", "wild"], "default": "calm"},
        "li": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, null], "default": None},
        "d": {"anyOf": [{"type": "object", "additionalProperties": {"type": "number"}}, null], "default": None},
        "c": {"type": "string", "enum": ["q", "r"], "default": "q"},
        "s": {"type": "string", "minLength": 0, "maxLength": 9, "default": ""},
        "a": {"default": None},
    }


def test_dataclasses_stand_where_they_are_used_even_if_they_hold_themselves() -> None:
    def handler(self: Any, style: Style) -> None: ...

    style = fields(handler)["style"]
    assert style["type"] == "object"
    assert style["required"] == ["label"]
    assert style["properties"]["mood"]["enum"] == ["calm", "wild"]
    assert "#/$defs" not in json.dumps(style)


def test_message_fields_have_their_description_and_no_dangling_reference() -> None:
    class Painted(ModelMessage):
        style: Style
        n: int = MessageField(1, description="how many")

    class Model(ReactorModel):
        Message = Painted

    painted = document(Model)["components"]["schemas"]["Painted"]
    assert painted["properties"]["n"] == {"type": "integer", "default": 1, "description": "how many"}
    assert painted["properties"]["style"]["properties"]["label"] == {"type": "string"}
    assert "#/$defs" not in json.dumps(painted)
