"""Modules of typed clients: what they say, and that nothing of a schema becomes code."""

import ast
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reactor_cli.typed.hostile import NAMES, content, document, hostile

from reactor_cli.typed.module import module_of
from reactor_protocol.errors import InvalidArgumentError

ROOT = Path(__file__).resolve().parents[3]
TYPED = ROOT / "examples" / "typed"
RUFF = Path(sys.executable).with_name("ruff")

NODES = {
    *("Module", "Expr", "Constant", "ImportFrom", "alias", "AnnAssign", "Assign", "Name", "Load", "Store", "Subscript", "Tuple"),
    *("List", "Dict", "ClassDef", "Call", "keyword", "FunctionDef", "AsyncFunctionDef", "arguments", "arg", "Return", "Await"),
    *("Attribute", "BinOp", "BitOr", "UnaryOp", "USub"),
}
CALLED = {"dataclass", "field", "Wire", "given", "_tell", "_ask", "_file", "_listen"}


def line_of(text: str, beginning: str) -> str:
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(beginning))


def check_harmless(text: str) -> None:
    """The module is what a client is made of, and nothing else."""
    tree = ast.parse(text)
    assert {type(node).__name__ for node in ast.walk(tree)} <= NODES
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {
        func.attr if isinstance(func, ast.Attribute) else func.id for func in called if isinstance(func, ast.Name | ast.Attribute)
    } <= CALLED
    assert {node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)} <= {
        "self"
    }
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= {"__future__", "dataclasses", "typing", "reactor_sdk.typed"}
    assert all(line == line.rstrip() for line in text.splitlines())


def run(text: str) -> dict[str, Any]:
    made = types.ModuleType("made_by_codegen")
    sys.modules[made.__name__] = made  # dataclasses look their module up
    exec(compile(text, "made.py", "exec"), vars(made))
    return vars(made)


@pytest.mark.parametrize(("model", "client"), [("helios", "HeliosModel"), ("lingbot", "LingBotModel")])
def test_regenerating_gives_the_same_bytes(model: str, client: str) -> None:
    schema = json.loads((TYPED / "schemas" / f"{model}.json").read_text(encoding="utf-8"))
    assert module_of(schema, client).encode() == (TYPED / "openreactor_models" / f"{model}.py").read_bytes()


def test_a_command_is_a_method() -> None:
    text = module_of(
        document(
            {
                "drive": {
                    "properties": {
                        "gas": {"type": "number", "minimum": 0, "maximum": 1, "description": "How much"},
                        "gear": {"type": "string", "enum": ["low", "high"], "default": "low"},
                        "way": {"type": "array", "items": {"type": "integer"}, "default": [1]},
                    },
                    "required": ["gas"],
                }
            }
        )
    )
    assert 'Gear: TypeAlias = Literal["low", "high"]' in text
    assert "    async def drive(\n        self,\n        gas: float,\n        *,\n" in text
    assert '        gear: Gear = "low",\n        way: list[int] | None = None,\n    ) -> None:\n' in text
    assert "gas: How much. 0 to 1.\n" in text
    assert '{"gas": gas, "gear": gear, "way": given(way)}' in text


def test_files_are_uploaded_and_have_the_documentations_name_too() -> None:
    file = {"$ref": "#/components/schemas/ReactorUploadReference"}
    text = module_of(
        document(
            {
                "set_image": {"properties": {"image": file}, "required": ["image"]},
                "set_overlay": {"properties": {"image": {"anyOf": [file, {"type": "null"}]}}},
                "set_pair": {"properties": {"one": file, "two": file}},
                "set_command": {"properties": {"file": file}},
            }
        )
    )
    assert line_of(text, "async def set_image") == "async def set_image(self, image: File) -> None:"
    assert line_of(text, "async def set_overlay") == "async def set_overlay(self, image: File | None = None) -> None:"
    assert "send_image = set_image" in text
    assert "send_overlay = set_overlay" in text
    assert "send_pair" not in text
    assert "send_command" not in text


def test_a_message_is_a_dataclass_with_a_decorator() -> None:
    nested = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    shape = {
        "type": "object",
        "properties": {
            "class": {"type": "string"},
            "at": nested,
            "all": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "object", "additionalProperties": {"type": ["string", "null"]}}]},
        },
        "required": ["class", "at", "maybe"],
    }
    made = document(messages={"state": {"$ref": "#/components/schemas/State"}})
    part = {"type": "object", "properties": {"of": {"$ref": "#/components/schemas/State"}}}
    made["components"]["schemas"] |= {"State": shape, "Part": part}
    text = module_of(made)
    assert line_of(text, "class_:") == 'class_: Annotated[str, Wire("class")]'
    assert line_of(text, "at:") == "at: StateAt"
    assert line_of(text, "all:") == "all: list[Part] | None = None"
    assert line_of(text, "maybe:") == "maybe: dict[str, str | None] | None"
    assert line_of(text, "of:") == "of: State | None = None"
    assert line_of(text, "def on_state") == "def on_state(self, handler: Handler[State]) -> Handler[State]:"


