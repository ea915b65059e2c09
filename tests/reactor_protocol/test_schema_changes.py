"""Changes of a schema document, and which of them break a client that was written for the older one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor_protocol.schema_changes import Change, changes

SKY: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "sky-painter", "version": "v1.2.0", "description": "Paints skies."},
    "x-reactor": {
        "tracks": [
            {"name": "sketch", "kind": "video", "direction": "in"},
            {"name": "sky", "kind": "video", "direction": "out"},
        ]
    },
    "paths": {
        "/events/set_prompt": {
            "post": {
                "operationId": "set_prompt",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "prompt": {"type": "string", "default": "dusk", "maxLength": 200, "x-reactor-moderate": True},
                                    "mood": {"type": "string", "enum": ["calm", "wild"]},
                                    "seed": {"type": "integer", "minimum": 0},
                                },
                                "required": ["mood", "seed"],
                            }
                        }
                    }
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Painted"}}}},
                },
            }
        },
    },
    "webhooks": {
        "painted": {
            "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Painted"}}}}}
        }
    },
    "components": {
        "schemas": {
            "Painted": {
                "type": "object",
                "properties": {"prompt": {"type": "string"}, "count": {"type": "integer"}},
                "required": ["prompt", "count"],
            }
        }
    },
}


def parameters(document: Any) -> Any:
    return document["paths"]["/events/set_prompt"]["post"]["requestBody"]["content"]["application/json"]["schema"]


def painted(document: Any) -> Any:
    return document["components"]["schemas"]["Painted"]


def field(name: str, **values: Any) -> Callable[[Any], None]:
    """Sets what a parameter says; None takes it away."""

    def change(document: Any) -> None:
        shape = parameters(document)["properties"].setdefault(name, {})
        for key, value in values.items():
            if value is None:
                del shape[key]
            else:
                shape[key] = value

    return change


def gone(document: Any) -> None:
    del document["paths"]["/events/set_prompt"]


def new_command(document: Any) -> None:
    document["paths"]["/events/reset"] = {"post": {}}


PROMPT, MOOD, SEED = (f"command set_prompt, parameter {name}" for name in ("prompt", "mood", "seed"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (gone, [Change("command set_prompt", "is gone", True)]),
        (new_command, [Change("command reset", "is new", False)]),
        (lambda d: parameters(d)["properties"].pop("prompt"), [Change(PROMPT, "is gone", True)]),
        (field("blur", type="number", default=0.0), [Change("command set_prompt, parameter blur", "is new", False)]),
        (
            lambda d: (field("blur", type="number")(d), parameters(d)["required"].append("blur")),
            [Change("command set_prompt, parameter blur", "is new, and has to be given", True)],
        ),
        (lambda d: parameters(d)["required"].append("prompt"), [Change(PROMPT, "has to be given", True)]),
        (lambda d: parameters(d)["required"].remove("mood"), [Change(MOOD, "may be left out", False)]),
        (field("seed", type="number"), [Change(SEED, "is number, not integer", False)]),
        (field("seed", type="string"), [Change(SEED, "is string, not integer", True)]),
        (
            field("seed", type=None, anyOf=[{"type": "integer"}, {"type": "null"}]),
            [Change(SEED, "is integer or null, not integer", False)],
        ),
        (field("seed", minimum=1), [Change(SEED, "lower limit is 1, not 0", True)]),
        (field("seed", minimum=-1), [Change(SEED, "lower limit is -1, not 0", False)]),
        (field("seed", minimum=None), [Change(SEED, "has no lower limit any more", False)]),
        (field("seed", maximum=9), [Change(SEED, "upper limit is 9", True)]),
        (field("prompt", maxLength=100), [Change(PROMPT, "greatest length is 100, not 200", True)]),
        (field("prompt", maxLength=300), [Change(PROMPT, "greatest length is 300, not 200", False)]),
        (
            field("mood", enum=["calm", "grim"]),
            [Change(MOOD, "'wild' is no choice any more", True), Change(MOOD, "'grim' is a new choice", False)],
        ),
        (field("mood", enum=None), [Change(MOOD, "takes any value now", False)]),
        (field("prompt", enum=["dusk"]), [Change(PROMPT, "has choices now", True)]),
        (field("prompt", default="dawn", description="What to paint"), []),
        (lambda d: d["info"].update(title="x", version="v9.9.9", description="Another text."), []),
        (
            lambda d: d["paths"]["/events/set_prompt"]["post"].update(responses={"202": {}}),
            [Change("command set_prompt", "replies with nothing, not with Painted", True)],
        ),
        (
            lambda d: painted(d)["properties"].pop("count"),
            [
                Change("command set_prompt, reply, field count", "is gone", True),
                Change("message painted, field count", "is gone", True),
            ],
        ),
        (
            lambda d: painted(d)["properties"].update(count={"type": "number"}),
            [
                Change("command set_prompt, reply, field count", "is number, not integer", True),
                Change("message painted, field count", "is number, not integer", True),
            ],
        ),
        (lambda d: d["webhooks"].clear(), [Change("message painted", "is gone", True)]),
        (lambda d: d["webhooks"].update(done={}), [Change("message done", "is new", False)]),
        (lambda d: d["x-reactor"]["tracks"].pop(1), [Change("track sky", "is gone", True)]),
        (
            lambda d: d["x-reactor"]["tracks"][0].update(kind="audio", direction="out"),
            [Change("track sketch", "kind is audio, not video", True), Change("track sketch", "direction is out, not in", True)],
        ),
        (
            lambda d: d["x-reactor"]["tracks"].append({"name": "depth", "kind": "video", "direction": "out"}),
            [Change("track depth", "is new", False)],
        ),
    ],
)
def test_each_change_is_named_and_judged(change: Callable[[Any], object], told: list[Change]) -> None:
    new = copy.deepcopy(SKY)
    change(new)
    assert changes(SKY, new) == told


def test_the_same_document_has_not_changed() -> None:
    assert changes(SKY, copy.deepcopy(SKY)) == []
    assert changes({}, {}) == []


KEYS = ["paths", "post", "requestBody", "content", "application/json", "schema", "properties", "required", "type", "enum"]
KEYS += ["anyOf", "$ref", "minimum", "maxLength", "webhooks", "components", "schemas", "x-reactor", "tracks", "name", "kind"]
KEYS += ["responses", "200", "/events/a", "a"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_whatever_stands_there_is_compared(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert all(isinstance(each, Change) for each in changes(old, new))


@given(st.sampled_from(["paths", "webhooks", "x-reactor", "components"]), JSON)
def test_rubbish_in_one_place_is_no_failure(key: str, rubbish: Any) -> None:
    changes(SKY, SKY | {key: rubbish})
    changes(SKY | {key: rubbish}, SKY)
