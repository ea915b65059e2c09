"""What an author can get wrong is refused where the class is made; the message names the class, the member and the cure."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from reactor_runtime import (
    Audio,
    InputField,
    MediaInput,
    MessageField,
    ModelMessage,
    Output,
    ReactorApp,
    UploadedFile,
    Video,
    connected,
    event,
    session_started,
)


def a_model(**members: Any) -> Callable[[], object]:
    return lambda: type("M", (ReactorApp,), members)


def a_message(kind: Any, **members: Any) -> Callable[[], object]:
    return lambda: type("Note", (ModelMessage,), {"__annotations__": {"a": kind}, **members})


async def coroutine(self: Any) -> None: ...
def plain(self: Any) -> None: ...
@session_started
def begins(self: Any, client: Any) -> None: ...
@connected
def joins(self: Any, somebody: Any) -> None: ...
@event(name="go")
def goes(self: Any, *words: str) -> None: ...
@event(name="go")
def counts(self: Any) -> int: ...  # type: ignore[empty-body]
@event(name="go")
def shows(self: Any, file: UploadedFile = InputField(max_length=3)) -> None: ...


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (a_model(fps=0), r"^M: fps must be above 0, not 0"),
    (a_model(fps=float("nan")), r"^M: fps must be above 0, not nan"),
    (a_model(fps="30"), r"^M: fps must be above 0, not 30"),
    (a_model(buffer_size=0), r"^M: buffer_size is a number of frames above 0, or None; not 0"),
    (a_model(load=coroutine), r"^M\.load must be a plain function: it runs in a thread of its own"),
    (a_model(generate=coroutine), r"^M\.generate must be a plain function: what it waits for belongs into process_input"),
    (a_model(run=plain), r"^M\.run must be a coroutine function: write `async def run`"),
    (a_model(process_input=plain), r"^M\.process_input must be a coroutine function: write `async def process_input`"),
    (a_model(process_output=plain), r"^M\.process_output must be a coroutine function: write `async def process_output`"),
    (a_model(begins=begins), r"^M\.begins: @session_started takes no parameters"),
    (a_model(joins=joins), r"^M\.joins: @connected takes client, or no parameters"),
    (a_model(goes=goes), r"^M\.goes: \*words: str cannot be a command's field: name each parameter"),
    (
        a_model(counts=counts),
        r"^M\.counts: returns <class 'int'>; a command replies with one ModelMessage subclass",
    ),
    (a_model(shows=shows), r"^M\.shows\(file\): max_length limits str, list, dict, not UploadedFile"),
    (a_message(int, a="x"), r"^Note\.a: the default does not fit: expected integer, got str"),
    (
        a_message(list, a=[]),
        r"^Note\.a: a list cannot be a default; write MessageField\(default_factory=list\), or T \| None",
    ),
    (
        a_message(int, a=dataclasses.field()),
        r"^Note\.a: dataclasses\.field\(\) is not for messages; write MessageField",
    ),
    (a_message(int, a=InputField(3)), r"^Note\.a: InputField is for what clients send; write MessageField\(\.\.\.\)"),
    (a_message(UploadedFile), r"^Note\.a: files go from clients to the model; send what was found in it instead"),
    (a_message(Callable[[], int]), r"^Note\.a: the type cannot cross the wire: "),
    (a_message(int, name=""), r"^Note: a message needs a name; leave the class variable out for 'note'"),
    (lambda: type("O", (Output,), {"main": Video}), r"^O\.main: a track is an annotation: write `main: Video`"),
    (lambda: type("I", (MediaInput,), {"mic": Audio}), r"^I\.mic: a track is an annotation: write `mic: Audio`"),
    (lambda: type("A", (Audio,), {"sample_rate": 0}), r"^A: sample_rate is 8000 to 96000 Hz, not 0"),
    (lambda: type("A", (Audio,), {"sample_rate": 44_100.5}), r"^A: sample_rate is 8000 to 96000 Hz, not 44100\.5"),
    (lambda: type("A", (Audio,), {"buffer_seconds": -1}), r"^A: buffer_seconds is a number above 0, or None; not -1"),
    (lambda: type("A", (Audio,), {"buffer_seconds": float("inf")}), r"^A: buffer_seconds is a number above 0, or None; not inf"),
    (lambda: event(name="x" * 129), r"a name has at most 128 characters, not 129"),
]


@pytest.mark.parametrize(("make", "message"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_a_mistake(make: Callable[[], object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_what_looks_like_a_mistake_and_is_none() -> None:
    class Out(Output):
        class Voice(Audio):
            sample_rate = 16_000

        voice: Voice

    class Note(ModelMessage):
        name: ClassVar[str] = "said"
        parts: list[int] = MessageField(default_factory=list)

    class Base(ReactorApp):
        """Neither run() nor generate(): it may be a base of others."""

        @connected
        def hello(self, **anything: Any) -> None: ...

    assert list(Out.declared()) == ["voice"]
    assert Note().parts == []
    assert Base.fps == 30.0
