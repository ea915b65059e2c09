"""Wire version v1: the exchanges of the reference (runtime, 5.3) as proto-JSON, which the protobuf library turns into bytes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.reactor_protocol.reactor_wire import to_bytes, to_json

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
    RequestClip,
    RequestRecording,
    RequestSchema,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    SessionEnded,
    UnpublishTrack,
)

FILE = FileRef("0f3a9c", "a.png", "image/png", 3)
FILE_JSON = {"uploadId": "0f3a9c", "name": "a.png", "mimeType": "image/png", "size": "3"}
REQUEST, RESPONSE, NOTIFICATION = "MESSAGE_KIND_REQUEST", "MESSAGE_KIND_RESPONSE", "MESSAGE_KIND_NOTIFICATION"

CLIENT: list[tuple[ClientMessage, str, dict[str, Any]]] = [
    (
        Command("set_prompt", {"prompt": "yo"}, request_id="r1"),
        "data",
        {"requestId": "r1", "kind": REQUEST, "command": {"type": "set_prompt", "data": {"prompt": "yo"}}},
    ),
    (
        Command("see", {}, {"img": FILE}, "r2"),
        "data",
        {"requestId": "r2", "kind": REQUEST, "command": {"type": "see", "data": {}, "uploads": {"img": FILE_JSON}}},
    ),
    (Command("jump"), "data", {"kind": REQUEST, "command": {"type": "jump", "data": {}}}),
    (Ping(), "control", {"kind": NOTIFICATION, "ping": {}}),
    (RequestSchema("c1"), "control", {"requestId": "c1", "kind": REQUEST, "requestSchema": {}}),
    (FileUploaded(FILE), "control", {"kind": NOTIFICATION, "fileUploaded": FILE_JSON}),
    (RequestClip(2.5, "c2"), "control", {"requestId": "c2", "kind": REQUEST, "requestClip": {"durationSeconds": 2.5}}),
    (RequestRecording("c3"), "control", {"requestId": "c3", "kind": REQUEST, "requestRecording": {}}),
    (PublishTrack("p1", "webcam"), "control", {"requestId": "p1", "kind": REQUEST, "publishTrack": {"name": "webcam"}}),
    (PauseTrack("main"), "control", {"kind": NOTIFICATION, "pauseTrack": {"name": "main"}}),
    (ResumeTrack("main"), "control", {"kind": NOTIFICATION, "resumeTrack": {"name": "main"}}),
    (UnpublishTrack("webcam"), "control", {"kind": NOTIFICATION, "unpublishTrack": {"name": "webcam"}}),
]

MODERATION = {
    "action": "terminate",
    "input_kind": "text",
    "command": "set_prompt",
    "categories": ["a", "b"],
    "message": "Session terminated due to policy violation.",
}
SERVER: list[tuple[ServerMessage, str, dict[str, Any]]] = [
    (CommandResult("r1"), "data", {"requestId": "r1", "kind": RESPONSE}),
    (
        CommandResult("r2", ApplicationMessage("done", {"n": 4})),
        "data",
        {"requestId": "r2", "kind": RESPONSE, "message": {"type": "done", "data": {"n": 4.0}}},
    ),
    (
        CommandResult("r4", error=Refusal("invalid_command", "unknown command")),
        "data",
        {"requestId": "r4", "kind": RESPONSE, "error": {"code": "invalid_command", "message": "unknown command"}},
    ),
    (ApplicationMessage("tick", {"n": 1}), "data", {"kind": NOTIFICATION, "message": {"type": "tick", "data": {"n": 1.0}}}),
    (PublishResult("p1"), "control", {"requestId": "p1", "kind": RESPONSE, "publishTrack": {}}),
    (
        PublishResult("p2", Refusal("publish_refused", "track already published")),
        "control",
        {"requestId": "p2", "kind": RESPONSE, "error": {"code": "publish_refused", "message": "track already published"}},
    ),
    (
        RuntimeMessage("modelSchema", {"openapi": "3.1.0"}, "c1"),
        "control",
        {"requestId": "c1", "kind": RESPONSE, "modelSchema": {"openapi": {"openapi": "3.1.0"}}},
    ),
    (
        ClipReady("7a1c", "snap", 1.5, 11.5, 12.0, 1767225600000, "/clips?session_id=7a1c", "c2"),
        "control",
        {
            "requestId": "c2",
            "kind": RESPONSE,
            "clipReady": {
                "sessionId": "7a1c",
                "kind": "snap",
                "startMarker": 1.5,
                "endMarker": 11.5,
                "nowMarker": 12.0,
                "predictedReadyAtMs": "1767225600000",
                "playlistUrl": "/clips?session_id=7a1c",
            },
        },
    ),
    (
        ClipFailed("no media generated yet", "c3"),
        "control",
        {"requestId": "c3", "kind": RESPONSE, "clipFailed": {"reason": "no media generated yet"}},
    ),
    (
        RuntimeMessage("moderation", MODERATION),
        "control",
        {
            "kind": NOTIFICATION,
            "moderation": {
                "action": "terminate",
                "inputKind": "text",
                "command": "set_prompt",
                "categories": ["a", "b"],
                "message": "Session terminated due to policy violation.",
            },
        },
    ),
    (SessionEnded("deployment"), "control", {"kind": NOTIFICATION, "sessionEnded": {"reason": "deployment"}}),
]


def name(case: object) -> str | None:
    return None if isinstance(case, str | dict) else type(case).__name__


@pytest.mark.parametrize(("message", "channel", "body"), CLIENT, ids=name)
def test_what_a_client_says(message: ClientMessage, channel: str, body: dict[str, Any]) -> None:
    assert PROTOBUF_CODEC.decode_client(Frame(channel, to_bytes(channel, "client", body))) == message
    frame = PROTOBUF_CODEC.encode(message)
    assert frame.label == channel
    assert isinstance(frame.payload, bytes)
    assert to_json(channel, "client", frame.payload) == body


@pytest.mark.parametrize(("message", "channel", "body"), SERVER, ids=name)
def test_what_a_server_says(message: ServerMessage, channel: str, body: dict[str, Any]) -> None:
    frame = PROTOBUF_CODEC.encode(message)
    assert frame.label == channel
    assert isinstance(frame.payload, bytes)
    assert to_json(channel, "server", frame.payload) == body
    assert PROTOBUF_CODEC.decode_server(Frame(channel, to_bytes(channel, "server", body))) == message


RECORDED: list[tuple[str, bytes, ClientMessage]] = [
    ("control", b"\x10\x03\x8a\x01\x0c\n\nmain_video", ResumeTrack("main_video")),
    ("control", b"\x10\x03R\x00", Ping()),
    ("data", b"\n\x06data_2\x10\x01R\t\n\x05bogus\x12\x00", Command("bogus", request_id="data_2")),
    (
        "data",
        b"\n\x06data_3\x10\x01R\x19\n\tset_color\x12\x0c\n\n\n\x03red\x12\x03\x1a\x01x",
        Command("set_color", {"red": "x"}, {}, "data_3"),
    ),
    ("control", b"\n\x06ctrl_1\x10\x01Z\x00", RequestSchema("ctrl_1")),
    ("control", b"\n\x06ctrl_2\x10\x01j\t\t\x00\x00\x00\x00\x00\x00\x08@", RequestClip(3.0, "ctrl_2")),
]


@pytest.mark.parametrize(("channel", "payload", "message"), RECORDED)
def test_what_the_published_client_was_heard_to_say(channel: str, payload: bytes, message: ClientMessage) -> None:
    assert PROTOBUF_CODEC.decode_client(Frame(channel, payload)) == message
    assert PROTOBUF_CODEC.encode(message) == Frame(channel, payload)


# ---------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (4, 4),
        (-1, -1),
        (0, 0),
        (2**53, 2**53),
        (0.5, 0.5),
        (4.0, 4),
        (1e300, 1e300),
        (2.0**60, 2.0**60),
        (True, True),
        (False, False),
    ],
)
def test_an_int_arrives_as_an_int_however_deep(sent: object, arrives: object) -> None:
    command = PROTOBUF_CODEC.decode_client(PROTOBUF_CODEC.encode(Command("c", {"a": [{"b": sent}]})))
    assert isinstance(command, Command)
    value = command.data["a"][0]["b"]
    assert (value, type(value)) == (arrives, type(arrives))


@pytest.mark.parametrize(
    "data", [{"n": float("nan")}, {"n": float("inf")}, {"s": {1}}, {("a",): 1}, {"s": "\ud800"}, {"n": 10**400}]
)
def test_data_that_is_not_json_is_not_encoded(data: dict[Any, Any]) -> None:
    with pytest.raises(DecodeError):
        PROTOBUF_CODEC.encode(Command("c", data))


def test_keys_that_are_numbers_become_text_as_in_json() -> None:
    for codec in (PROTOBUF_CODEC, JSON_CODEC):
        command = codec.decode_client(codec.encode(Command("c", {"m": {1: "x"}})))
        assert command == Command("c", {"m": {"1": "x"}})


def test_data_that_contains_itself_is_not_encoded() -> None:
    data: dict[str, Any] = {}
    data["self"] = data
    with pytest.raises(DecodeError, match="32"):
        PROTOBUF_CODEC.encode(Command("c", data))


# -------------------------------------------------------------------------------------------------------- extension


def test_the_last_member_of_a_oneof_counts() -> None:
    ping, schema = b"R\x00", b"Z\x00"
    assert PROTOBUF_CODEC.decode_client(Frame("control", ping + schema)) == RequestSchema()
    assert PROTOBUF_CODEC.decode_client(Frame("control", ping + schema + ping)) == Ping()


@pytest.mark.parametrize(
    "unknown",
    [b"\x98\x06\x07", b"\x99\x06" + b"12345678", b"\x9a\x06\x03abc", b"\x9d\x06" + b"1234", b"\x0a\x02r1\x08\x01"],
    ids=["varint", "fixed64", "bytes", "fixed32", "another wire type"],
)
def test_unknown_fields_are_passed_over(unknown: bytes) -> None:
    assert PROTOBUF_CODEC.decode_client(Frame("control", unknown + b"\x10\x03R\x00")) == Ping()


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("data", b""),
        ("control", b""),
        ("data", b"\xc2\x02\x00"),
        ("control", b"\xc2\x02\x00"),
    ],
    ids=["nothing", "nothing", "an error", "an error"],
)
def test_what_we_do_not_know_means_nothing(channel: str, payload: bytes) -> None:
    assert PROTOBUF_CODEC.decode_client(Frame(channel, payload)) is None


def test_a_moderation_notice_in_other_words_is_told_as_far_as_it_goes() -> None:
    frame = PROTOBUF_CODEC.encode(RuntimeMessage("moderation", {"action": "warn", "score": 1, "categories": "none"}))
    assert PROTOBUF_CODEC.decode_server(frame) == RuntimeMessage(
        "moderation", {"action": "warn", "input_kind": "", "command": "", "message": "", "categories": []}
    )


@pytest.mark.parametrize(
    ("message", "known"),
    [
        (RuntimeMessage("sessionExpiration", {}), False),
        (RuntimeMessage("sessionInterrupted", {}), False),
        (RuntimeMessage("modelSchema", {}), True),
        (RuntimeMessage("moderation", {}), True),
        (SessionEnded("x"), True),
    ],
)
def test_v1_has_no_words_for_some_notices(message: ServerMessage, known: bool) -> None:
    assert PROTOBUF_CODEC.can_say(message) is known
    assert JSON_CODEC.can_say(message)
    if not known:
        with pytest.raises(DecodeError, match="no words for 'session"):
            PROTOBUF_CODEC.encode(message)
