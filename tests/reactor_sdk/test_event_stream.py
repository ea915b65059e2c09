from __future__ import annotations

import pytest

from reactor_sdk import DecodeError
from reactor_sdk.event_stream import EventStreamDecoder


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b'data: {"a": 1}\n\n', [b'{"a": 1}']),
        (b"data:tight\n\n", [b"tight"]),
        (b"data: one\ndata: two\n\n", [b"one\ntwo"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [b"a", b"b", b"c"]),
        (b"data: one\r\ndata: two\r\n\r\n", [b"one\ntwo"]),
        (b": keep-alive\n\n: keep-alive\n\ndata: x\n\n", [b"x"]),
        (b"event: session\nid: 7\nretry: 10\ndata: x\n\n", [b"x"]),
        (b"\xef\xbb\xbfdata: x\n\n", [b"x"]),
        (b"data: is never ended\n", []),
        (b"\n\n\n", []),
        (b"database: x\n\n", []),
    ],
)
def test_events_come_out_however_the_bytes_are_cut(stream: bytes, events: list[bytes]) -> None:
    assert EventStreamDecoder().feed(stream) == events
    for size in (1, 2, 3, 7):
        decoder = EventStreamDecoder()
        pieces = [stream[begin : begin + size] for begin in range(0, len(stream), size)]
        assert [event for piece in pieces for event in decoder.feed(piece)] == events


@pytest.mark.parametrize("chunk", [b"x" * 101, b"data: " + b"x" * 96, b"data: " + b"x" * 40 + b"\ndata: " + b"x" * 60])
def test_an_event_above_the_limit_is_refused(chunk: bytes) -> None:
    with pytest.raises(DecodeError, match="larger than 100 bytes"):
        EventStreamDecoder(limit=100).feed(chunk)


def test_the_limit_is_for_one_event_and_not_for_the_stream() -> None:
    decoder = EventStreamDecoder(limit=100)
    assert decoder.feed((b"data: " + b"x" * 80 + b"\n\n") * 50) == [b"x" * 80] * 50
