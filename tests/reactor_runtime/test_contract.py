"""Contracts: what a model class offers, and what its author is told."""

from typing import Any

import pytest

from reactor_runtime import (
    Audio,
    Input,
    InputState,
    ModelMessage,
    Output,
    ReactorModel,
    UploadedFile,
    Video,
    connected,
    disconnected,
    event,
    file_uploaded,
    session_ended,
    session_started,
)
from reactor_runtime.contract import read_contract, unresolved_annotations
from reactor_runtime.tracks import TrackSpec


class Camera(Input):
    webcam: Video
    voice: Audio


class Painter(ReactorModel):
    """Paints.

    In colours.
    """

    class Out(Output):
        main_video: Video

    class Painted(ModelMessage):
        n: int

    inputs: Camera

    @event(name="paint", description="Paints it.")
    async def do_paint(self, x: int) -> None: ...

    @event(name="clear")
    def clear(self) -> None: ...

    @session_started
    def begun(self) -> None: ...

    @session_ended
    def over(self) -> None: ...

    @connected
    def hello(self, client: Any) -> None: ...

    @disconnected
    def goodbye(self) -> None: ...

    @file_uploaded
    def got(self, uploaded_file: UploadedFile) -> None: ...


class Other(ReactorModel):
    class Screen(Output):
        depth: Video

    class Ready(ModelMessage):
        ok: bool


def test_a_contract_has_tracks_inputs_first_commands_hooks_and_messages() -> None:
    contract = read_contract(Painter)
    assert contract.name == "painter"
    assert contract.description == "Paints.\n\nIn colours."
    assert contract.tracks == (
        TrackSpec("webcam", "video", "in", 0),
        TrackSpec("voice", "audio", "in", 48_000),
        TrackSpec("main_video", "video", "out", 0),
    )
    assert [(spec.name, spec.method, spec.description) for spec in contract.commands.values()] == [
        ("paint", "do_paint", "Paints it."),
        ("clear", "clear", ""),
    ]
    assert contract.hooks == {
        "session_started": "begun",
        "session_ended": "over",
        "connected": "hello",
        "disconnected": "goodbye",
        "file_uploaded": "got",
    }
    assert contract.inputs == {"inputs": Camera}
    assert contract.messages == (Painter.Painted,)


def test_the_manifest_name_wins() -> None:
    assert read_contract(Painter, "sky-painter").name == "sky-painter"


def test_tracks_are_found_by_name() -> None:
    contract = read_contract(Painter)
    assert contract.track("voice") == TrackSpec("voice", "audio", "in", 48_000)
    assert contract.track("bogus") is None


def test_two_models_of_one_process_do_not_mix() -> None:
    assert [track.name for track in read_contract(Other).tracks] == ["depth"]
    assert read_contract(Other).messages == (Other.Ready,)
    assert [track.name for track in read_contract(Painter).tracks] == ["webcam", "voice", "main_video"]


def test_a_subclass_keeps_the_commands_and_tracks_of_its_base() -> None:
    class Derived(Painter):
        @event(name="paint", description="Paints better.")
        async def do_paint(self, x: int, y: int = 0) -> None: ...

    contract = read_contract(Derived)
    assert list(contract.commands) == ["paint", "clear"]
    assert contract.commands["paint"].description == "Paints better."
    assert [track.name for track in contract.tracks] == ["webcam", "voice", "main_video"]


def test_replies_are_messages_even_where_others_are_nested() -> None:
    class Nested(ReactorModel):
        class Note(ModelMessage):
            text: str

        @event(name="paint")
        def paint(self) -> Painter.Painted: ...  # type: ignore[empty-body]

    assert read_contract(Nested).messages == (Nested.Note, Painter.Painted)


def test_two_methods_that_claim_one_command_name() -> None:
    with pytest.raises(ValueError, match=r"Twice: duplicate command name 'go' \(one and two\)"):

        class Twice(ReactorModel):
            @event(name="go")
            def one(self) -> None: ...

            @event(name="go")
            def two(self) -> None: ...


def test_an_undecorated_override_of_a_command() -> None:
    with pytest.raises(TypeError, match=r"Plain\.clear hides a method that is decorated in a base class: decorate it too"):

        class Plain(Painter):
            def clear(self) -> None: ...


def test_an_undecorated_override_of_a_hook_is_the_hook() -> None:
    class Plain(Painter):
        def hello(self, client: Any) -> None: ...

    assert read_contract(Plain).hooks["connected"] == "hello"


def test_an_override_of_a_hook_that_is_no_hook() -> None:
    with pytest.raises(TypeError, match=r"Number\.hello hides the @connected hook of a base class, and is no method: rename it"):

        class Number(Painter):
            hello = 3  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"Wrong\.got: @file_uploaded takes a parameter called uploaded_file"):

        class Wrong(Painter):
            def got(self) -> None: ...  # type: ignore[override]


def test_two_methods_for_one_hook() -> None:
    with pytest.raises(TypeError, match="Twice: two methods are marked @connected: one and two"):

        class Twice(ReactorModel):
            @connected
            def one(self) -> None: ...

            @connected
            def two(self) -> None: ...


def test_a_file_hook_takes_a_file() -> None:
    with pytest.raises(TypeError, match=r"Wrong\.got: @file_uploaded takes a parameter called uploaded_file"):

        class Wrong(ReactorModel):
            @file_uploaded
            def got(self, file: UploadedFile) -> None: ...


def test_a_track_name_in_both_directions() -> None:
    class Mirror(Input):
        depth: Video

    with pytest.raises(ValueError, match="Both: the track 'depth' is declared twice, differently"):

        class Both(Other):
            mirror: Mirror


def test_annotations_that_cannot_be_resolved_are_told_and_hinder_nobody() -> None:
    class Lost(ReactorModel):
        camera: "Nowhere"  # type: ignore[name-defined]  # noqa: F821
        state: "Settings"

        @event(name="go")
        def go(self, speed: int, where: "Nowhere", client: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    contract = read_contract(Lost)
    assert list(contract.commands) == ["go", "set_pace"]
    assert contract.commands["go"].annotations == {"speed": int, "where": Any}
    assert unresolved_annotations(Lost) == ["Lost.camera", "Lost.go(where)"]


class Settings(InputState):
    pace: int = 1


def test_a_parameter_mistake_names_model_and_method() -> None:
    with pytest.raises(TypeError, match=r"Wrong\.go\(x\): the default does not fit: expected integer, got str"):

        class Wrong(ReactorModel):
            @event(name="go")
            def go(self, x: int = "a") -> None: ...  # type: ignore[assignment]


@pytest.mark.parametrize("name", ["connected", "disconnected"])
def test_reserved_command_names(name: str) -> None:
    with pytest.raises(ValueError, match=f"the name is reserved for the @{name} hook"):
        event(name=name)


def test_a_command_needs_a_name() -> None:
    with pytest.raises(ValueError, match="@event needs a name"):
        event(name="")
