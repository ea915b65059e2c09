"""Wire version v1 against peers that mean no good: whatever comes, only ``DecodeError`` is raised, soon and in little memory."""

from __future__ import annotations

import contextlib
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reactor_protocol.reactor_wire import to_bytes, to_json

from reactor_protocol.codec import Frame
from reactor_protocol.codec_v1 import PROTOBUF_CODEC
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
    RequestClip,
    RequestRecording,
    RequestSchema,
    RequestStep,
    ResumeTrack,
    RuntimeMessage,
    SessionEnded,
    StepFile,
    StepFrame,
    StepResult,
    StepTrack,
    UnpublishTrack,
)

LABELS = ("data", "control")
EXAMPLES = settings(max_examples=60, deadline=None)


def decode(payload: str | bytes, label: str) -> None:
    """Decodes at both ends; anything but a message, None or ``DecodeError`` fails the test."""
    for verb in (PROTOBUF_CODEC.decode_client, PROTOBUF_CODEC.decode_server):
        with contextlib.suppress(DecodeError):
            verb(Frame(label, payload))


def sized(content: bytes) -> bytes:
    size, out = len(content), bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size]) + content


def command(data: bytes) -> bytes:
    """A command whose Struct has these bytes."""
    return b"R" + sized(b"\x0a\x01c\x12" + sized(data))


def field(value: bytes) -> bytes:
    """One field ``x`` of a Struct."""
    return b"\x0a" + sized(b"\x0a\x01x\x12" + sized(value))


def nested(depth: int) -> bytes:
    """A Struct with that many objects inside one another, itself included."""
    struct = b""
    for _ in range(depth - 1):
        struct = field(b"\x2a" + sized(struct))
    return struct


def listed(depth: int) -> bytes:
    """A Struct with that many lists inside one another."""
    value = b"\x32\x00"
    for _ in range(depth - 1):
        value = b"\x32" + sized(b"\x0a" + sized(value))
    return field(value)


