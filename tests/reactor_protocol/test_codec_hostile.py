"""Wire version v0 against peers that mean no good: whatever comes, only ``DecodeError`` is raised."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_protocol.codec import JSON_CODEC, Frame
from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import (
    ApplicationMessage,
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
    SessionEnded,
    UnpublishTrack,
)

LABELS = ("data", "control")
EXAMPLES = settings(max_examples=30, deadline=None)


def decode(payload: str | bytes, label: str) -> None:
    """Decodes at both ends; anything but a message, None or ``DecodeError`` fails the test."""
    for verb in (JSON_CODEC.decode_client, JSON_CODEC.decode_server):
        with contextlib.suppress(DecodeError):
            verb(Frame(label, payload))


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        '{"scope":',
        "nope",
        "[]",
        "1",
        "null",
        '"text"',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"scope":"application","data":{"type":"c","data":{"x":' + "[" * 90_000,
        '{"n":NaN}',
        '{"n":Infinity}',
        '{"n":-Infinity}',
        '{"n":1e999}',
        '{"n":' + "9" * 5_000 + "}",
        '{"pad":"' + "x" * 1_048_576 + '"}',
        b"",
        b"\x00\x01\x02",
        b"\xff\xfe{\x00}\x00\xff",
        b'{"a":"\xff"}',
        b'{"pad":"' + b"x" * 1_048_576 + b'"}',
    ],
    ids=lambda payload: repr(payload[:24]),
)
def test_rubbish_is_a_decode_error(payload: str | bytes, label: str) -> None:
    for verb in (JSON_CODEC.decode_client, JSON_CODEC.decode_server):
        with pytest.raises(DecodeError):
            verb(Frame(label, payload))


@pytest.mark.parametrize("kind", [str, str.encode])
def test_lists_and_objects_may_stand_128_deep_in_one_another(kind: Callable[[str], str | bytes]) -> None:
    def nested(levels: int) -> Frame:
        inner = levels - 2  # the message is an object, and so is its data
        return Frame("data", kind('{"type":"c","data":{"s":' + "[" * inner + "]" * inner + "}}"))

    assert isinstance(JSON_CODEC.decode_client(nested(128)), Command)
    with pytest.raises(DecodeError, match="not JSON: nested deeper than 128 levels"):
        JSON_CODEC.decode_client(nested(129))


def test_brackets_in_texts_and_beside_one_another_are_no_nesting() -> None:
    brackets = "[{" * 500 + '\\"' + "[{" * 500
    text = json.dumps({"type": "c", "data": {"s": brackets, "t": [[{}]] * 500}})
    assert isinstance(JSON_CODEC.decode_client(Frame("data", text)), Command)


def test_the_limit_counts_bytes_of_utf8() -> None:
    for letter, count in (("x", 262_116), ("ä", 131_058)):
        text = f'{{"type":"c","data":{{"s":"{letter * count}"}}}}'
        assert len(text.encode()) == 262_144
        assert isinstance(JSON_CODEC.decode_client(Frame("data", text)), Command)
        for payload in (text.replace("c", "cc", 1), text.replace("c", "cc", 1).encode()):
            with pytest.raises(DecodeError, match="262144"):
                JSON_CODEC.decode_client(Frame("data", payload))


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("data", '{"scope":"application","data":[]}'),
        ("data", '{"scope":"elsewhere","data":{}}'),
        ("data", '{"scope":7,"data":{}}'),
        ("data", '{"scope":{},"data":{}}'),
        ("data", '{"scope":"application","data":{"data":{}}}'),
        ("data", '{"scope":"application","data":{"type":7}}'),
        ("data", '{"scope":"application","data":{"type":"c","data":[1]}}'),
        ("data", '{"scope":"application","data":{"type":"c","request_id":7}}'),
        ("data", '{"scope":"application","data":{"type":"c","uploads":[]}}'),
        ("data", '{"scope":"application","data":{"type":"c","uploads":{"i":"id"}}}'),
        ("data", '{"scope":"application","data":{"type":"c","uploads":{"i":{}}}}'),
        ("data", '{"scope":"runtime","data":{"type":"fileUploaded","data":{"upload_id":"u","size":"3"}}}'),
        ("data", '{"scope":"runtime","data":{"type":"fileUploaded","data":{"upload_id":"u","size":-1}}}'),
        ("data", '{"scope":"runtime","data":{"type":"fileUploaded","data":{"upload_id":"u","size":true}}}'),
        ("data", '{"scope":"runtime","data":{"type":"fileUploaded","data":{"upload_id":"u","size":1e999}}}'),
        ("data", '{"scope":"runtime","data":{"type":"fileUploaded","data":{"upload_id":"u","name":[]}}}'),
        ("data", '{"scope":"runtime","data":{"type":"fileUploaded","data":{}}}'),
        ("data", '{"scope":"runtime","data":{"type":"requestClip","data":{"duration_seconds":true}}}'),
        ("data", '{"scope":"runtime","data":{"type":"requestClip","data":{}}}'),
        ("control", '{"type":"request","method":"publish_track","data":{"name":"v"}}'),
        ("control", '{"type":"request","method":"publish_track","request_id":"q","data":{}}'),
        ("control", '{"type":"request","method":"publish_track","request_id":"q","data":"v"}'),
        ("control", '{"type":"notification","event":"pause_track","data":{"name":null}}'),
    ],
)
def test_wrong_types_of_a_client(label: str, text: str) -> None:
    with pytest.raises(DecodeError):
        JSON_CODEC.decode_client(Frame(label, text))


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("data", '{"scope":"runtime","data":{"type":"commandResult","data":{"ok":true}}}'),
        ("data", '{"scope":"runtime","data":{"type":"commandResult","data":{"request_id":"d","reply":7}}}'),
        ("data", '{"scope":"runtime","data":{"type":"commandResult","data":{"request_id":"d","reply":{}}}}'),
        ("data", '{"scope":"runtime","data":{"type":"commandResult","data":{"request_id":"d","error":"no"}}}'),
        ("data", '{"scope":"runtime","data":{"type":"sessionEnded","data":{"reason":[]}}}'),
        ("data", '{"scope":"runtime","data":{"type":"clipReady","data":{"playlist_url":"/clips"}}}'),
        ("control", '{"type":"response","method":"publish_track","data":{}}'),
        ("control", '{"type":"response","method":"publish_track","request_id":"q","error":"no"}'),
        ("control", '{"type":"response","method":"publish_track","request_id":"q","error":{"code":{}}}'),
    ],
)
def test_wrong_types_of_a_server(label: str, text: str) -> None:
    with pytest.raises(DecodeError):
        JSON_CODEC.decode_server(Frame(label, text))


def test_a_careless_server_is_understood() -> None:
    """A frame number that is none is left out, and an error code may be a number."""
    text = '{"scope":"runtime","data":{"type":"commandResult","data":{"request_id":"d","frame":true,"error":{"code":7}}}}'
    assert JSON_CODEC.decode_server(Frame("data", text)) == CommandResult("d", error=Refusal("7", ""))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(["application", "runtime", "request", "response", "notification", "publish_track", "pause_track"]) | (
    st.sampled_from(["ping", "fileUploaded", "commandResult", "sessionEnded", "modelSchema"])
)
keys = st.sampled_from(["scope", "data", "type", "uploads", "request_id", "method", "event", "name", "error", "reply", "frame"])
shapes = st.recursive(
    words | json_values | st.floats(),
    lambda inner: st.dictionaries(keys | st.sampled_from(["size", "upload_id", "reason", "code"]), inner, max_size=5),
    max_leaves=12,
)


@EXAMPLES
@given(payload=st.text() | st.binary(), label=st.sampled_from(LABELS))
def test_no_bytes_raise_anything_else(payload: str | bytes, label: str) -> None:
    decode(payload, label)


@EXAMPLES
@given(body=shapes, label=st.sampled_from(LABELS))
def test_no_shape_raises_anything_else(body: Any, label: str) -> None:
    decode(json.dumps(body), label)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
objects = st.dictionaries(texts, json_values, max_size=3).filter(lambda data: _is_unicode(data))
files = st.builds(FileRef, texts, texts, texts, st.integers(0, 2**53))
refusals = st.builds(Refusal, texts, texts)
replies = st.builds(ApplicationMessage, texts, objects)
runtime_kinds = texts.filter(lambda kind: kind not in ("commandResult", "sessionEnded", "clipReady", "clipFailed"))
seconds = st.floats(0, 1e6)

client_messages = st.one_of(
    st.builds(Command, texts, objects, st.dictionaries(texts, files, max_size=2), st.none() | texts),
    st.just(Ping()),
    st.just(RequestSchema()),
    st.just(RequestCapabilities()),
    st.builds(FileUploaded, files),
    st.builds(RequestClip, seconds),
    st.just(RequestRecording()),
    st.builds(PublishTrack, texts, texts),
    st.builds(UnpublishTrack, texts),
    st.builds(PauseTrack, texts),
    st.builds(ResumeTrack, texts),
)
server_messages = st.one_of(
    replies,
    st.builds(CommandResult, texts, st.none() | replies, st.none() | refusals, st.none() | st.integers(0, 2**53)),
    st.builds(PublishResult, texts, st.none() | refusals),
    st.builds(ClipReady, texts, texts, seconds, seconds, seconds, st.integers(0, 2**53), texts),
    st.builds(ClipFailed, texts),
    st.builds(RuntimeMessage, runtime_kinds, objects),
    st.builds(SessionEnded, texts),
)


def _is_unicode(data: dict[str, Any]) -> bool:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@EXAMPLES
@given(message=client_messages)
def test_client_messages_survive_the_way(message: Any) -> None:
    assert repr(JSON_CODEC.decode_client(JSON_CODEC.encode(message))) == repr(message)


@EXAMPLES
@given(message=server_messages)
def test_server_messages_survive_the_way(message: Any) -> None:
    assert repr(JSON_CODEC.decode_server(JSON_CODEC.encode(message))) == repr(message)
