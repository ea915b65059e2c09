"""The playground section of a manifest: read, checked against the model, and told in the schema document."""

import pickle
from pathlib import Path
from typing import Any, Literal

import pytest

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.schema_changes import changes
from reactor_runtime import InputField, ReactorModel, event
from reactor_runtime.config import ConfigError, Manifest, read_manifest
from reactor_runtime.contract import Contract, read_contract
from reactor_runtime.description import describe_model
from reactor_runtime.loader import LoadedModel, load_model
from reactor_runtime.playground import Playground, check_playground
from reactor_runtime.schema import schema_of


class Racer(ReactorModel):
    @event(name="set_controls")
    def set_controls(
        self,
        steer: float = InputField(0.0, ge=-1, le=1),
        gas: float = InputField(0.0, ge=0, le=1),
        brake: float = InputField(0.0, ge=0, le=1),
    ) -> None: ...

    @event(name="set_movement")
    def set_movement(self, movement: Literal["idle", "forward", "back", "strafe_left", "strafe_right"]) -> None: ...

    @event(name="paint")
    def paint(self, name: str, wheels: int = 4) -> None: ...

    @event(name="reset")
    def reset(self) -> None: ...


WHOLE = """
runtime: {import: "racer_model:Racer"}
playground:
  keys:
    set_controls:
      steer: {ArrowLeft: -1, ArrowRight: 1}
      gas: {ArrowUp: 1}
    set_movement: {movement: {W: forward, 1: back}}
    reset: [r, " "]
  gamepad:
    set_controls:
      steer: {axis: 0}
      gas: [{button: 7}, {axis: 3, invert: true}]
    set_movement: {movement: {axis: 1, negative: forward, positive: back}}
    reset: {button: 9}
  samples: [clip.mp4]
"""

TOLD = {
    "keys": {
        "set_controls": {"steer": {"ArrowLeft": -1, "ArrowRight": 1}, "gas": {"ArrowUp": 1}},
        "set_movement": {"movement": {"w": "forward", "1": "back"}},
        "reset": ["r", " "],
    },
    "gamepad": {
        "set_controls": {"steer": [{"axis": 0}], "gas": [{"button": 7}, {"axis": 3, "invert": True}]},
        "set_movement": {"movement": [{"axis": 1, "negative": "forward", "positive": "back"}]},
        "reset": [9],
    },
    "samples": ["clip.mp4"],
}


def contract() -> Contract:
    return read_contract(Racer, "racer")


def read(folder: Path, text: str) -> Manifest:
    (folder / "reactor.yaml").write_text(text)
    return read_manifest(folder)


def refusal(folder: Path, section: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, f"runtime: {{import: 'm:C'}}\nplayground: {section}")
    return str(caught.value).removeprefix(f"{folder / 'reactor.yaml'}: ")


def check(**bound: Any) -> None:
    check_playground(Playground(**bound), contract())


