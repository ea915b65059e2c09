"""Messages of a model, and the limits that an author writes."""

import dataclasses
import enum
import json
from typing import Any, ClassVar

import numpy as np
import pytest

from reactor_runtime import CommandError, FieldInfo, InputField, MessageField, ModelMessage, UploadedFile
from reactor_runtime.fields import ClientInfo, snake_case


class Mood(enum.Enum):
    CALM = "calm"
    WILD = "wild"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


class PromptSet(ModelMessage):
    """Sent when a prompt is used."""

    prompt: str
    count: int = 1
    mood: Mood = Mood.CALM
    path: list[Point] = MessageField(default_factory=list, description="where to")


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("HTTPServer", "http_server"),
        ("Video2Audio", "video2_audio"),
        ("ABTest", "ab_test"),
        ("PromptSet", "prompt_set"),
        ("Done", "done"),
    ],
)
def test_the_wire_name_of_a_class(name: str, wire: str) -> None:
    assert snake_case(name) == wire


def test_a_message_is_named_after_its_class_unless_it_says_otherwise() -> None:
    class Other(ModelMessage):
        name: ClassVar[str] = "something_else"

    assert PromptSet(prompt="p").encode().type == "prompt_set"
    assert Other().encode().type == "something_else"


def test_fields_without_a_default_come_first() -> None:
    class Mixed(ModelMessage):
        count: int = 1
        prompt: str  # type: ignore[misc]

    mixed: Any = Mixed
    assert [field.name for field in dataclasses.fields(mixed)] == ["prompt", "count"]
    assert mixed("p") == mixed(prompt="p", count=1)


def test_enums_and_dataclasses_become_json_and_integers_stay_integers() -> None:
    data = PromptSet("p", count=4, mood=Mood.WILD, path=[Point(1), Point(2, 1.5)]).encode().data
    assert data == {"prompt": "p", "count": 4, "mood": "wild", "path": [{"x": 1, "y": 0.5}, {"x": 2, "y": 1.5}]}
    assert type(data["count"]) is int


def test_lists_of_two_messages_are_not_shared() -> None:
    first, second = PromptSet("a"), PromptSet("b")
    first.path.append(Point(1))
    assert second.path == []


def test_a_value_that_is_not_json_is_refused_naming_the_class() -> None:
    class Odd(ModelMessage):
        value: Any

    looped: list[Any] = []
    looped.append(looped)
    for value in (object(), looped, b"\xff"):
        with pytest.raises(TypeError, match=r"^Odd cannot be sent: "):
            Odd(value).encode()


def test_a_field_may_be_called_name() -> None:
    class FileSeen(ModelMessage):
        name: str  # type: ignore[misc]
        size: int = 0

    message = FileSeen(name="a.png", size=3).encode()
    assert (message.type, message.data) == ("file_seen", {"name": "a.png", "size": 3})

    class Greeting(ModelMessage):
        name: str = "you"  # type: ignore[misc]

    assert (Greeting().encode().type, Greeting().encode().data) == ("greeting", {"name": "you"})


def test_a_subclass_may_add_a_required_field_after_its_parents_defaults() -> None:
    class Base(ModelMessage):
        count: int = 0

    class Derived(Base):
        label: str  # type: ignore[misc]

    assert Derived(label="l").encode().data == {"count": 0, "label": "l"}
    assert Derived(3, label="l").encode().type == "derived"


def test_a_message_has_its_own_description_and_no_made_up_one() -> None:
    class Bare(ModelMessage):
        x: int

    assert PromptSet.__doc__ == "Sent when a prompt is used."
    assert Bare.__doc__ == ""


def test_input_field_gives_its_limits() -> None:
    assert InputField(3, description="d", ge=1, le=5, moderate=True) == FieldInfo(
        default=3, description="d", ge=1, le=5, moderate=True
    )
    assert InputField(choices=["a", "b"]).choices == ["a", "b"]
    assert InputField(min_length=1).default is dataclasses.MISSING


def test_input_field_takes_no_factory_and_no_mutable_default() -> None:
    with pytest.raises(TypeError, match="InputField takes no default_factory"):
        InputField(default_factory=list)
    mutable: list[Any] = [[], {}, set()]
    for default in mutable:
        with pytest.raises(TypeError, match=f"InputField: a {type(default).__name__} cannot be a default"):
            InputField(default)


def test_a_command_error_carries_code_and_message_verbatim() -> None:
    error = CommandError("no_face", "There is no face in the picture.")
    assert (error.code, error.message, str(error)) == (
        "no_face",
        "There is no face in the picture.",
        "no_face: There is no face in the picture.",
    )


def test_an_uploaded_file_knows_its_size() -> None:
    assert UploadedFile("a.bin", "application/octet-stream", b"12345").size == 5


async def test_a_client_is_sent_to_alone_and_equals_itself() -> None:
    sent: list[ModelMessage] = []

    async def send(message: ModelMessage) -> None:
        sent.append(message)

    client = ClientInfo(7, 1.0, _send=send)
    await client.send(PromptSet("hello"))
    assert sent == [PromptSet("hello")]
    assert client == ClientInfo(7, 1.0)
    assert not client.system


def test_numbers_and_arrays_of_numpy_are_sent_as_plain_ones() -> None:
    class Scored(ModelMessage):
        score: float
        count: int
        done: bool
        row: list[float]
        box: list[list[int]]
        points: list[Point]
        more: dict[str, Any]
        rest: Any = None

    message = Scored(
        score=np.float32(0.5),  # type: ignore[arg-type]
        count=np.int64(3),  # type: ignore[arg-type]
        done=np.bool_(True),  # type: ignore[arg-type]
        row=np.array([0.5, 1.5]),  # type: ignore[arg-type]
        box=[np.array([1, 2]), [3, 4]],  # type: ignore[list-item]
        points=[Point(np.int32(1), np.float64(2.5))],  # type: ignore[arg-type]
        more={"mean": np.float32(2.0), "codes": np.arange(2, dtype=np.uint8)},
        rest=(np.float16(1.0), None),
    )
    assert message.encode().data == {
        "score": 0.5,
        "count": 3,
        "done": True,
        "row": [0.5, 1.5],
        "box": [[1, 2], [3, 4]],
        "points": [{"x": 1, "y": 2.5}],
        "more": {"mean": 2.0, "codes": [0, 1]},
        "rest": [1.0, None],
    }
    assert json.dumps(message.encode().data)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), r"Told\.value is nan"),
        ({"loss": [1.0, float("inf")]}, r"Told\.value\.loss\[1\] is inf"),
        (np.array([1.0, np.nan]), r"Told\.value\[1\] is nan"),
        ({"model": object()}, r"Told\.value\.model is of type object"),
        ([np.float32(1), object()], r"Told\.value\[1\] is of type object"),
    ],
)
def test_a_value_that_json_cannot_say_is_refused_naming_the_field(value: object, words: str) -> None:
    class Told(ModelMessage):
        value: Any

    with pytest.raises(TypeError, match=f"^Told cannot be sent: {words}"):
        Told(value).encode()