@pytest.mark.parametrize(
    ("label", "payload"),
    [
        ("data", '{"type":"c"}'),
        ("data", b"\x52"),
        ("data", b"\x52\x05\x0a"),
        ("data", b"\x80" * 10 + b"\x01"),
        ("data", b"\xff" * 11),
        ("data", b"\x10"),
        ("data", b"\x53\x54"),
        ("data", b"\x57\x00"),
        ("data", b"\x56"),
        ("data", b"\x0a\x02\xff\xfe"),
        ("data", b"\x52\x03\x0a\x01\xff"),
        ("data", b"\x52\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("data", command(b"\x0a\x05\x0a\x01x\x12\x09")),
        ("data", command(field(b"\x11\x00\x00"))),
        ("data", command(field(b"\x11\x00\x00\x00\x00\x00\x00\xf8\x7f"))),
        ("data", command(field(b"\x11\x00\x00\x00\x00\x00\x00\xf0\x7f"))),
        ("data", command(field(b"\x1a\x01\xff"))),
        ("data", b"R" + sized(b"\x0a\x01c\x1a" + sized(b"\x0a\x01f\x12\x00"))),
        ("control", b"b\x00"),
        ("control", b"b" + sized(b"\x0a\x01u\x20" + b"\xff" * 9 + b"\x01")),
        ("control", b"j\x09\x09\x00\x00\x00\x00\x00\x00\xf8\x7f"),
    ],
)
def test_rubbish_is_a_decode_error(label: str, payload: str | bytes) -> None:
    with pytest.raises(DecodeError):
        PROTOBUF_CODEC.decode_client(Frame(label, payload))


@pytest.mark.parametrize("shape", [nested, listed])
def test_objects_and_lists_go_thirty_two_deep(shape: Any) -> None:
    depth = 32 if shape is nested else 31
    assert isinstance(PROTOBUF_CODEC.decode_client(Frame("data", command(shape(depth)))), Command)
    for beyond in (depth + 1, 2_000):
        with pytest.raises(DecodeError, match="32"):
            PROTOBUF_CODEC.decode_client(Frame("data", command(shape(beyond))))


@pytest.mark.parametrize(
    "payload",
    [
        command(b"\x0a\x00" * 140_000),
        command(field(b"\x32" + sized(b"\x0a\x00" * 140_000))),
        b"R" + sized(b"\x0a\x00" * 140_000),
        b"R" + sized(b"\x1a\x00" * 140_000),
        command(field(b"\x08\x00" * 140_000)),
        command(b"\x0a" + sized(b"\x08\x00" * 140_000)),
        b"\x0a\x00" * 140_000,
        b"\x98\x06\x00" * 140_000,
    ],
    ids=["fields of a Struct", "values of a list", "texts", "uploads", "one value", "one entry", "ids", "unknown fields"],
)
def test_a_message_has_no_more_than_131072_fields(payload: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match="131072"):
            PROTOBUF_CODEC.decode_client(Frame("data", payload))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def test_a_message_above_the_limit_is_not_looked_at() -> None:
    with pytest.raises(DecodeError, match="above the limit of 67108864"):
        PROTOBUF_CODEC.decode_client(Frame("data", bytes(67_108_865)))


@EXAMPLES
@given(payload=st.text() | st.binary(), label=st.sampled_from(LABELS))
def test_no_bytes_raise_anything_else(payload: str | bytes, label: str) -> None:
    decode(payload, label)


@EXAMPLES
@given(data=st.data())
def test_no_message_that_was_tampered_with_raises_anything_else(data: st.DataObject) -> None:
    frame = PROTOBUF_CODEC.encode(data.draw(client_messages | server_messages))
    assert isinstance(frame.payload, bytes)
    payload = bytearray(frame.payload)
    for _ in range(data.draw(st.integers(1, 4))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    for label in LABELS:
        decode(bytes(payload[: data.draw(st.integers(0, len(payload)))]), label)
        decode(bytes(payload), label)


# ------------------------------------------------------------------------------------------------- against the library

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=3)
ids = st.none() | texts.filter(bool)
files = st.builds(FileRef, texts.filter(bool), texts, texts, st.integers(0, 2**53))
refusals = st.builds(Refusal, texts, texts)
replies = st.builds(ApplicationMessage, texts, objects)
seconds = st.floats(0, 1e6)

raw_frames = st.builds(
    StepFrame,
    st.sampled_from(["raw", "h264", None]),
    texts,
    st.lists(st.integers(0, 2**32 - 1), max_size=8).map(tuple),
    st.binary(max_size=8),
    st.none() | st.binary(max_size=4),
    st.none() | st.integers(-(2**63), 2**63 - 1),
)
tracks = st.lists(
    st.builds(StepTrack, texts, st.sampled_from(["video", "audio", None]), st.lists(raw_frames, max_size=2).map(tuple), seconds),
    max_size=2,
).map(tuple)
client_messages = st.one_of(
    st.builds(Command, texts, objects, st.dictionaries(texts, files, max_size=2), ids),
    st.just(Ping()),
    st.builds(RequestSchema, ids),
    st.builds(FileUploaded, files),
    st.builds(RequestClip, seconds, ids),
    st.builds(RequestRecording, ids),
    st.builds(PublishTrack, texts, texts),
    st.builds(UnpublishTrack, texts),
    st.builds(PauseTrack, texts),
    st.builds(ResumeTrack, texts),
    st.builds(RequestStep, texts.filter(bool), objects, st.tuples(st.builds(Command, texts, objects)), tracks),
)
server_messages = st.one_of(
    replies,
    st.builds(CommandResult, texts.filter(bool), st.none() | replies),
    st.builds(CommandResult, texts.filter(bool), error=refusals),
    st.builds(PublishResult, texts, st.none() | refusals),
    st.builds(ClipReady, texts, texts, seconds, seconds, seconds, st.integers(0, 2**53), texts, ids),
    st.builds(ClipFailed, texts, ids),
    st.builds(RuntimeMessage, st.just("modelSchema"), objects, ids),
    st.builds(SessionEnded, texts),
    st.builds(
        StepResult,
        texts.filter(bool),
        st.integers(0, 2**53),
        tracks,
        seconds,
        st.lists(st.builds(StepFile, texts, texts, st.integers(0, 2**53)), max_size=2).map(tuple),
        st.none() | texts,
        st.sampled_from(["refused", "failed", "session_ended", None]),
        st.none() | texts,
        st.none() | texts,
    ),
)


def _through_the_library(frame: Frame, who: str) -> Frame:
    assert isinstance(frame.payload, bytes)
    return Frame(frame.label, to_bytes(frame.label, who, to_json(frame.label, who, frame.payload)))


@EXAMPLES
@given(message=client_messages)
def test_client_messages_survive_the_way_through_the_library(message: Any) -> None:
    frame = PROTOBUF_CODEC.encode(message)
    assert PROTOBUF_CODEC.decode_client(frame) == message
    assert PROTOBUF_CODEC.decode_client(_through_the_library(frame, "client")) == message


@EXAMPLES
@given(message=server_messages)
def test_server_messages_survive_the_way_through_the_library(message: Any) -> None:
    frame = PROTOBUF_CODEC.encode(message)
    assert PROTOBUF_CODEC.decode_server(frame) == message
    assert PROTOBUF_CODEC.decode_server(_through_the_library(frame, "server")) == message


@EXAMPLES
@given(message=client_messages, data=st.data())
def test_what_is_cut_off_or_changed_raises_nothing_else(message: Any, data: st.DataObject) -> None:
    frame = PROTOBUF_CODEC.encode(message)
    assert isinstance(frame.payload, bytes)
    decode(frame.payload[: data.draw(st.integers(0, len(frame.payload)))], frame.label)
    where = data.draw(st.integers(0, max(0, len(frame.payload) - 1)))
    decode(frame.payload[:where] + data.draw(st.binary(max_size=3)) + frame.payload[where + 1 :], frame.label)