def test_a_whole_section_reaches_the_schema_document(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    playground = read(tmp_path, WHOLE).playground
    check_playground(playground, contract())
    assert playground.samples == (tmp_path.resolve() / "clip.mp4",)
    document = schema_of(contract(), playground=playground)
    assert document["x-reactor"]["playground"] == TOLD
    assert describe_model(LoadedModel(Racer, contract(), playground)).schema == document
    assert pickle.loads(pickle.dumps(playground)) == playground, "the model's own process is told of it"
    assert changes(schema_of(contract()), document) == [], "clients of the older document notice nothing"


def test_a_manifest_that_says_nothing_adds_nothing(tmp_path: Path) -> None:
    playground = read(tmp_path, "runtime: {import: 'm:C'}").playground
    assert playground == Playground()
    assert "playground" not in schema_of(contract(), playground=playground)["x-reactor"]


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("[1]", "playground must be a mapping"),
        ("{key: {}}", "playground.key is not known: it takes keys, gamepad, samples"),
        ("{keys: [reset]}", "playground.keys must be a mapping of commands, such as {reset: r}"),
        (
            "{keys: {reset: off}}",
            """playground.keys.reset: False is no key: give one character in quotes ("w") or a name such as ArrowLeft""",
        ),
        ("{keys: {go: {x: 3}}}", "playground.keys.go.x must say which key sets it to what, such as {ArrowLeft: -1}"),
        ("{keys: {go: {x: {a: 2020-01-01}}}}", "playground.keys.go.x: datetime.date(2020, 1, 1) cannot be sent in a command"),
        ("{gamepad: {reset: 9}}", "playground.gamepad.reset must be a button, such as {button: 9}, or a mapping of its fields"),
        ("{gamepad: {reset: {axis: 1}}}", "playground.gamepad.reset must be a button, such as {button: 9}, or name its fields"),
        ("{gamepad: {go: {x: {axis: 8}}}}", "playground.gamepad.go.x.axis must be a number of 0 to 7, not 8"),
        ("{gamepad: {go: {x: {axis: 0, dead: 1}}}}", "playground.gamepad.go.x must name an axis or a button"),
        ("{samples: clip.mp4}", "playground.samples must be a list of at most 32 files, such as [clip.mp4]"),
        ("{samples: [none.mp4]}", "none.mp4: put it there, or leave it out"),
        ("{samples: [reactor.yaml]}", "playground.samples: browsers play no reactor.yaml: give one of .mp4, .m4v, .mov, .webm"),
        ("{samples: [clip.mp4, ./clip.mp4]}", "playground.samples: two files are called clip.mp4: rename one"),
    ],
)
def test_sections_that_are_refused(tmp_path: Path, section: str, problem: str) -> None:
    (tmp_path / "clip.mp4").touch()
    assert problem in refusal(tmp_path, section)


def test_what_is_bound_is_bounded(tmp_path: Path) -> None:
    keys = ", ".join(f"K{number}: 1" for number in range(257))
    assert refusal(tmp_path, f"{{keys: {{go: {{x: {{{keys}}}}}}}}}") == "playground.keys binds more than 256: leave some out"


@pytest.mark.parametrize(
    ("bound", "problem"),
    [
        ({"keys": {"rest": ["r"]}}, "playground.keys.rest: there is no such command; did you mean reset?"),
        ({"keys": {"jump": ["r"]}}, "there is no such command; there are: set_controls, set_movement, paint, reset"),
        ({"keys": {"set_controls": {"ster": {"a": 1}}}}, "set_controls.ster: the command has no such field; did you mean steer?"),
        ({"keys": {"set_controls": {"steer": {"a": 2}}}}, 'steer: 2 > le(1.0) in {"steer": 2}: the model would refuse it'),
        ({"keys": {"set_movement": {"movement": {"a": "jump"}}}}, "not one of"),
        ({"keys": {"paint": ["p"]}}, "missing required argument 'name' in {}: bind that field too, or give it a default"),
        ({"keys": {"paint": {"name": {"p": "red"}}}}, "paint.name: nothing is known to put back when a key is released"),
        (
            {"gamepad": {"set_movement": {"movement": [{"axis": 1}]}}},
            "the field is no number, so that its values have to be given",
        ),
        ({"gamepad": {"set_controls": {"gas": [{"axis": 1, "negative": -1}]}}}, "gas: -1 < ge(0.0)"),
    ],
)
def test_what_the_model_does_not_take_is_refused(bound: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match="playground") as caught:
        check(**bound)
    assert problem in str(caught.value)


def test_a_model_whose_keys_name_no_command_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "keyed_model.py").write_text("from reactor_runtime import ReactorModel\n\n\nclass Keyed(ReactorModel): ...\n")
    manifest = Manifest(tmp_path, "keyed_model:Keyed", "keyed", None, playground=Playground(keys={"reset": ["r"]}))
    with pytest.raises(ModelFailedError, match=r"playground\.keys\.reset: there is no such command; there are: none"):
        load_model(manifest)
