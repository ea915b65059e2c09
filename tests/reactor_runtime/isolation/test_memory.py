"""What clients have set is remembered, and put back."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from reactor_runtime import InputField, InputState, UploadedFile
from reactor_runtime.isolation.memory import MAX_FIELD_BYTES, StateMemory, put_back


class Mood(Enum):
    CALM = "calm"
    WILD = "wild"


@dataclass
class Light:
    warmth: float
    colours: list[str]


class State(InputState):
    prompt: str = "dusk"
    seed: int = InputField(default=1, ge=0)
    mood: Mood = Mood.CALM
    light: Light | None = None
    image: UploadedFile
    _steps: int = 0


def test_every_type_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"pixels")
    state = State(prompt="dawn", seed=7, mood=Mood.WILD, light=Light(0.5, ["red"]), _steps=9)
    state.image = UploadedFile("a.png", "image/png", b"pixels", file)
    body = StateMemory().change(state)
    assert body is not None
    assert b"pixels" not in body
    fresh = State()
    put_back(fresh, body)
    assert fresh == State(prompt="dawn", seed=7, mood=Mood.WILD, light=Light(0.5, ["red"]), image=state.image, _steps=0)


def test_only_what_has_changed_is_told() -> None:
    memory, state = StateMemory(), State()
    assert memory.change(None) is None
    assert memory.change(test_only_what_has_changed_is_told) is None
    assert memory.change(state) is not None
    assert memory.change(state) is None
    state.light = Light(1.0, [])
    assert memory.change(state) is not None
    state.light.colours.append("blue")
    assert memory.change(state) is not None
    state._steps = 5
    assert memory.change(state) is None
    memory.forget()
    assert memory.change(state) is not None


@pytest.mark.parametrize("value", [lambda: None, "x" * (MAX_FIELD_BYTES + 1)])
def test_what_cannot_be_kept_is_left_out_and_said_once(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    memory, state = StateMemory(), State(seed=5)
    state.prompt = value
    body = memory.change(state)
    state.seed = 6
    assert memory.change(state) is not None
    assert body is not None
    fresh = State()
    put_back(fresh, body)
    assert (fresh.prompt, fresh.seed) == ("dusk", 5)
    assert len([record for record in caplog.records if "prompt" in record.getMessage()]) == 1


def test_a_file_that_is_gone_leaves_the_field_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = State(prompt="dawn")
    state.image = UploadedFile("a.png", "image/png", b"x", tmp_path / "gone")
    body = StateMemory().change(state)
    assert body is not None
    fresh = State()
    put_back(fresh, body)
    assert fresh == State(prompt="dawn")
    assert "the field image could not be put back" in caplog.text
