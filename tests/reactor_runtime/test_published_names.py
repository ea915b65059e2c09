"""The modules that models of others import from, and what their unit tests ask of a contract and a manifest."""

import importlib
import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from reactor_runtime import CommandError, InputField, InputState, ModelMessage, ReactorApp, UploadedFile, event, session_started
from reactor_runtime.interface.model.contract import ContractError, ModelContract
from reactor_runtime.log import JsonFormatter, SessionContextFilter, TextFormatter, get_logger, set_session_id
from reactor_runtime.manifest import load_config
from reactor_runtime.schema import render

NAMES = {
    "log": "get_logger StructuredLogger JsonFormatter SessionContextFilter TextFormatter configure set_session_id get_session_id "
    "clear_session_id release_session_id set_state get_state get_runtime_state",
    "paths": "get_weights_path",
    "schema": "render main",
    "manifest": "load_config",
    "interface": "EVENT_REGISTRY INPUT_REGISTRY MESSAGE_REGISTRY OUTPUT_REGISTRY BufferClosed FieldInfo InputFrame OutputStream "
    "StepCompleted all_input_tracks all_output_tracks ReactorApp ReactorModel ReactorPipeline Idle Input",
    "interface.client": "ClientInfo",
    "interface.app": "InputState ReactorApp StepCompleted StepOutcome",
    "interface.app.reactor_app": "ReactorApp",
    "interface.app.input_state": "InputState",
    "interface.app.outcome": "StepOutcome",
    "interface.app.step_completed": "StepCompleted",
    "interface.pipeline": "Idle InputState ReactorPipeline",
    "interface.pipeline.idle": "Idle _IdleType",
    "interface.pipeline.input_state": "InputState",
    "interface.pipeline.reactor_pipeline": "ReactorPipeline",
    "interface.model": "CommandSchema CommandSpec ContractError LifecycleHooks MessageSchema ModelContract ModelSchema "
    "TrackSchema",
    "interface.model.contract": "ModelContract",
    "interface.model.reactor_model": "ReactorModel",
    "interface.model.schema": "ModelSchema",
    "interface.tracks": "INPUT_REGISTRY OUTPUT_REGISTRY Audio MediaInput Metadata Output Track TrackPayload Video "
    "all_input_tracks all_output_tracks",
    "interface.tracks.input": "MediaInput",
    "interface.tracks.output": "Output TrackPayload",
    "interface.tracks.descriptors": "Audio Track Video",
    "interface.events": "EVENT_REGISTRY MESSAGE_REGISTRY ApplicationError CommandError EventHandler MessageField ModelMessage "
    "connected disconnected event file_uploaded session_started session_ended make_command",
    "interface.events.decorators": "event make_command",
    "interface.events.errors": "ApplicationError CommandError",
    "interface.events.messages": "MessageField ModelMessage",
}


@pytest.mark.parametrize("module", NAMES)
def test_a_module_has_its_names(module: str) -> None:
    found = importlib.import_module(f"reactor_runtime.{module}")
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


class Settings(InputState):
    pace: int = InputField(1, ge=1, le=9, description="How fast.")


class Gone(ModelMessage):
    """Emitted when it has gone."""

    far: int


class Walker(ReactorApp):
    """Walks."""

    state: Settings

    @session_started
    def begin(self) -> None: ...

    @event(name="go", description="Goes.")
    async def go(self, client: Any, where: str = InputField("", description="The way.", choices=["n", "s", ""])) -> Gone:
        raise CommandError("no", where)

    @event(name="see", description="Sees.")
    def see(self, image: UploadedFile = InputField(description="What is seen.")) -> None: ...


def test_the_contract_of_a_model() -> None:
    contract = ModelContract.of(Walker)
    assert (contract.model, contract.description, set(contract.commands)) == ("walker", "Walks.", {"go", "see", "set_pace"})
    assert contract.lifecycle.session_started is Walker.begin
    assert contract.lifecycle.connected is None
    go = contract.commands["go"]
    assert (go.handler, go.response, go.is_async, go.reserved) == (Walker.go, Gone, True, ("client",))
    field = go.command.__command_fields__["where"]
    assert (field.info.description, field.info.choices) == ("The way.", ["n", "s", ""])
    assert contract.commands["set_pace"].command.__command_fields__["pace"].info.le == 9
    assert list(contract.messages) == ["gone"]
    command: Any = contract.validate("go", {"where": "n"})
    assert (type(command).name, command.where) == ("go", "n")
    reference = {"upload_id": "u"}
    seen: Any = contract.validate("see", {"image": reference})
    assert seen.image == reference
    for name, body, reason in (("run", {}, "run: unknown command"), ("go", {"x": 1}, "go: unexpected argument 'x'")):
        with pytest.raises(ContractError, match=reason):
            contract.validate(name, body)
    with pytest.raises(TypeError, match="int is no model"):
        ModelContract.of(int)


def test_the_document_of_a_contract() -> None:
    schema = ModelContract.of(Walker).render_schema("v1.2.3", name="walker-one")
    document = schema.to_openapi()
    assert document["info"] == {"title": "walker-one", "version": "v1.2.3", "description": "Walks."}
    assert document["webhooks"]["gone"]["post"]["summary"] == "Emitted when it has gone."
    assert schema.commands["go"].response == "Gone"
    assert schema.commands["set_pace"].schema["pace"]["maximum"] == 9
    assert schema.messages["gone"].schema == {"far": {"type": "integer"}}


def test_a_manifest_and_the_schema_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reactor.yaml").write_text("model: {name: w}\nruntime: {import: 'named_walker:Named', config: c.yaml}\n")
    (tmp_path / "named_walker.py").write_text(
        "import reactor_runtime as r\n\n\nclass Named(r.ReactorApp):\n    @r.event(name='go')\n    def go(self) -> None: ...\n"
    )
    config = load_config(tmp_path / "reactor.yaml")
    assert (config.model_ref, config.model_name, config.config_path) == ("named_walker:Named", "w", tmp_path / "c.yaml")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(render(tmp_path, version="1.2.3")["paths"]) == ["/events/go"]
    with pytest.raises(ValueError, match=r"a version is X\.Y\.Z"):
        render(tmp_path, version="next")


@pytest.mark.parametrize(
    ("formatter", "line"),
    [
        (TextFormatter("%(message)s"), 'made n=3 why="a b" session_id=s-1\n'),
        (JsonFormatter(), {"level": "info", "logger": "a-model", "msg": "made", "n": 3, "why": "a b", "session_id": "s-1"}),
    ],
)
def test_a_line_of_the_log(formatter: logging.Formatter, line: Any) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    handler.addFilter(SessionContextFilter())
    logger = logging.getLogger("a-model")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    set_session_id("s-1")
    try:
        get_logger("a-model").info("made", n=3, why="a b")
    finally:
        set_session_id(None)
        logger.removeHandler(handler)
    told: Any = written.getvalue()
    if isinstance(line, dict):
        told = json.loads(told)
        assert told.pop("ts")
        line = dict(sorted(line.items()))
        told = dict(sorted(told.items()))
    assert told == line
