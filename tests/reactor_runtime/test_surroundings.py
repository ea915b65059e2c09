"""What belongs to a model: two of them in one process, or in one module, do not see each other."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

import reactor_runtime
from reactor_runtime import (
    EVENT_REGISTRY,
    INPUT_REGISTRY,
    MESSAGE_REGISTRY,
    OUTPUT_REGISTRY,
    InputField,
    MediaInput,
    ModelMessage,
    Output,
    ReactorApp,
    Video,
    all_input_tracks,
    all_output_tracks,
    event,
    interface,
)
from reactor_runtime.contract import read_contract


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "models"))
    sys.modules.pop("two_models", None)
    return importlib.import_module("two_models")


def test_two_models_of_one_module_have_what_their_code_names(two: Any) -> None:
    for model, track, message in ((two.Red, "red", two.RedSaid), (two.Blue, "blue", two.BlueSaid)):
        contract = read_contract(model)
        assert [spec.name for spec in contract.tracks] == [track]
        assert contract.messages == (message,)


def test_a_model_alone_in_its_module_has_all_of_it(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(two, "Blue")
    assert [spec.name for spec in read_contract(two.Red).tracks] == ["red", "blue"]


def test_what_the_authors_other_modules_declare_belongs_to_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "words_of_it.py").write_text(
        "import reactor_runtime as r\nclass Second(r.ModelMessage):\n    a: int\nclass First(r.ModelMessage):\n    b: int\n"
        "class Seen(r.Output):\n    main_video: r.Video\n"
    )
    (tmp_path / "engine_of_it.py").write_text("import words_of_it\ndef show(): return words_of_it.Seen\n")
    (tmp_path / "model_of_it.py").write_text(
        "import reactor_runtime as r\nfrom engine_of_it import show\nclass Sent(r.ModelMessage):\n    c: int\n"
        "class It(r.ReactorApp):\n    class Nested(r.ModelMessage):\n        d: int\n    async def run(self): ...\n"
    )
    contract = read_contract(importlib.import_module("model_of_it").It)
    assert [message.__name__ for message in contract.messages] == ["Second", "First", "Sent", "Nested"]
    assert [track.name for track in contract.tracks] == ["main_video"]


def test_a_name_that_comes_later_in_the_module_is_found_when_the_model_is_read() -> None:
    class Early(ReactorApp):
        @event(name="go")
        def go(self) -> "LaterSaid": ...  # type: ignore[empty-body]

    assert read_contract(Early).commands["go"].reply is LaterSaid


class LaterSaid(ModelMessage):
    text: str


class RegistryIn(MediaInput):
    registry_camera: Video


class RegistryOut(Output):
    registry_screen: Video


class RegistryModel(ReactorApp):
    @event(name="registry_go", description="Goes.")
    def go(self, speed: int = InputField(3, ge=0)) -> None: ...


def test_the_registries_show_what_is_declared_and_belong_to_nobody() -> None:
    assert OUTPUT_REGISTRY["RegistryOut"] is RegistryOut
    assert INPUT_REGISTRY["RegistryIn"] is RegistryIn
    assert MESSAGE_REGISTRY["later_said"] is LaterSaid
    command: Any = EVENT_REGISTRY["registry_go"]
    assert (command.__name__, command.name, command().speed) == ("RegistryGo", "registry_go", 3)
    assert EVENT_REGISTRY["registry_go"] is command
    assert all_input_tracks()["registry_camera"] is Video
    assert all_output_tracks()["registry_screen"] is Video
    with pytest.raises(TypeError):
        OUTPUT_REGISTRY["x"] = RegistryOut  # type: ignore[index]


BOTH = """EVENT_REGISTRY INPUT_REGISTRY MESSAGE_REGISTRY OUTPUT_REGISTRY Audio BufferClosed ClientInfo Command
CommandError FieldInfo InputBuffer InputField InputFrame InputState MessageField Metadata ModelMessage Output
OutputStream ReadMode Track TrackPayload UploadedFile Video __version__ all_input_tracks all_output_tracks connected
disconnected event file_uploaded get_weights_path session_ended session_started"""
EITHER = "ReactorModel ReactorPipeline Idle Input ReactorApp StepOutcome StepCompleted ApplicationError MediaInput get_logger"


def test_every_name_of_both_generations_can_be_imported() -> None:
    for name in f"{BOTH} {EITHER}".split():
        assert name in reactor_runtime.__all__
        assert getattr(interface, name) is getattr(reactor_runtime, name)
    assert reactor_runtime.ReactorModel is ReactorApp
    assert reactor_runtime.Input is MediaInput
    assert issubclass(reactor_runtime.ReactorPipeline, ReactorApp)
