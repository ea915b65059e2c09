"""Wire version v0, from recorded frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reactor_protocol.codec import JSON_CODEC, Frame
from reactor_protocol.codec_v1 import PROTOBUF_CODEC
from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import (
    ApplicationMessage,
    ClientMessage,
    ClipFailed,
    ClipReady,
    Command,
    CommandResult,
    FileRef,
    FileUploaded,
    PauseTrack,
    Ping,
    PublishResult,
    PublishTrack,
    Refusal,
    RequestCapabilities,
    RequestClip,
    RequestRecording,
    RequestSchema,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    SessionEnded,
    UnpublishTrack,
)
from reactor_protocol.wire_versions import codec_for

WIRE = Path(__file__).parents[1] / "wire" / "frames"
FILE = FileRef("0f3a9c", "a.png", "image/png", 3)

CLIENT: dict[str, ClientMessage] = {
    "data/client/command": Command("set_prompt", {"prompt": "hi"}),
    "data/client/command_with_upload": Command("set_prompt", {"prompt": "hi"}, {"img": FILE}),
    "data/client/command_with_request_id": Command("set_prompt", {"prompt": "hi"}, request_id="data_1"),
    "data/client/ping": Ping(),
    "data/client/request_schema": RequestSchema(),
    "data/client/file_uploaded": FileUploaded(FILE),
    "data/client/request_clip": RequestClip(10),
    "data/client/request_recording": RequestRecording(),
    "control/client/publish_track": PublishTrack("q1", "webcam"),
    "control/client/unpublish_track": UnpublishTrack("main_video"),
    "control/client/pause_track": PauseTrack("main_video"),
    "control/client/resume_track": ResumeTrack("main_video"),
}


def test_the_model_in_short_is_asked_for_as_old_javascript_clients_do() -> None:
    frame = JSON_CODEC.encode(RequestCapabilities())
    assert json.loads(frame.payload) == {"scope": "runtime", "data": {"type": "requestCapabilities", "data": {}}}
    assert JSON_CODEC.decode_client(frame) == RequestCapabilities()


def test_a_track_is_resumed_with_what_is_told_of_its_frames() -> None:
    """The extension ``frame_numbers``, version 2; anything but true is as good as nothing."""
    frame = JSON_CODEC.encode(ResumeTrack("main_video", tagged=True))
    assert json.loads(frame.payload) == {
        "type": "notification",
        "event": "resume_track",
        "data": {"name": "main_video", "tagged": True},
    }
    assert JSON_CODEC.decode_client(frame) == ResumeTrack("main_video", tagged=True)
    for told in ("1", '"true"', "null"):
        text = str(frame.payload).replace("true", told)
        assert JSON_CODEC.decode_client(Frame(frame.label, text)) == ResumeTrack("main_video")


SERVER: dict[str, ServerMessage] = {
    "data/server/application": ApplicationMessage("done", {"n": 4.0}),
    "data/server/model_schema": RuntimeMessage(
        "modelSchema", {"openapi": "3.1.0", "info": {"title": "my-model", "version": "1"}, "paths": {}}
    ),
    "data/server/clip_ready": ClipReady(
        session_id="7a1c",
        kind="snap",
        start_marker=1.5,
        end_marker=11.5,
        now_marker=12.0,
        predicted_ready_at_ms=1767225600000,
        playlist_url="/clips?session_id=7a1c&start=1.5&end=11.5",
    ),
    "data/server/clip_failed": ClipFailed("no media generated yet"),
    "data/server/moderation": RuntimeMessage(
        "moderation",
        {
            "action": "terminate",
            "input_kind": "",
            "command": "",
            "categories": [],
            "message": "Session terminated due to policy violation.",
        },
    ),
    "data/server/session_ended": SessionEnded("deployment"),
    "data/server/command_result": CommandResult("data_1", frame=17),
    "data/server/command_result_with_reply": CommandResult("data_2", ApplicationMessage("done", {"n": 4}), frame=0),
    "data/server/command_result_refused": CommandResult("data_4", error=Refusal("invalid_command", "unknown command")),
    "control/server/publish_granted": PublishResult("q1"),
    "control/server/publish_refused": PublishResult("q1", Refusal("publish_refused", "track already published")),
}


def recorded(name: str) -> Frame:
    return Frame(name.split("/")[0], (WIRE / f"{name}.json").read_text())


def client(text: str | bytes, label: str = "data") -> ClientMessage | None:
    return JSON_CODEC.decode_client(Frame(label, text))


def server(text: str | bytes, label: str = "data") -> ServerMessage | None:
    return JSON_CODEC.decode_server(Frame(label, text))


def command(data: str) -> str:
    return f'{{"scope":"application","data":{{"type":"c","data":{data}}}}}'


def test_every_recorded_frame_is_expected() -> None:
    files = {path.relative_to(WIRE).with_suffix("").as_posix() for path in WIRE.rglob("*.json")}
    assert files == CLIENT.keys() | SERVER.keys()


@pytest.mark.parametrize("name", CLIENT)
def test_client_frames_decode(name: str) -> None:
    assert JSON_CODEC.decode_client(recorded(name)) == CLIENT[name]


@pytest.mark.parametrize("name", SERVER)
def test_server_frames_decode(name: str) -> None:
    assert JSON_CODEC.decode_server(recorded(name)) == SERVER[name]


@pytest.mark.parametrize("name", [*CLIENT, *SERVER])
def test_messages_encode_to_the_recorded_frame(name: str) -> None:
    message = CLIENT.get(name) or SERVER[name]
    frame = JSON_CODEC.encode(message)
    assert isinstance(frame.payload, str), "v0 goes out as text"
    assert frame.label == name.split("/")[0]
    assert json.loads(frame.payload) == json.loads(recorded(name).payload)


def test_encoding_is_compact_and_readable() -> None:
    frame = JSON_CODEC.encode(Command("say", {"text": "grüße 🙂"}))
    assert frame.payload == '{"scope":"application","data":{"type":"say","data":{"text":"grüße 🙂"}}}'


@pytest.mark.parametrize("name", CLIENT)
def test_bytes_of_json_are_read_like_text(name: str) -> None:
    frame = recorded(name)
    assert isinstance(frame.payload, str)
    assert JSON_CODEC.decode_client(Frame(frame.label, frame.payload.encode())) == CLIENT[name]


def test_frame_without_envelope_is_the_applications() -> None:
    assert client('{"type":"set_prompt","data":{"prompt":"hi"}}') == Command("set_prompt", {"prompt": "hi"})
    assert server('{"type":"done","data":{"n":1}}') == ApplicationMessage("done", {"n": 1})
    assert client('{"type":"set_prompt"}') == Command("set_prompt")


@pytest.mark.parametrize("data", ["null", "{}"])
def test_absent_data_is_empty(data: str) -> None:
    assert client(f'{{"scope":"application","data":{{"type":"go","data":{data}}}}}') == Command("go", {})
    assert client('{"scope":"runtime","data":{"type":"ping"}}') == Ping()


def test_a_label_other_than_control_is_data() -> None:
    assert client('{"scope":"runtime","data":{"type":"ping","data":{}}}', "events") == Ping()


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("data", '{"scope":"runtime","data":{"type":"somethingNew","data":{"x":1}}}'),
        ("control", '{"type":"notification","event":"dance","data":{"name":"v"}}'),
        ("control", '{"type":"request","method":"dance","request_id":"q1","data":{"name":"v"}}'),
        ("control", '{"type":"greeting"}'),
        ("control", '{"type":["request"],"method":{}}'),
        ("control", "{}"),
    ],
)
def test_unknown_client_kinds_are_ignored(label: str, text: str) -> None:
    assert client(text, label) is None


@pytest.mark.parametrize(
    "text",
    ['{"type":"response","method":"dance","request_id":"q1"}', '{"type":"notification","event":"dance"}', '{"type":[]}', "{}"],
)
def test_unknown_server_control_kinds_are_ignored(text: str) -> None:
    assert server(text, "control") is None


def test_unknown_runtime_message_is_passed_on() -> None:
    message = server('{"scope":"runtime","data":{"type":"somethingNew","data":{"x":1}}}')
    assert message == RuntimeMessage("somethingNew", {"x": 1})


@pytest.mark.parametrize("number", ["4", "-7", "0", "9007199254740993", "123456789012345678901234567890"])
def test_ints_stay_ints(number: str) -> None:
    message = client(command(f'{{"n":{number}}}'))
    assert isinstance(message, Command)
    assert type(message.data["n"]) is int
    assert str(message.data["n"]) == number
    assert f'"n":{number}' in str(JSON_CODEC.encode(message).payload)


def test_floats_and_bools_keep_their_type() -> None:
    message = client(command('{"f":4.0,"b":true,"z":null}'))
    assert isinstance(message, Command)
    assert type(message.data["f"]) is float
    assert message.data["b"] is True
    assert JSON_CODEC.encode(message).payload == command('{"f":4.0,"b":true,"z":null}')


@pytest.mark.parametrize(
    ("first", "is_v0"),
    [
        ("{}", True),
        ("rubbish", True),
        ("", True),
        (b'{"a":1}', True),
        (b"  \n\t[1]", True),
        (b"", False),
        (b"   ", False),
        (b"\x0a\x02q1", False),
        (b"\x00{", False),
    ],
)
def test_first_frame_chooses_the_version(first: str | bytes, is_v0: bool) -> None:
    assert codec_for(first) is (JSON_CODEC if is_v0 else PROTOBUF_CODEC)


@pytest.mark.parametrize("data", [{"n": float("nan")}, {"n": float("inf")}, {"s": {1}}, {("a",): 1}, {"s": "\ud800"}])
def test_data_that_is_not_json_is_not_encoded(data: dict[Any, Any]) -> None:
    with pytest.raises(DecodeError):
        JSON_CODEC.encode(Command("c", data))


def test_data_that_contains_itself_is_not_encoded() -> None:
    data: dict[str, Any] = {}
    data["self"] = data
    with pytest.raises(DecodeError):
        JSON_CODEC.encode(Command("c", data))
