"""States: fields that clients set, and what their author is told."""

import dataclasses
import enum
import json
from typing import Any, ClassVar

import pytest

from reactor_runtime import (
    Command,
    CommandError,
    InputField,
    InputState,
    ModelMessage,
    ReactorApp,
    UploadedFile,
    event,
    session_ended,
    session_started,
)
from reactor_runtime.commands import CommandSpec
from reactor_runtime.contract import read_contract
from reactor_runtime.description import CommandOutline
from reactor_testing.rehearsal import Rehearsal

FILE = UploadedFile("a.png", "image/png", b"123")


class Mood(enum.Enum):
    CALM = "calm"
    WILD = "wild"


class State(InputState):
    prompt: str = InputField("dusk", description="What to paint.", max_length=5)
    seed: int | None = InputField(None, ge=0)
    mood: Mood = Mood.CALM
    image: UploadedFile
    images: list[UploadedFile] | None = None
    speed: int = 1
    _secret: int = 4


class Seen(ModelMessage):
    text: str


class Model(ReactorApp):
    state: State

    def __init__(self) -> None:
        self.log: list[Any] = []

    @session_started
    def begin(self) -> None:
        self.log.append(self.state.prompt)

    @session_ended
    def end(self) -> None:
        self.log.append(self.state.prompt)

    @event(name="set_speed", description="Faster.")
    async def set_speed(self, speed: int) -> Seen:
        return Seen(f"never more than {speed}")

    @event(name="look")
    async def look(self) -> Seen:
        return Seen(repr(self.state))

    async def run(self) -> None:
        await self.connected.wait()
        while True:
            await self.output_later()

    async def output_later(self) -> None:
        self.connected.clear()
        await self.connected.wait()


def test_each_public_field_is_a_command_after_the_written_ones() -> None:
    commands = read_contract(Model).commands
    assert list(commands) == ["set_speed", "look", "set_prompt", "set_seed", "set_mood", "set_image", "set_images"]
    assert [commands[name].description for name in ("set_speed", "set_prompt", "set_seed")] == [
        "Faster.",
        "What to paint.",
        "Set seed.",
    ]


def test_a_setter_sets_within_its_limits_and_a_written_command_wins() -> None:
    with Rehearsal(Model) as stage:
        client = stage.join()
        state: Any = stage.host._model.state  # type: ignore[union-attr]
        assert client.send("set_prompt", {"prompt": "dawn"}) is None
        assert client.send("set_seed", {"seed": 3.0}) is None
        assert (state.prompt, state.seed, type(state.seed)) == ("dawn", 3, int)
        client.send("set_seed", {"seed": None})
        client.send("set_mood", {"mood": "wild"})
        assert (state.seed, state.mood) == (None, Mood.WILD)
        assert client.send("set_speed", {"speed": 9}) == {"text": "never more than 9"}
        assert state.speed == 1
        for command, data, reason in (
            ("set_prompt", {"prompt": "midnight"}, "prompt: length 8 > max_length(5)"),
            ("set_seed", {"seed": -1}, "seed: -1 < ge(0)"),
            ("set_prompt", {"value": "x"}, "unexpected argument 'value'"),
            ("set__secret", {"_secret": 1}, "unknown command 'set__secret'"),
        ):
            with pytest.raises(CommandError) as caught:
                client.send(command, data)
            assert caught.value.message.startswith(reason)


def test_files_are_fields_too() -> None:
    with Rehearsal(Model) as stage:
        client = stage.join()
        state: Any = stage.host._model.state  # type: ignore[union-attr]
        assert state.image is None
        client.send("set_image", files={"image": FILE})
        assert state.image == FILE
        client.send("set_image", {})
        assert state.image is None


def test_every_session_has_a_state_of_its_own_and_none_is_between_two() -> None:
    with Rehearsal(Model) as stage:
        model: Any = stage.host._model
        stage.join().send("set_prompt", {"prompt": "dawn"})
        stage.end_session()
        assert model.state is None
        stage.start_session()
        assert model.state == State()
        assert model.log == ["dusk", "dawn", "dusk"]


def outline(spec: CommandSpec) -> CommandOutline:
    return CommandOutline(spec.name, spec.description, spec.holding)


def test_references_are_found_where_the_type_allows_a_file() -> None:
    spec = read_contract(Model).commands["set_images"]
    data = {"images": [{"upload_id": "u1"}, {"upload_id": "u2"}]}
    assert outline(spec).references(data) == {"u1", "u2"}
    assert spec.validate(data, {}, {"u1": FILE, "u2": FILE}) == {"images": [FILE, FILE]}
    with pytest.raises(CommandError, match=r"images\[1\]: expected an uploaded file, got dict"):
        spec.validate(data, {}, {"u1": FILE})
    with pytest.raises(CommandError, match="a command refers to at most 16 files, not 17"):
        outline(spec).references({"images": [{"upload_id": str(number)} for number in range(17)]})
    assert outline(read_contract(Model).commands["set_prompt"]).references({"prompt": {"upload_id": "u1"}}) == set()


def test_a_state_is_made_by_keyword_and_compared_by_value() -> None:
    assert State() == State(prompt="dusk")
    assert State(seed=3) != State()
    assert State(seed=3)._secret == 4
    assert "seed=3" in repr(State(seed=3))
    with pytest.raises(TypeError, match="unexpected keyword argument 'promt'"):
        State(promt="x")


def test_a_subclass_has_its_parents_fields_and_may_take_one_away() -> None:
    class More(State):
        prompt: str = "night"
        speed: ClassVar[int] = 3  # type: ignore[misc]
        depth: float = 0.5

    assert list(More.public()) == ["seed", "mood", "image", "images", "prompt", "depth"]
    assert More().prompt == "night"
    assert State().prompt == "dusk"


def mistakes() -> list[tuple[dict[str, Any], str]]:
    return [
        ({"__annotations__": {"a": int}}, r"^S\.a: a field needs a default, which the session begins with; or write T \| None"),
        ({"__annotations__": {"_a": int}}, r"^S\._a: a private field needs a default: no client sets it"),
        ({"__annotations__": {"a": list[int]}, "a": []}, r"^S\.a: a list cannot be a default; make the field T \| None = None"),
        ({"__annotations__": {"a": int}, "a": dataclasses.field()}, r"^S\.a: dataclasses\.field\(\) is not for fields"),
        ({"__annotations__": {"a": int}, "a": InputField(9, le=3)}, r"^S\.a: the default does not fit: 9 > le\(3\)"),
        ({"__annotations__": {"a": int}, "a": "x"}, r"^S\.a: the default does not fit: expected integer, got str"),
        ({"__annotations__": {"a": json.JSONDecoder}, "a": None}, r"^S\.a: the type cannot cross the wire: .*JSONDecoder"),
        ({"__annotations__": {"a": str}, "a": InputField("", min_length=-1)}, r"^S\.a: the limits cannot be: "),
    ]


@pytest.mark.parametrize(("body", "message"), mistakes())
def test_mistakes_are_told_where_the_class_is_made(body: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        type("S", (InputState,), body)


def test_a_command_is_a_record_with_a_name() -> None:
    class SetPrompt(Command):
        prompt: str
        strength: float = InputField(1.0, ge=0.0)

    assert SetPrompt.name == "set_prompt"
    assert SetPrompt(prompt="x").strength == 1.0
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'prompt'"):
        SetPrompt()