def test_a_reply_is_what_the_method_gives() -> None:
    made = document({"say": {"properties": {}}})
    made["components"]["schemas"]["Said"] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made["paths"]["/events/say"]["post"]["responses"] = {"200": content({"$ref": "#/components/schemas/Said"})}
    text = module_of(made)
    assert line_of(text, "async def say") == "async def say(self) -> Said | None:"
    assert line_of(text, "return await") == 'return await self._ask("say", {}, Said)'


def test_names_that_are_taken_get_an_underscore() -> None:
    text = module_of(document({"connect": {}, "class": {}, "a-b": {}, "a_b": {}, "on": {"properties": {"self": {}, "str": {}}}}))
    methods = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.AsyncFunctionDef)]
    assert methods == ["connect_", "class_", "a_b", "a_b_", "on_"]
    assert '{"self": given(self_), "str": given(str_)}' in text


def test_a_hostile_schema_becomes_no_code_and_is_formatted_all_the_same(tmp_path: Path) -> None:
    text = module_of(hostile())
    check_harmless(text)
    made = run(text)["HeLiosModel"]
    assert made.MODEL == 'he"lios\\'
    assert [track["name"] for track in made.TRACKS] == ["main_video", *NAMES]
    assert callable(made.connect_)
    assert made.connect is not made.connect_
    file = tmp_path / "made.py"
    file.write_text(text, encoding="utf-8")
    options = ("--no-cache", "--config", str(ROOT / "pyproject.toml"))
    subprocess.run([RUFF, "format", "--check", *options, file], check=True, timeout=60)
    subprocess.run([RUFF, "check", *options, file], check=True, timeout=60)


def test_modules_are_formatted_for_the_usual_length_of_lines_too() -> None:
    options = ("--no-cache", "--isolated", "--config", "line-length = 88")
    files = [TYPED / "openreactor_models" / f"{model}.py" for model in ("helios", "lingbot")]
    subprocess.run([RUFF, "format", "--check", *options, *files], check=True, timeout=60)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({}, "does not name its model"),
        ({"info": {"title": 7}}, "does not name its model"),
        (document({f"c{n}": {} for n in range(257)}), "257 commands: 256 can be written"),
        (document(messages={f"m{n}": {} for n in range(257)}), "257 messages: 256 can be written"),
        (document({"c": {"properties": {f"p{n}": {} for n in range(257)}}}), "257 fields: 256 can be written"),
        (document({"x" * 81: {}}), "no name that can be written"),
        (document({"c": {"properties": {"x" * 81: {}}}}), "name is too long"),
        (document(**{"x-reactor": {"tracks": [{"name": "t", "kind": "smell", "direction": "in"}]}}), "no video or audio"),
    ],
)
def test_documents_that_no_client_is_written_for(made: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why):
        module_of(made)


@pytest.mark.parametrize("name", ["helios", "1st", "A b", "TypedModel", "A.b", ""])
def test_a_class_that_is_no_name(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="--class is a class name"):
        module_of(document(), name)


def test_parts_that_hold_each_other_or_are_many_come_to_an_end() -> None:
    made = document(messages={"state": {"$ref": "#/components/schemas/P0"}})
    made["components"]["schemas"] |= {
        f"P{n}": {"type": "object", "properties": {"next": {"$ref": f"#/components/schemas/P{(n + 1) % 500}"}}}
        for n in range(500)
    }
    assert "class P499:" in module_of(made)
    wide: dict[str, Any] = {"type": "integer"}
    for _ in range(40):
        wide = {"anyOf": [wide] * 5}
    with pytest.raises(InvalidArgumentError, match="more than 8192 parts"):
        module_of(document({"c": {"properties": {f"p{n}": wide for n in range(9)}}}))


NAME = st.one_of(st.sampled_from(NAMES), st.text(min_size=1, max_size=6))
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
LEAF = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object", "odd"]),
        "enum": st.lists(SCALAR, max_size=4),
        "default": SCALAR,
        "description": st.text(max_size=40),
        "minimum": SCALAR,
        "maxLength": SCALAR,
        "$ref": st.sampled_from(["#/components/schemas/ReactorUploadReference", "#/components/schemas/S", "x"]),
    },
)
SHAPE: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(NAME, inner, max_size=3)}),
    ),
    max_leaves=5,
)
BODY = st.fixed_dictionaries({"properties": st.dictionaries(NAME, SHAPE, max_size=4), "required": st.lists(NAME, max_size=2)})


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(NAME, BODY, max_size=3), st.dictionaries(NAME, st.one_of(SHAPE, BODY), max_size=3), BODY, st.text(max_size=60)
)
def test_whatever_a_schema_says_the_module_is_harmless(
    commands: dict[str, Any], messages: dict[str, Any], part: dict[str, Any], words: str
) -> None:
    made = document(commands, messages)
    made["info"] |= {"title": f"m{words}"[:20], "description": words, "version": words}
    made["components"]["schemas"]["S"] = part
    try:
        text = module_of(made)
    except InvalidArgumentError:
        return
    check_harmless(text)
    run(text)
